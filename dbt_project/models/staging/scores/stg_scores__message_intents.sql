{{ config(materialized='view') }}

{% if execute and load_relation(source('scores', 'message_intents')) is none -%}
{{ exceptions.raise_compiler_error(
    "scores.message_intents does not exist: ml/schema.sql makes it when the warehouse starts (python -m runtime postgres)"
) }}
{%- endif %}
-- A day's messages are read after its features were built: what they said is known from the next day.
select
    message_id,
    intent as intent_id,
    probability,
    is_top,
    is_named,
    is_in_scope,
    abstained,
    sentiment,
    urgency,
    language,
    model_name,
    model_version,
    as_of_date as read_date,
    {{ days_after('as_of_date', 1) }} as known_date
from {{ source('scores', 'message_intents') }}
where as_of_date < {{ as_of() }}
