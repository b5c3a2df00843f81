{{ config(materialized='view') }}

{% if execute and load_relation(source('decisions', 'decision_ledger')) is none -%}
{{ exceptions.raise_compiler_error(
    "decisions.decision_ledger does not exist: ml/schema.sql makes it when the warehouse starts (python -m runtime postgres)"
) }}
{%- endif %}
select
    decision_id,
    customer_id,
    as_of_date,
    arm,
    action_id,
    channel,
    propensity,
    cast(expected_net_value_eur as {{ money() }}) as expected_net_value_eur,
    policy_version,
    model_name,
    model_version
from {{ source('decisions', 'decision_ledger') }} as made
where
    as_of_date <= {{ as_of() }}
    and not exists (
        select 1 from {{ source('decisions', 'withdrawn_decisions') }} as withdrawn
        where made.decision_id = withdrawn.decision_id
    )
