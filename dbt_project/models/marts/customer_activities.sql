{{ config(materialized='view') }}

-- A view: its tables are kept up to date and indexed by customer, another copy would only cost. It reads marts alone,
-- so that it is published together with them.
with listed as (
    select
        {{ activity(
            "'basket/' || basket_id", "'bought'", "case when store_id = 'online' then 'shop' else 'till' end",
            "case when store_id = 'online' then 'web' else 'store' end", 'sold_date', 'sold_at',
            order_no="case when store_id = 'online' then basket_id end", spend='spend_eur'
        ) }}
    from {{ ref('baskets') }}
    union all
    select
        {{ activity(
            "'order/' || order_id", "'ordered'", "'shop'", "'web'", 'ordered_date', 'ordered_at', order_no='order_id'
        ) }}
    from {{ ref('orders') }}
    where not is_purchase
    union all
    select
        {{ activity(
            "'return/' || return_id", "'returned'", 'department',
            "case when department = 'shop' then 'web' else 'store' end", 'returned_date'
        ) }}
    from {{ ref('returns') }}
    union all
    select
        {{ activity(
            "'visit/' || visit_id",
            "case when service_events > 0 and service_events = events then 'looked_for_help' else 'visited' end",
            'department', 'department', 'visit_date', 'started_at', seconds='duration_seconds'
        ) }}
    from {{ ref('visits') }}
    where customer_id is not null
    union all
    select
        {{ activity(
            "'contact/' || campaign_id || '/' || customer_id", "'was_contacted'", "'marketing'", 'channel', 'starts_date',
            campaign='campaign_id'
        ) }}
    from {{ ref('campaign_contacts') }}
    where
        channel = 'mail'
        and starts_date <= {{ as_of() }}
    union all
    select
        {{ activity(
            "'send/' || send_id", "'was_contacted'", "'marketing'", 'channel', 'sent_date', 'sent_at',
            campaign='campaign_id'
        ) }}
    from {{ ref('mailing_sends') }}
    union all
    select
        {{ activity(
            "'response/' || response_id",
            "case kind when 'open' then 'opened' when 'click' then 'clicked' when 'bounce' then 'bounced'"
            ~ " when 'unsubscribe' then 'unsubscribed' when 'spam' then 'reported_spam' end",
            "'marketing'", 'channel', 'occurred_date', 'occurred_at', campaign='campaign_id'
        ) }}
    from {{ ref('mailing_responses') }}
    union all
    select
        {{ activity(
            "'redemption/' || campaign_id || '/' || coupon_id || '/' || cast(redeemed_date as " ~ dbt.type_string()
            ~ ") || '/' || customer_id", "'redeemed'", "'marketing'", "'store'", 'redeemed_date', campaign='campaign_id'
        ) }}
    from {{ ref('coupon_redemptions') }}
    union all
    select
        {{ activity(
            "'case/' || ticket_id", "'contacted_service'", "'service'", 'channel', 'opened_date', 'opened_at',
            ticket='ticket_id', seconds='handling_seconds'
        ) }}
    from {{ ref('cases') }}
    where customer_id is not null
    union all
    select
        {{ activity(
            "'resolution/' || ticket_id", "'case_resolved'", "'service'", 'channel', 'resolved_date', 'resolved_at',
            ticket='ticket_id'
        ) }}
    from {{ ref('cases') }}
    where
        customer_id is not null
        and not is_open
        and resolved_date is not null
    union all
    select
        {{ activity(
            "'message/' || message_id", "case direction when 'in' then 'wrote_to_service' else 'was_answered' end",
            "'service'", 'channel', 'sent_date', 'sent_at', ticket='ticket_id', text_id='message_id'
        ) }}
    from {{ ref('case_messages') }}
    union all
    select
        {{ activity(
            "'answer/' || answer_id", "'answered_survey'", "'feedback'", "'email'", 'answered_date', 'answered_at',
            text_id="case when comment is not null then answer_id end", score='score'
        ) }}
    from {{ ref('survey_answers') }}
    union all
    select
        {{ activity(
            "'consent/' || purpose || '/' || channel || '/' || customer_id", "'changed_consent'", "'consent'", 'channel',
            'changed_date', 'changed_at'
        ) }}
    from {{ ref('consents') }}
    union all
    select
        {{ activity(
            "'device/' || " ~ dbt.hash('serial_no') ~ " || '/' || cast(measured_date as " ~ dbt.type_string() ~ ")",
            "'had_device_error'", "'devices'", "'device'", 'measured_date'
        ) }}
    from {{ ref('device_days') }}
    where error_code is not null
)

select
    listed.activity_id,
    listed.customer_id,
    listed.activity,
    kinds.phase,
    kinds.direction,
    kinds.need,
    listed.department,
    listed.channel,
    listed.activity_date,
    listed.activity_at,
    listed.campaign_id,
    listed.order_id,
    listed.ticket_id,
    listed.text_id,
    listed.duration_seconds,
    listed.spend_eur,
    kinds.cost_eur,
    listed.satisfaction,
    listed.known_date
from listed
left join {{ ref('activity_kinds') }} as kinds on listed.activity = kinds.activity
