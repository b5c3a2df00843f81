{{ config(materialized='table', indexes=indexes_on([['source_key'], ['customer_id']])) }}

-- Under which keys departments name a customer. Accounts, contacts and cards are whose ml/identity found they are; an
-- e-mail is whose it was first told to be; a visitor, an install or a device is the account's that it was first seen
-- with, if it was one only. A table of today: what it said before stands in identity.customer_history, and ids depend
-- on the customer's founder alone, so they are the same after a full refresh.
with entities as (
    select *
    from {{ ref('stg_identity__entity_customers') }}
    where first_known_date <= {{ as_of() }}
),

-- An account's e-mail counts once it was verified; a contact's was told to a clerk.
told_emails as (
    select
        records.email,
        entities.customer_id,
        records.known_date,
        row_number() over (
            partition by records.email order by records.known_date, records.entity_kind, records.source_key
        ) as oldest_first
    from {{ ref('person_records') }} as records
    inner join entities
        on
            records.entity_kind = entities.entity_kind
            and records.source_key = entities.source_key
    where
        records.email is not null
        and (records.entity_kind = 'contact' or records.is_email_verified)
),

device_days as (
    select
        *,
        min(known_date) over (partition by key_kind, source_key) as first_date
    from {{ ref('int_device_accounts') }}
),

devices as (
    select
        key_kind,
        source_key,
        min(account_id) as account_id,
        min(known_date) as known_date
    from device_days
    where known_date = first_date
    group by key_kind, source_key
    having count(*) = 1
)

-- The household numbers of complete_journey, where each is a customer.
select
    {{ minted_id("'loyalty'", 'loyalty_number') }} as customer_id,
    loyalty_number as source_key,
    first_known_date,
    'loyalty' as key_kind,
    true as is_founder
from {{ ref('int_loyalty_numbers_collected') }}
union all
select
    customer_id,
    source_key,
    first_known_date,
    entity_kind as key_kind,
    is_founder
from entities
union all
select
    customer_id,
    email as source_key,
    known_date as first_known_date,
    'email' as key_kind,
    false as is_founder
from told_emails
where oldest_first = 1
union all
select
    entities.customer_id,
    devices.source_key,
    greatest(devices.known_date, entities.first_known_date) as first_known_date,
    devices.key_kind,
    false as is_founder
from devices
-- Not the expression above, which has no index: a planner that expects one device would walk through it for each.
inner join {{ ref('stg_identity__entity_customers') }} as entities
    on
        devices.account_id = entities.source_key
        and entities.entity_kind = 'account'
        and entities.first_known_date <= {{ as_of() }}
