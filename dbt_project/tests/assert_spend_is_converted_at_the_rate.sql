-- Fails when: the spend of a day in EUR is not the spend in USD over the rate of that day, up to rounding of its lines.
-- Why: a missing or doubled rate would change every value that the chooser weighs.
with usd as (
    select
        sold_date,
        sum(sales_usd) as sales_usd,
        count(*) as lines
    from {{ ref('stg_till__transactions') }}
    group by sold_date
),

eur as (
    select
        sold_date,
        sum(spend_eur) as spend_eur
    from {{ ref('basket_lines') }}
    group by sold_date
)

select
    usd.sold_date,
    usd.sales_usd,
    eur.spend_eur
from usd
left join eur on usd.sold_date = eur.sold_date
left join {{ ref('currency_rates') }} as rates
    on
        rates.currency = '{{ company("till_currency") }}'
        and usd.sold_date >= rates.valid_from
        and usd.sold_date < rates.valid_until
where
    eur.spend_eur is null
    or rates.units_per_eur is null
    or abs(usd.sales_usd / rates.units_per_eur - eur.spend_eur) > usd.lines * 0.00005
