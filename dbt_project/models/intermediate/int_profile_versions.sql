{{ config(materialized='view') }}

{{ snapshot_versions(
    ref('stg_crm__demographics'),
    'loyalty_number',
    [
        'age_band', 'income_band', 'home_ownership', 'marital_status', 'household_size', 'household_composition',
        'kids_count'
    ]
) }}
