{#- Every candidate of every decision: the ledger keeps them as a list of JSON objects. -#}
{% macro candidates_of(ledger) -%}
    {{ adapter.dispatch('candidates_of')(ledger) }}
{%- endmacro %}

{% macro default__candidates_of(ledger) -%}
    select
        made.decision_id,
        made.as_of_date,
        candidate.*
    from {{ ledger }} as made
    cross join lateral jsonb_to_recordset(made.candidates) as candidate (
        action_id text, is_eligible boolean, dropped_by text, dropped_reason text,
        expected_net_value_eur numeric, cost_eur numeric
    )
{%- endmacro %}

{% macro spark__candidates_of(ledger) -%}
    select
        exploded.decision_id,
        exploded.as_of_date,
        exploded.candidate.*
    from (
        select
            decision_id,
            as_of_date,
            explode(from_json(
                candidates,
                'array<struct<action_id: string, is_eligible: boolean, dropped_by: string, dropped_reason: string,'
                || ' expected_net_value_eur: decimal(14, 4), cost_eur: decimal(14, 4)>>'
            )) as candidate
        from {{ ledger }}
    ) as exploded
{%- endmacro %}
