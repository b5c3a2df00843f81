{{ config(materialized='table', indexes=indexes_on([['order_id']])) }}

-- An order becomes a purchase when its goods go out (shipped, delivered, returned): before, it may still be cancelled.
-- So nothing that was known has to be taken back. What the shop cancelled or removed until then never becomes one.
-- The pull of the history shows only the newest status; there a purchase is known from its order on.
with versions as (
    select
        *,
        row_number() over (
            partition by order_id order by updated_at desc, status_known_date desc, batch_id desc, source_row desc
        ) as newest_first
    from {{ ref('stg_shop__orders') }}
    where not is_test
),

tracked as (
    select
        order_id,
        min(known_date) as first_known_date,
        min(case when status in ('shipped', 'delivered', 'returned') then known_date end) as settled_date,
        min(case when status = 'cancelled' then status_known_date end) as cancelled_date,
        min(case when status = 'returned' then status_known_date end) as returned_date,
        min(case when status = 'returned' then updated_at end) as returned_at
    from {{ ref('stg_shop__orders') }}
    where not is_test
    group by order_id
),

removed as (
    select
        row_key as order_id,
        min(known_date) as removed_date
    from {{ ref('stg_shop__deletions') }}
    where table_name = 'orders'
    group by row_key
)

select
    versions.order_id,
    customers.customer_id,
    versions.ordered_at,
    {{ shop_day('versions.ordered_at') }} as ordered_date,
    cast(extract(hour from {{ shop_clock('versions.ordered_at') }}) as integer) as ordered_hour,
    versions.status,
    versions.total_eur,
    versions.discount_eur,
    versions.promised_date,
    removed.order_id is not null as is_removed,
    tracked.returned_at,
    greatest(tracked.first_known_date, customers.first_known_date) as first_known_date,
    case
        when
            tracked.settled_date < coalesce(tracked.cancelled_date, cast('9999-12-31' as date))
            and tracked.settled_date < coalesce(removed.removed_date, cast('9999-12-31' as date))
            then greatest(tracked.settled_date, customers.first_known_date)
    end as purchase_known_date,
    case
        when tracked.returned_date is not null then greatest(tracked.returned_date, customers.first_known_date)
    end as returned_known_date,
    greatest(versions.status_known_date, customers.first_known_date) as known_date
from versions
inner join tracked on versions.order_id = tracked.order_id
inner join {{ ref('customer_ids') }} as customers
    on
        versions.account_id = customers.source_key
        and customers.key_kind = 'account'
        and customers.first_known_date <= {{ as_of() }}
left join removed on versions.order_id = removed.order_id
where versions.newest_first = 1
