select
    gate,
    as_of_date,
    expectations,
    failed,
    failed_critical,
    failed_warning
from {{ ref('int_gates_summed') }}
