-- What customers wrote, as it was read by then. Nothing read yet is not the same as nothing written: before the first
-- reading the features are empty. A first reading looks back 28 days, so no window is longer. A complaint is answered
-- once the contact centre has written after it or the case is resolved; nobody answers a comment.
with began as (
    select min(known_date) as began_date
    from {{ ref('message_meanings') }}
),

visible as (
    select
        meanings.*,
        dates.as_of_date,
        {{ days_between('meanings.sent_date', 'dates.as_of_date') }} as age_days
    from {{ ref('message_meanings') }} as meanings
    inner join {{ ref('snapshot_dates') }} as dates
        on
            meanings.sent_date <= dates.as_of_date
            and meanings.known_date <= dates.as_of_date
            and {{ days_between('meanings.sent_date', 'dates.as_of_date') }} < 28
),

answers as (
    select distinct
        visible.message_id,
        visible.as_of_date
    from visible
    inner join {{ ref('case_messages') }} as replies
        on
            visible.ticket_id = replies.ticket_id
            and replies.direction = 'out'
            and visible.sent_at < replies.sent_at
            and visible.as_of_date >= replies.known_date
    union
    select
        visible.message_id,
        visible.as_of_date
    from visible
    inner join {{ ref('case_versions') }} as cases
        on
            visible.ticket_id = cases.ticket_id
            and visible.as_of_date >= cases.valid_from
            and visible.as_of_date < cases.valid_until
            and not cases.is_open
),

counted as (
    select
        visible.customer_id,
        visible.as_of_date,
        count(*) as messages_28d,
        sum(case when visible.is_complaint then 1 else 0 end) as complaint_messages_28d,
        sum(
            case when visible.is_complaint and answers.message_id is null then 1 else 0 end
        ) as unanswered_complaints,
        {% for topic in ['delivery', 'return', 'product', 'advice'] -%}
        sum(case when visible.topic = '{{ topic }}' then 1 else 0 end) as {{ topic }}_messages_28d,
        {% endfor -%}
        sum(case when visible.sentiment < 0 then 1 else 0 end) as negative_messages_28d,
        max(visible.urgency) as message_urgency_28d,
        min(visible.age_days) as message_recency_days
    from visible
    left join answers
        on
            visible.message_id = answers.message_id
            and visible.as_of_date = answers.as_of_date
    group by visible.customer_id, visible.as_of_date
)

select
    customers.customer_id,
    customers.as_of_date,
    {% for count in [
        'messages_28d', 'complaint_messages_28d', 'unanswered_complaints', 'delivery_messages_28d',
        'return_messages_28d', 'product_messages_28d', 'advice_messages_28d'
    ] -%}
    cast(coalesce(counted.{{ count }}, 0) as integer) as {{ count }},
    {% endfor -%}
    {{ ratio('counted.negative_messages_28d', 'counted.messages_28d') }} as negative_message_share_28d,
    cast(counted.message_urgency_28d as {{ type_double() }}) as message_urgency_28d,
    cast(counted.message_recency_days as integer) as message_recency_days
from {{ ref('int_snapshot_customers_listed') }} as customers
inner join began on customers.as_of_date >= began.began_date
left join counted
    on
        customers.customer_id = counted.customer_id
        and customers.as_of_date = counted.as_of_date
