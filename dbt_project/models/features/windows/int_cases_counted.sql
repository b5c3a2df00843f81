select
    cases.customer_id,
    dates.as_of_date,
    cast(count(*) as integer) as open_cases
from {{ ref('case_versions') }} as cases
inner join {{ ref('snapshot_dates') }} as dates
    on
        cases.valid_from <= dates.as_of_date
        and cases.valid_until > dates.as_of_date
        and cases.identified_date <= dates.as_of_date
where
    cases.is_open
    and cases.customer_id is not null
group by cases.customer_id, dates.as_of_date
