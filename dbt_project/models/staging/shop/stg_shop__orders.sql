with delivered as (
    {{ accepted_rows('shop', 'orders', [
        'order_no', 'account_id', 'ordered_at', 'status', 'total_cents', 'discount_cents', 'voucher_code',
        'promised_date', 'ship_to_name', 'ship_to_street', 'ship_to_postcode', 'ship_to_town', 'updated_at'
    ]) }}
),

dated as (
    select
        *,
        {{ known_by_then(iso_moment('updated_at')) }} as status_known_date,
        {{ known_by_then(iso_moment('ordered_at')) }} as row_known_date
    from delivered
)

select
    {{ told('order_no') }} as order_id,
    {{ told('account_id') }} as account_id,
    {{ iso_moment('ordered_at') }} as ordered_at,
    lower({{ told('status') }}) as status,
    cast(round(cast({{ told('total_cents') }} as {{ money() }}) / 100, 4) as {{ money() }}) as total_eur,
    cast(round(cast({{ told('discount_cents') }} as {{ money() }}) / 100, 4) as {{ money() }}) as discount_eur,
    {{ told('voucher_code') }} as voucher_code,
    cast({{ told('promised_date') }} as date) as promised_date,
    {{ told('ship_to_name') }} as ship_to_name,
    {{ told('ship_to_street') }} as ship_to_street,
    {{ told('ship_to_postcode') }} as ship_to_postcode,
    {{ told('ship_to_town') }} as ship_to_town,
    {{ iso_moment('updated_at') }} as updated_at,
    status_known_date,
    source_row,
    batch_id,
    row_known_date as known_date
from dated
{% if is_incremental() -%}
where row_known_date >= {{ increment_since() }}
{%- endif %}
