{{ config(materialized='view') }}

{% for department, table in landed_departments() -%}
select
    '{{ department }}' as department,
    entity,
    batch_id,
    delivered_date,
    known_date,
    as_of as landed_as_of,
    status
from {{ table }}
union all
{% endfor -%}
select
    cast(null as {{ dbt.type_string() }}) as department,
    cast(null as {{ dbt.type_string() }}) as entity,
    cast(null as {{ dbt.type_string() }}) as batch_id,
    cast(null as date) as delivered_date,
    cast(null as date) as known_date,
    cast(null as date) as landed_as_of,
    cast(null as {{ dbt.type_string() }}) as status
where 1 = 0
