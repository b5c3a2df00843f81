{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ clear_increment() }}",
    indexes=indexes_on([['known_date']], unique=['key_kind', 'source_key', 'account_id'])
) }}

-- With which accounts a visitor, an install or a device was seen, and since when. What a bot does with an account binds
-- nothing.
with seen as (
    {% for kind, model, key, genuine in [
        ('visitor', 'stg_web__events', 'visitor_id', 'not is_bot'),
        ('install', 'stg_app__events', 'install_id', 'not is_bot'),
        ('device', 'stg_devices__registrations', 'serial_no', 'true')
    ] -%}
    select
        '{{ kind }}' as key_kind,
        {{ key }} as source_key,
        account_id,
        min(known_date) as known_date
    from {{ ref(model) }}
    where
        account_id is not null
        and {{ genuine }}
        {% if is_incremental() -%}
        and known_date >= {{ increment_since() }}
        {%- endif %}
    group by {{ key }}, account_id
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    seen.key_kind,
    seen.source_key,
    seen.account_id,
    seen.known_date
from seen
{% if is_incremental() -%}
where not exists (
    select 1
    from {{ this }} as before
    where
        before.key_kind = seen.key_kind
        and before.source_key = seen.source_key
        and before.account_id = seen.account_id
)
{%- endif %}
