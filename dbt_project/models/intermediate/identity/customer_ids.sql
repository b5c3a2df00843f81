{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    indexes=indexes_on([], unique=['source_key'])
) }}

-- Minted once and for ever: this table is only ever added to, also by a full refresh of everything else. In this
-- version the id is a hash of a namespace and the loyalty number, so that it does not depend on the order in which
-- people arrive; who reads it must still treat it as opaque: later ids of merged people will not be hashes.
select
    'c' || substring({{ dbt.hash("'cxloop/loyalty/' || collected.loyalty_number") }}, 1, 16) as customer_id,
    collected.loyalty_number as source_key,
    collected.first_known_date
from {{ ref('int_loyalty_numbers_collected') }} as collected
{% if is_incremental() %}
where not exists (
    select 1
    from {{ this }} as minted
    where minted.source_key = collected.loyalty_number
)
{%- endif %}
