-- The catalogues of both companies, in one shape.
select
    product_id,
    manufacturer_id,
    department,
    product_category,
    product_type,
    package_size,
    is_private_brand,
    cast(null as {{ dbt.type_string() }}) as product_name,
    cast(null as {{ money() }}) as price_eur,
    cast(null as {{ money() }}) as margin_percent,
    cast(null as integer) as usage_days,
    source_row,
    batch_id,
    known_date
from {{ ref('stg_merchandising__products') }}
union all
select
    product_id,
    cast(null as {{ dbt.type_string() }}) as manufacturer_id,
    product_category as department,
    product_category,
    cast(null as {{ dbt.type_string() }}) as product_type,
    cast(null as {{ dbt.type_string() }}) as package_size,
    is_private_brand,
    product_name,
    price_eur,
    margin_percent,
    usage_days,
    source_row,
    batch_id,
    known_date
from {{ ref('stg_shop__products') }}
