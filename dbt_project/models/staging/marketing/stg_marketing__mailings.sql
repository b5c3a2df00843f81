with delivered as (
    {{ accepted_rows('marketing', 'mailings', [
        'campaign_id', 'name', 'category', 'channel', 'purpose', 'starts_date', 'ends_date'
    ]) }}
)

select
    {{ told('campaign_id') }} as campaign_id,
    {{ told('name') }} as campaign_name,
    lower({{ told('category') }}) as category,
    lower({{ told('channel') }}) as channel,
    lower({{ told('purpose') }}) as purpose,
    cast({{ told('starts_date') }} as date) as starts_date,
    cast({{ told('ends_date') }} as date) as ends_date,
    source_row,
    batch_id,
    known_date
from delivered
