with delivered as (
    {{ accepted_rows('feedback', 'answers', [
        'answer_id', 'answered_at', 'survey', 'score', 'comment', 'email', 'order_no', 'ticket_id'
    ]) }}
)

select
    {{ told('answer_id') }} as answer_id,
    {{ iso_moment('answered_at') }} as answered_at,
    lower({{ told('survey') }}) as survey,
    cast({{ told('score') }} as integer) as score,
    {{ told('comment') }} as comment,
    {{ told('email') }} as email,
    emails.normalised_value as email_key,
    {{ told('order_no') }} as order_id,
    {{ told('ticket_id') }} as ticket_id,
    source_row,
    batch_id,
    known_date
from delivered
{{ join_normalised('emails', 'email', 'delivered.email') }}
