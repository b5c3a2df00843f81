{{ config(materialized='table', indexes=indexes_on([['ticket_id']])) }}

-- Whose ticket it is: the account, else the e-mail, else whoever placed the order; the first we knew, so that it stays.
with told as (
    select
        ticket_id,
        1 as rank_of_key,
        'account' as key_kind,
        account_id as source_key,
        min(known_date) as known_date
    from {{ ref('stg_service__tickets') }}
    where
        account_id is not null
        and not is_test
    group by ticket_id, account_id
    union all
    select
        ticket_id,
        2 as rank_of_key,
        'email' as key_kind,
        email_key as source_key,
        min(known_date) as known_date
    from {{ ref('stg_service__tickets') }}
    where
        email_key is not null
        and not is_test
    group by ticket_id, email_key
),

found as (
    select
        told.ticket_id,
        told.rank_of_key,
        customers.customer_id,
        greatest(told.known_date, customers.first_known_date) as identified_date
    from told
    inner join {{ ref('customer_ids') }} as customers
        on
            told.source_key = customers.source_key
            and told.key_kind = customers.key_kind
            and customers.first_known_date <= {{ as_of() }}
    union all
    select
        tickets.ticket_id,
        3 as rank_of_key,
        orders.customer_id,
        greatest(tickets.known_date, orders.first_known_date) as identified_date
    from {{ ref('stg_service__tickets') }} as tickets
    inner join {{ ref('int_orders_tracked') }} as orders on tickets.order_id = orders.order_id
    where not tickets.is_test
),

ranked as (
    select
        *,
        row_number() over (
            partition by ticket_id order by identified_date, rank_of_key, customer_id
        ) as best_first
    from found
)

select
    ticket_id,
    customer_id,
    identified_date
from ranked
where best_first = 1
