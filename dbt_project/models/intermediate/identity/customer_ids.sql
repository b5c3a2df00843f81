{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    on_schema_change='append_new_columns',
    post_hook="{{ name_older_keys() }}",
    indexes=indexes_on([['source_key'], ['customer_id']])
) }}

-- Minted once and for ever: this table is only ever added to, also by a full refresh of everything else. In this
-- version the id is a hash of the kind and value of the key that decides who somebody is, so that it does not depend on
-- the order in which people arrive; who reads it must still treat it as opaque: later ids of merged people will not be
-- hashes.
select
    'c' || substring({{ dbt.hash("'cxloop/' || collected.decided_by || '/' || collected.deciding_key") }}, 1, 16)
        as customer_id,
    collected.source_key,
    collected.first_known_date,
    collected.key_kind,
    collected.decided_by
from {{ ref('int_customer_keys_collected') }} as collected
{% if is_incremental() %}
where not exists (
    select 1
    from {{ this }} as minted
    where
        minted.source_key = collected.source_key
        and coalesce(minted.key_kind, 'loyalty') = collected.key_kind
)
{%- endif %}
