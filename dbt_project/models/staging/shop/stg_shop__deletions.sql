with delivered as (
    {{ accepted_rows('shop', 'deletions', ['table_name', 'row_key', 'deleted_at']) }}
),

dated as (
    select
        *,
        {{ known_by_then(iso_moment('deleted_at')) }} as row_known_date
    from delivered
)

select
    lower({{ told('table_name') }}) as table_name,
    {{ told('row_key') }} as row_key,
    {{ iso_moment('deleted_at') }} as deleted_at,
    source_row,
    batch_id,
    row_known_date as known_date
from dated
{% if is_incremental() -%}
where row_known_date >= {{ increment_since() }}
{%- endif %}
