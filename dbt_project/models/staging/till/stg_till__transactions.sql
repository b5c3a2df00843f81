{{ config(indexes=indexes_on([['known_date']], unique=['batch_id', 'source_row'])) }}

-- The tills write UTC without saying so; the shops live on New York time (17 % of the lines change their day).
with delivered as (
    {{ accepted_rows('till', 'transactions', [
        'household_id', 'store_id', 'basket_id', 'product_id', 'quantity', 'sales_value', 'retail_disc', 'coupon_disc',
        'coupon_match_disc', 'transaction_timestamp'
    ]) }}
),

dated as (
    select
        *,
        {{ utc_moment('transaction_timestamp') }} as sold_at
    from delivered
),

localised as (
    select
        *,
        {{ shop_clock('sold_at') }} as sold_clock
    from dated
)

select
    {{ told('household_id') }} as loyalty_number,
    {{ told('store_id') }} as store_id,
    {{ told('basket_id') }} as basket_id,
    {{ told('product_id') }} as product_id,
    cast(quantity as integer) as quantity,
    cast(sales_value as {{ money() }}) as sales_usd,
    cast(retail_disc as {{ money() }}) as retail_discount_usd,
    cast(coupon_disc as {{ money() }}) as coupon_discount_usd,
    cast(coupon_match_disc as {{ money() }}) as coupon_match_discount_usd,
    sold_at,
    cast(sold_clock as date) as sold_date,
    cast(extract(hour from sold_clock) as integer) as sold_hour,
    source_row,
    batch_id,
    known_date
from localised
