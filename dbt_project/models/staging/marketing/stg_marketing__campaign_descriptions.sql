with delivered as (
    {{ accepted_rows('marketing', 'campaign_descriptions', [
        'campaign_id', 'campaign_type', 'start_date', 'end_date'
    ]) }}
)

select
    {{ told('campaign_id') }} as campaign_id,
    {{ told('campaign_type') }} as campaign_type,
    cast({{ told('start_date') }} as date) as starts_date,
    cast({{ told('end_date') }} as date) as ends_date,
    source_row,
    batch_id,
    known_date
from delivered
