{{ config(materialized='view') }}

-- The campaigns of both companies, in one shape. A mailing of nordhaus is typed by its channel, because that is what an
-- action chooses; the category is the goods it is about.
select
    campaign_id,
    campaign_type,
    'mail' as channel,
    cast(null as {{ dbt.type_string() }}) as category,
    starts_date,
    ends_date,
    source_row,
    batch_id,
    known_date
from {{ ref('stg_marketing__campaign_descriptions') }}
union all
select
    campaign_id,
    channel || ' mailing' as campaign_type,
    channel,
    category,
    starts_date,
    ends_date,
    source_row,
    batch_id,
    known_date
from {{ ref('stg_marketing__mailings') }}
