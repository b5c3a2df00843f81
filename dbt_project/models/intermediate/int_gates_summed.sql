select
    gate,
    as_of_date,
    cast(count(*) as integer) as expectations,
    cast(sum(case when is_success then 0 else 1 end) as integer) as failed,
    cast(sum(case when not is_success and severity = 'critical' then 1 else 0 end) as integer) as failed_critical,
    cast(sum(case when not is_success and severity = 'warning' then 1 else 0 end) as integer) as failed_warning
from {{ ref('stg_quality__gate_results') }}
group by gate, as_of_date
