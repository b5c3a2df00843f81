-- Fails when: the spend of the lines, the baskets, the customer days, the department days and the customers differ.
-- Why: each is built from the one before, partly by increments; equal sums show that no increment lost or doubled rows.
with sums as (
    select
        'basket_lines' as model,
        sum(spend_eur) as spend_eur
    from {{ ref('basket_lines') }}
    union all
    select
        'baskets' as model,
        sum(spend_eur) as spend_eur
    from {{ ref('baskets') }}
    union all
    select
        'customer_days' as model,
        sum(spend_eur) as spend_eur
    from {{ ref('customer_days') }}
    union all
    select
        'customer_department_days' as model,
        sum(spend_eur) as spend_eur
    from {{ ref('customer_department_days') }}
    union all
    select
        'customers' as model,
        sum(spend_eur) as spend_eur
    from {{ ref('customers') }}
),

compared as (
    select
        *,
        min(coalesce(spend_eur, 0)) over () as lowest,
        max(coalesce(spend_eur, 0)) over () as highest
    from sums
)

select *
from compared
where lowest <> highest
