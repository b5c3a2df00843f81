{{ config(indexes=indexes_on([], unique=['customer_id', 'channel'])) }}

-- A contact is the start of a campaign for a household it targets, a mailing sent, or a day on which the contact centre
-- wrote or spoke in a case. What the platform itself decided is no contact yet: nobody has confirmed that it was sent.
with dated as (
    select
        customer_id,
        channel,
        starts_date as contact_date
    from {{ ref('campaign_contacts') }}
    where channel = 'mail'
    union all
    select
        customer_id,
        channel,
        sent_date as contact_date
    from {{ ref('mailing_sends') }}
    union all
    select distinct
        customer_id,
        channel,
        sent_date as contact_date
    from {{ ref('case_messages') }}
    where direction = 'out'
),

contacts as (
    select
        customer_id,
        channel,
        {{ days_between('contact_date', as_of()) }} as age_days
    from dated
    where contact_date <= {{ as_of() }}
),

counted as (
    select
        customer_id,
        channel,
        sum(case when age_days < 7 then 1 else 0 end) as contacts_7d,
        sum(case when age_days < 28 then 1 else 0 end) as contacts_28d
    from contacts
    group by customer_id, channel
),

channels as (
    select distinct channel
    from {{ ref('contact_limits') }}
)

select
    customers.customer_id,
    {{ as_of() }} as as_of_date,
    channels.channel,
    cast(coalesce(counted.contacts_7d, 0) as integer) as contacts_7d,
    cast(coalesce(counted.contacts_28d, 0) as integer) as contacts_28d
from {{ ref('customers') }} as customers
cross join channels
left join counted
    on
        customers.customer_id = counted.customer_id
        and channels.channel = counted.channel
