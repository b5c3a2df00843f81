{{ config(indexes=indexes_on([['customer_id']])) }}

select
    answer_id,
    customer_id,
    survey,
    score,
    comment,
    answered_at,
    answered_date,
    known_date
from {{ ref('int_answers_identified') }}
