-- Whose answer it is: the e-mail's, else whoever placed the order.
with ordered as (
    select
        *,
        row_number() over (partition by answer_id order by known_date, batch_id, source_row) as oldest_first
    from {{ ref('stg_feedback__answers') }}
),

found as (
    select
        ordered.answer_id,
        1 as rank_of_key,
        customers.customer_id,
        greatest(ordered.known_date, customers.first_known_date) as known_date
    from ordered
    inner join {{ ref('customer_ids') }} as customers
        on
            ordered.email_key = customers.source_key
            and customers.key_kind = 'email'
            and customers.first_known_date <= {{ as_of() }}
    where ordered.oldest_first = 1
    union all
    select
        ordered.answer_id,
        2 as rank_of_key,
        orders.customer_id,
        greatest(ordered.known_date, orders.first_known_date) as known_date
    from ordered
    inner join {{ ref('int_orders_tracked') }} as orders on ordered.order_id = orders.order_id
    where ordered.oldest_first = 1
),

ranked as (
    select
        *,
        row_number() over (partition by answer_id order by known_date, rank_of_key) as best_first
    from found
)

select
    ordered.answer_id,
    ranked.customer_id,
    ordered.survey,
    ordered.score,
    ordered.comment,
    ordered.answered_at,
    {{ shop_day('ordered.answered_at') }} as answered_date,
    ranked.known_date
from ranked
inner join ordered
    on
        ranked.answer_id = ordered.answer_id
        and ordered.oldest_first = 1
where ranked.best_first = 1
