{{ config(materialized='view', pre_hook=[]) }}

select
    entity_kind,
    source_key,
    customer_id,
    first_known_date,
    is_founder
from {{ source('identity', 'entity_customers') }}
