{{ config(materialized='view') }}

{{ snapshot_versions(
    ref('stg_merchandising__products'),
    'product_id',
    ['manufacturer_id', 'department', 'product_category', 'product_type', 'package_size', 'is_private_brand']
) }}
