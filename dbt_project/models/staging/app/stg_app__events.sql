{{ config(indexes=indexes_on([['known_date']], unique=['batch_id', 'source_row'])) }}

with delivered as (
    {{ accepted_rows('app', 'events', [
        'event_id', 'install_id', 'account_id', 'event', 'sku', 'platform', 'occurred_at'
    ]) }}
),

read as (
    select
        *,
        {{ from_format('occurred_at', 'epoch_seconds') }} as occurred
    from delivered
),

paced as (
    {{ paced('read', 'install_id', 'occurred') }}
)

select
    {{ told('read.event_id') }} as event_id,
    {{ told('read.install_id') }} as install_id,
    {{ told('read.account_id') }} as account_id,
    {{ told('read.event') }} as event,
    {{ told('read.sku') }} as product_id,
    {{ told('read.platform') }} as platform,
    pace.reason is not null as is_bot,
    pace.reason as bot_reason,
    read.occurred as occurred_at,
    read.source_row,
    read.batch_id,
    read.known_date
from read
{{ join_pace('read', 'install_id', 'app') }}
