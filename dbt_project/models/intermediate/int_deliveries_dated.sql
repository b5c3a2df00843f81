select
    department,
    delivered_date,
    min(known_date) as known_date
from {{ ref('stg_quality__deliveries') }}
where known_date <= {{ as_of() }}
group by department, delivered_date
