{{ config(indexes=indexes_on([['known_date']], unique=['batch_id', 'source_row'])) }}

with delivered as (
    {{ accepted_rows('web', 'events', [
        'event_id', 'visitor_id', 'account_id', 'event', 'page', 'sku', 'order_no', 'campaign_id', 'device_type',
        'user_agent', 'occurred_at'
    ]) }}
),

read as (
    select
        *,
        {{ from_format('occurred_at', 'epoch_milliseconds') }} as occurred
    from delivered
),

paced as (
    {{ paced('read', 'visitor_id', 'occurred') }}
)

select
    {{ told('read.event_id') }} as event_id,
    {{ told('read.visitor_id') }} as visitor_id,
    {{ told('read.account_id') }} as account_id,
    {{ told('read.event') }} as event,
    {{ told('read.page') }} as page,
    {{ told('read.sku') }} as product_id,
    {{ told('read.order_no') }} as order_id,
    {{ told('read.campaign_id') }} as campaign_id,
    {{ told('read.device_type') }} as device_type,
    {{ told('read.user_agent') }} as user_agent,
    coalesce(known_crawler.reason, pace.reason) is not null as is_bot,
    coalesce(known_crawler.reason, pace.reason) as bot_reason,
    read.occurred as occurred_at,
    read.source_row,
    read.batch_id,
    read.known_date
from read
{{ join_normalised('agents', 'user_agent', 'read.user_agent') }}
left join {{ ref('machine_rules') }} as known_crawler
    on
        known_crawler.department = 'web'
        and known_crawler.measure = 'user_agent'
        and agents.normalised_value = 'machine'
{{ join_pace('read', 'visitor_id', 'web') }}
