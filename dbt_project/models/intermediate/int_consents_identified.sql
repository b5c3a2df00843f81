-- Whose consent it is: the account's, else the contact's, else the e-mail's.
with told as (
    {% for rank, kind, column in [
        (1, 'account', 'account_id'), (2, 'contact', 'contact_no'), (3, 'email', 'email_key')
    ] -%}
    select
        change_id,
        changed_at,
        purpose,
        channel,
        is_granted,
        {{ rank }} as rank_of_key,
        '{{ kind }}' as key_kind,
        {{ column }} as source_key,
        known_date,
        batch_id,
        source_row
    from {{ ref('stg_consent__changes') }}
    where {{ column }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

ranked as (
    select
        told.*,
        customers.customer_id,
        greatest(told.known_date, customers.first_known_date) as identified_date,
        row_number() over (
            partition by told.change_id
            order by
                greatest(told.known_date, customers.first_known_date),
                told.rank_of_key,
                told.batch_id,
                told.source_row
        ) as best_first
    from told
    inner join {{ ref('customer_ids') }} as customers
        on
            told.source_key = customers.source_key
            and told.key_kind = customers.key_kind
            and customers.first_known_date <= {{ as_of() }}
)

select
    change_id,
    customer_id,
    purpose,
    channel,
    is_granted,
    changed_at,
    {{ shop_day('changed_at') }} as changed_date,
    identified_date as known_date
from ranked
where best_first = 1
