with delivered as (
    {{ accepted_rows('merchandising', 'products', [
        'product_id', 'manufacturer_id', 'department', 'brand', 'product_category', 'product_type', 'package_size'
    ]) }}
)

select
    {{ told('product_id') }} as product_id,
    {{ told('manufacturer_id') }} as manufacturer_id,
    lower({{ told('department') }}) as department,
    lower({{ told('product_category') }}) as product_category,
    lower({{ told('product_type') }}) as product_type,
    {{ told('package_size') }} as package_size,
    coalesce(lower({{ told('brand') }}) = 'private', false) as is_private_brand,
    source_row,
    batch_id,
    known_date
from delivered
