select
    dates.as_of_date,
    {% for department in ['till', 'crm', 'marketing', 'shop', 'service'] -%}
    cast(
        min(
            case
                when deliveries.department = '{{ department }}'
                    then {{ days_between('deliveries.delivered_date', 'dates.as_of_date') }}
            end
        ) as integer
    ) as {{ department }}_data_age_days{{ ',' if not loop.last }}
    {% endfor %}
from {{ ref('snapshot_dates') }} as dates
left join {{ ref('department_deliveries') }} as deliveries
    on
        dates.as_of_date >= deliveries.known_date
        and dates.as_of_date >= deliveries.delivered_date
group by dates.as_of_date
