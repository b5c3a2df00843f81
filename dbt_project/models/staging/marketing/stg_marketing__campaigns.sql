with delivered as (
    {{ accepted_rows('marketing', 'campaigns', ['campaign_id', 'household_id']) }}
)

select
    {{ told('campaign_id') }} as campaign_id,
    {{ told('household_id') }} as loyalty_number,
    source_row,
    batch_id,
    known_date
from delivered
