{{ config(indexes=indexes_on([], unique=['product_id'])) }}

select
    product_id,
    manufacturer_id,
    department,
    product_category,
    product_type,
    package_size,
    is_private_brand,
    product_name,
    price_eur,
    margin_percent,
    usage_days,
    known_date
from {{ ref('int_product_versions') }}
where valid_until = cast('9999-12-31' as date)
