{{ config(materialized='view') }}

{{ snapshot_versions(
    ref('int_products_listed'),
    'product_id',
    [
        'manufacturer_id', 'department', 'product_category', 'product_type', 'package_size', 'is_private_brand',
        'product_name', 'price_eur', 'margin_percent', 'usage_days'
    ]
) }}
