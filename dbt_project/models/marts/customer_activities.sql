{{ config(materialized='view') }}

-- A view: its tables are kept up to date and indexed by customer, another copy would only cost.
select
    'basket/' || basket_id as activity_id,
    customer_id,
    'bought' as activity,
    case when store_id = 'online' then 'shop' else 'till' end as department,
    case when store_id = 'online' then 'web' else 'store' end as channel,
    sold_date as activity_date,
    sold_at as activity_at,
    spend_eur,
    cast(null as {{ dbt.type_string() }}) as campaign_id,
    known_date
from {{ ref('baskets') }}
union all
select
    'order/' || order_id as activity_id,
    customer_id,
    'ordered' as activity,
    'shop' as department,
    'web' as channel,
    ordered_date as activity_date,
    ordered_at as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    cast(null as {{ dbt.type_string() }}) as campaign_id,
    known_date
from {{ ref('orders') }}
where not is_purchase
union all
select
    'return/' || return_id as activity_id,
    customer_id,
    'returned' as activity,
    department,
    case when department = 'shop' then 'web' else 'store' end as channel,
    returned_date as activity_date,
    cast(null as {{ type_moment() }}) as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    cast(null as {{ dbt.type_string() }}) as campaign_id,
    known_date
from {{ ref('returns') }}
union all
select
    'visit/' || visit_id as activity_id,
    customer_id,
    'visited' as activity,
    department,
    department as channel,
    visit_date as activity_date,
    started_at as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    cast(null as {{ dbt.type_string() }}) as campaign_id,
    known_date
from {{ ref('visits') }}
where customer_id is not null
union all
select
    'contact/' || campaign_id || '/' || customer_id as activity_id,
    customer_id,
    'was_contacted' as activity,
    'marketing' as department,
    channel,
    starts_date as activity_date,
    cast(null as {{ type_moment() }}) as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    campaign_id,
    known_date
from {{ ref('campaign_contacts') }}
where
    channel = 'mail'
    and starts_date <= {{ as_of() }}
union all
select
    'send/' || send_id as activity_id,
    customer_id,
    'was_contacted' as activity,
    'marketing' as department,
    channel,
    sent_date as activity_date,
    sent_at as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    campaign_id,
    known_date
from {{ ref('mailing_sends') }}
union all
select
    'response/' || response_id as activity_id,
    customer_id,
    case kind
        when 'open' then 'opened'
        when 'click' then 'clicked'
        when 'bounce' then 'bounced'
        when 'unsubscribe' then 'unsubscribed'
        when 'spam' then 'reported_spam'
    end as activity,
    'marketing' as department,
    channel,
    occurred_date as activity_date,
    occurred_at as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    campaign_id,
    known_date
from {{ ref('mailing_responses') }}
union all
select
    'redemption/' || campaign_id || '/' || coupon_id || '/' || cast(redeemed_date as {{ dbt.type_string() }})
    || '/' || customer_id as activity_id,
    customer_id,
    'redeemed' as activity,
    'marketing' as department,
    'store' as channel,
    redeemed_date as activity_date,
    cast(null as {{ type_moment() }}) as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    campaign_id,
    known_date
from {{ ref('coupon_redemptions') }}
union all
select
    'case/' || ticket_id as activity_id,
    customer_id,
    'contacted_service' as activity,
    'service' as department,
    channel,
    opened_date as activity_date,
    opened_at as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    cast(null as {{ dbt.type_string() }}) as campaign_id,
    known_date
from {{ ref('cases') }}
where customer_id is not null
union all
select
    'message/' || message_id as activity_id,
    customer_id,
    'was_answered' as activity,
    'service' as department,
    channel,
    sent_date as activity_date,
    sent_at as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    cast(null as {{ dbt.type_string() }}) as campaign_id,
    known_date
from {{ ref('int_messages_identified') }}
where direction = 'out'
union all
select
    'answer/' || answer_id as activity_id,
    customer_id,
    'answered_survey' as activity,
    'feedback' as department,
    'email' as channel,
    answered_date as activity_date,
    answered_at as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    cast(null as {{ dbt.type_string() }}) as campaign_id,
    known_date
from {{ ref('survey_answers') }}
union all
select
    'consent/' || purpose || '/' || channel || '/' || customer_id as activity_id,
    customer_id,
    'changed_consent' as activity,
    'consent' as department,
    channel,
    changed_date as activity_date,
    changed_at as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    cast(null as {{ dbt.type_string() }}) as campaign_id,
    known_date
from {{ ref('consents') }}
union all
select
    'device/' || {{ dbt.hash('serial_no') }} || '/' || cast(measured_date as {{ dbt.type_string() }}) as activity_id,
    customer_id,
    'had_device_error' as activity,
    'devices' as department,
    'device' as channel,
    measured_date as activity_date,
    cast(null as {{ type_moment() }}) as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    cast(null as {{ dbt.type_string() }}) as campaign_id,
    known_date
from {{ ref('device_days') }}
where error_code is not null
