with delivered as (
    {{ accepted_rows('crm', 'demographics', [
        'household_id', 'age', 'income', 'home_ownership', 'marital_status', 'household_size', 'household_comp',
        'kids_count'
    ]) }}
)

select
    {{ told('household_id') }} as loyalty_number,
    {{ told('age') }} as age_band,
    {{ told('income') }} as income_band,
    {{ told('home_ownership') }} as home_ownership,
    {{ told('marital_status') }} as marital_status,
    {{ told('household_size') }} as household_size,
    {{ told('household_comp') }} as household_composition,
    {{ told('kids_count') }} as kids_count,
    source_row,
    batch_id,
    known_date
from delivered
