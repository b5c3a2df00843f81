{{ config(indexes=indexes_on([['known_date']], unique=['batch_id', 'source_row'])) }}

with delivered as (
    {{ accepted_rows('marketing', 'responses', ['response_id', 'send_id', 'kind', 'occurred_at']) }}
),

dated as (
    select
        *,
        {{ known_by_then(iso_moment('occurred_at')) }} as row_known_date
    from delivered
)

select
    {{ told('response_id') }} as response_id,
    {{ told('send_id') }} as send_id,
    lower({{ told('kind') }}) as kind,
    {{ iso_moment('occurred_at') }} as occurred_at,
    source_row,
    batch_id,
    row_known_date as known_date
from dated
{% if is_incremental() -%}
where row_known_date >= {{ increment_since() }}
{%- endif %}
