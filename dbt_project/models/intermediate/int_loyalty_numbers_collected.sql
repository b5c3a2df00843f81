with told as (
    {% for model in [
        'stg_till__transactions', 'stg_crm__demographics', 'stg_marketing__campaigns', 'stg_marketing__coupon_redemptions'
    ] -%}
    select
        loyalty_number,
        min(known_date) as first_known_date
    from {{ ref(model) }}
    group by loyalty_number
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    loyalty_number,
    min(first_known_date) as first_known_date
from told
group by loyalty_number
