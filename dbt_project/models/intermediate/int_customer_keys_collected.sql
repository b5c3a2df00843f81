-- Every key under which a department names a person, with the key that decides who that is, as it stood on the first
-- day on which we knew the key. Nothing that comes later changes it, so the order of loading does not matter.
--   account -> its verified e-mail, else itself
--   contact -> its e-mail, else the card it carries (and whoever carried that first), else itself
--   card    -> the e-mail of the contact that carries it, else itself
--   install, visitor, device -> the account that it was first seen with, if it was one only
-- One step each: a key never leads to a key that leads on. Who is a tester or staff on that day is no customer.
with account_days as (
    select
        account_id,
        min(known_date) as first_known_date
    from {{ ref('stg_shop__accounts') }}
    where account_id is not null
    group by account_id
),

account_versions as (
    select
        account_days.account_id,
        account_days.first_known_date,
        case when versions.is_email_verified then versions.email_key end as email_key,
        versions.is_test,
        row_number() over (
            partition by account_days.account_id
            order by versions.updated_at desc, versions.batch_id desc, versions.source_row desc
        ) as newest_first
    from account_days
    left join {{ ref('stg_shop__accounts') }} as versions
        on
            account_days.account_id = versions.account_id
            and account_days.first_known_date = versions.known_date
),

accounts as (
    select
        account_id,
        first_known_date,
        email_key,
        case when email_key is null then 'account' else 'email' end as decided_by,
        coalesce(email_key, account_id) as deciding_key
    from account_versions
    where
        newest_first = 1
        and not is_test
),

contact_versions as (
    select
        contact_no,
        email_key,
        card_key,
        is_test,
        known_date as first_known_date,
        changed_at,
        min(known_date) over (partition by contact_no) as first_date,
        row_number() over (
            partition by contact_no order by known_date asc, changed_at desc, batch_id desc, source_row desc
        ) as first_day_newest_first
    from {{ ref('stg_crm__contacts') }}
),

first_contacts as (
    select *
    from contact_versions
    where
        first_day_newest_first = 1
        and not is_test
),

card_mentions as (
    select
        card_key,
        min(known_date) as first_known_date
    from {{ ref('stg_crm__contacts') }}
    where card_key is not null
    group by card_key
    union all
    select
        card_key,
        min(known_date) as first_known_date
    from {{ ref('stg_till__receipts') }}
    where card_key is not null
    group by card_key
),

card_days as (
    select
        card_key,
        min(first_known_date) as first_known_date
    from card_mentions
    group by card_key
),

card_carriers as (
    select
        card_days.card_key,
        card_days.first_known_date,
        first_contacts.email_key,
        row_number() over (
            partition by card_days.card_key
            order by
                case when first_contacts.email_key is null then 1 else 0 end,
                carried.changed_at,
                carried.contact_no
        ) as first_carrier_first
    from card_days
    left join contact_versions as carried
        on
            card_days.card_key = carried.card_key
            and card_days.first_known_date = carried.first_known_date
    left join first_contacts on carried.contact_no = first_contacts.contact_no
),

cards as (
    select
        card_key,
        first_known_date,
        case when email_key is null then 'card' else 'email' end as decided_by,
        coalesce(email_key, card_key) as deciding_key
    from card_carriers
    where first_carrier_first = 1
),

contacts as (
    select
        first_contacts.contact_no,
        first_contacts.first_known_date,
        first_contacts.email_key,
        case
            when first_contacts.email_key is not null then 'email'
            when cards.card_key is not null then cards.decided_by
            else 'contact'
        end as decided_by,
        coalesce(first_contacts.email_key, cards.deciding_key, first_contacts.contact_no) as deciding_key
    from first_contacts
    left join cards on first_contacts.card_key = cards.card_key
),

emails as (
    select
        email_key,
        min(first_known_date) as first_known_date
    from (
        select
            email_key,
            first_known_date
        from accounts
        union all
        select
            email_key,
            first_known_date
        from contacts
    ) as named
    where email_key is not null
    group by email_key
),

-- A visitor, an install or a device and the accounts seen with it; what a bot does with an account binds nothing.
device_accounts as (
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
    group by {{ key }}, account_id
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

device_days as (
    select
        *,
        min(known_date) over (partition by key_kind, source_key) as first_date
    from device_accounts
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
),

-- The household numbers of complete_journey, where each is a customer.
households as (
    select
        loyalty_number,
        first_known_date
    from {{ ref('int_loyalty_numbers_collected') }}
)

select
    'loyalty' as key_kind,
    loyalty_number as source_key,
    'loyalty' as decided_by,
    loyalty_number as deciding_key,
    first_known_date
from households
union all
select
    'account' as key_kind,
    account_id as source_key,
    decided_by,
    deciding_key,
    first_known_date
from accounts
union all
select
    'contact' as key_kind,
    contact_no as source_key,
    decided_by,
    deciding_key,
    first_known_date
from contacts
union all
select
    'card' as key_kind,
    card_key as source_key,
    decided_by,
    deciding_key,
    first_known_date
from cards
union all
select
    'email' as key_kind,
    email_key as source_key,
    'email' as decided_by,
    email_key as deciding_key,
    first_known_date
from emails
union all
select
    devices.key_kind,
    devices.source_key,
    accounts.decided_by,
    accounts.deciding_key,
    greatest(devices.known_date, accounts.first_known_date) as first_known_date
from devices
inner join accounts on devices.account_id = accounts.account_id
