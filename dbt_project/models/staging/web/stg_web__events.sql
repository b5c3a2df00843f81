with delivered as (
    {{ accepted_rows('web', 'events', [
        'event_id', 'visitor_id', 'account_id', 'event', 'page', 'sku', 'order_no', 'campaign_id', 'device_type',
        'user_agent', 'occurred_at'
    ]) }}
)

select
    {{ told('event_id') }} as event_id,
    {{ told('visitor_id') }} as visitor_id,
    {{ told('account_id') }} as account_id,
    {{ told('event') }} as event,
    {{ told('page') }} as page,
    {{ told('sku') }} as product_id,
    {{ told('order_no') }} as order_id,
    {{ told('campaign_id') }} as campaign_id,
    {{ told('device_type') }} as device_type,
    coalesce(
        lower(user_agent) like '%bot%'
        or lower(user_agent) like '%crawl%'
        or lower(user_agent) like '%spider%',
        false
    ) as is_bot,
    {{ from_format('occurred_at', 'epoch_milliseconds') }} as occurred_at,
    source_row,
    batch_id,
    known_date
from delivered
