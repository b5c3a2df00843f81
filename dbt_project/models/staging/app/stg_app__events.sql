with delivered as (
    {{ accepted_rows('app', 'events', [
        'event_id', 'install_id', 'account_id', 'event', 'sku', 'platform', 'occurred_at'
    ]) }}
)

select
    {{ told('event_id') }} as event_id,
    {{ told('install_id') }} as install_id,
    {{ told('account_id') }} as account_id,
    {{ told('event') }} as event,
    {{ told('sku') }} as product_id,
    {{ told('platform') }} as platform,
    {{ from_format('occurred_at', 'epoch_seconds') }} as occurred_at,
    source_row,
    batch_id,
    known_date
from delivered
