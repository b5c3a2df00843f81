select
    campaign_id,
    campaign_type,
    channel,
    category,
    starts_date,
    ends_date,
    valid_from,
    valid_until,
    known_date
from {{ ref('int_campaign_versions') }}
