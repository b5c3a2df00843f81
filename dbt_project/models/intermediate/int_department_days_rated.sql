select
    department,
    as_of_date,
    status,
    score,
    validity,
    rows_at_stake,
    money_at_stake_eur
from {{ ref('stg_quality__department_days') }}
