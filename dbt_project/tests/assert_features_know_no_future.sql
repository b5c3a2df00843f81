-- Fails when: a feature of a past date counts a purchase day of which we did not know then.
-- Why: a feature that has seen the future makes a model look good in training and fail in the shop.
with known as (
    select
        features.customer_id,
        features.as_of_date,
        sum(days.purchase_days) as purchase_days_84d
    from {{ ref('customer_features') }} as features
    inner join {{ ref('customer_days') }} as days
        on
            features.customer_id = days.customer_id
            and features.as_of_date >= days.known_date
            and {{ days_between('days.sold_date', 'features.as_of_date') }} between 0 and 83
    group by features.customer_id, features.as_of_date
)

select
    features.customer_id,
    features.as_of_date,
    features.purchase_days_84d,
    known.purchase_days_84d as known_purchase_days_84d
from {{ ref('customer_features') }} as features
left join known
    on
        features.customer_id = known.customer_id
        and features.as_of_date = known.as_of_date
where features.purchase_days_84d <> coalesce(known.purchase_days_84d, 0)
