select
    department,
    delivered_date,
    known_date
from {{ ref('int_deliveries_dated') }}
