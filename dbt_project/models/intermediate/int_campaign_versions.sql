{{ config(materialized='view') }}

{{ snapshot_versions(
    ref('stg_marketing__campaign_descriptions'), 'campaign_id', ['campaign_type', 'starts_date', 'ends_date']
) }}
