{{ config(materialized='view') }}

{{ snapshot_versions(
    ref('int_campaigns_listed'), 'campaign_id', ['campaign_type', 'channel', 'category', 'starts_date', 'ends_date']
) }}
