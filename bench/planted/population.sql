-- A population in the shape of the warehouse, with all that may forbid an action: consents that were given, withdrawn,
-- contradict each other or become known later; contacts already made; complaints that wait, were answered, resolved,
-- are old, or not yet known. {customers} people from {first_day} on.
create schema planted;

-- A number in [0, 1) that a key has for ever.
create function planted.chance(key text, salt integer) returns double precision language sql immutable parallel safe
return (hashtextextended(key, salt) & 9007199254740991)::float8 / 9007199254740992::float8;

create table marts.customers as
select
    'c-' || lpad(n::text, 9, '0') as customer_id, n::text as loyalty_number, {first_day} - 60 as first_known_date,
    false as has_demographics
from generate_series(1, {customers}) as n;
alter table marts.customers add primary key (customer_id);

create table marts.consents as
with said (purpose, channel, salt, granted, withdrawn) as (
    values
        ('marketing', 'any', 11, 0.55, 0.05), ('marketing', 'email', 12, 0.45, 0.12),
        ('marketing', 'push', 13, 0.35, 0.08), ('marketing', 'letter', 14, 0.30, 0.03),
        ('service', 'any', 15, 0.80, 0.05), ('service', 'phone', 16, 0.20, 0.10)
),
told as (
    select
        c.customer_id, s.*, planted.chance(c.customer_id, s.salt) as luck,
        ({first_day} - 40)::timestamptz + planted.chance(c.customer_id, s.salt + 100) * interval '39 days' as at
    from marts.customers as c cross join said as s
),
spoken as (
    select customer_id, purpose, channel, luck < granted as is_granted, at, luck, salt
    from told where luck < granted + withdrawn
    union all
    -- Two words of one moment: the withdrawal counts.
    select customer_id, purpose, channel, false, at, luck, salt from told where luck < 0.01
    union all
    -- Changed their mind while decisions go on; a tenth of it becomes known a day later.
    select
        customer_id, purpose, channel, luck >= granted,
        {first_day}::timestamptz + planted.chance(customer_id, salt + 200) * {days} * interval '1 day', luck, salt
    from told where planted.chance(customer_id, salt + 300) < 0.04
)
select
    customer_id, purpose, channel, is_granted, at as changed_at, at::date as changed_date,
    at::date + (planted.chance(customer_id, salt + 400) < 0.1)::int as known_date
from spoken;
create index on marts.consents (customer_id);

-- Contacts of the four weeks before; some people were contacted as often as allowed, or more.
create table planted.contacts as
select c.customer_id, channel, {first_day} - age as contact_date
from marts.customers as c
cross join (values ('email', 21, 0.10), ('push', 22, 0.07), ('letter', 23, 0.01), ('phone', 24, 0.015)) as m (channel, salt, rate)
cross join generate_series(0, 27) as age
where planted.chance(c.customer_id || age, m.salt) < m.rate * (0.3 + 1.4 * planted.chance(c.customer_id, m.salt + 50));
create index on planted.contacts (contact_date);

create table planted.tickets as
select
    customer_id, 't-' || customer_id as ticket_id,
    {first_day} - 30 + floor(planted.chance(customer_id, 31) * (30 + {days}))::int as sent_date,
    planted.chance(customer_id, 32) as mood, planted.chance(customer_id, 33) as answer,
    1 + floor(planted.chance(customer_id, 34) * 6)::int as answered_after,
    floor(planted.chance(customer_id, 35) * 3)::int as known_after
from marts.customers
where planted.chance(customer_id, 30) < 0.12;

create table marts.case_messages as
select
    ticket_id || '-1' as message_id, ticket_id, customer_id, 'in' as direction,
    sent_date::timestamptz + interval '9 hours' as sent_at, sent_date, sent_date + known_after as known_date
from planted.tickets
union all
select
    ticket_id || '-2', ticket_id, customer_id, 'out', sent_date::timestamptz + answered_after * interval '1 day',
    sent_date + answered_after, sent_date + answered_after + known_after
from planted.tickets
where answer < 0.4;
create index on marts.case_messages (customer_id);
create index on marts.case_messages (ticket_id);

create table marts.case_versions as
select ticket_id, true as is_open, sent_date as valid_from, case when answer > 0.75 then sent_date + answered_after else date '9999-12-31' end as valid_until
from planted.tickets
union all
select ticket_id, false, sent_date + answered_after, date '9999-12-31' from planted.tickets where answer > 0.75;
create index on marts.case_versions (ticket_id);

create table marts.survey_answers as
select
    'a-' || customer_id as answer_id, customer_id,
    {first_day} - 20 + floor(planted.chance(customer_id, 41) * (20 + {days}))::int as answered_date,
    {first_day} - 19 + floor(planted.chance(customer_id, 41) * (20 + {days}))::int as known_date
from marts.customers
where planted.chance(customer_id, 40) < 0.04;
create index on marts.survey_answers (customer_id);

insert into scores.message_intents
select
    message_id, ticket_id, read_date,
    (array['complain_delivery', 'complain_product', 'track', 'return', 'praise'])[1 + floor(planted.chance(message_id, 51) * 5)::int],
    0.9, true, planted.chance(message_id, 52) < 0.9, true, false, -0.2, 0.3, 'de', 'cx_message_intent', '1', read_date
from (
    select message_id, ticket_id, known_date as read_date from marts.case_messages where direction = 'in'
    union all
    select answer_id, null, known_date from marts.survey_answers
) as read;

create table features.customer_features (
    customer_id text, as_of_date date, recency_days integer, baskets_84d integer, spend_eur_84d double precision,
    open_cases integer, tickets_28d integer, app_sessions_28d integer, overdue_ratio_168d double precision,
    till_data_age_days integer, primary key (as_of_date, customer_id)
);
create table marts.contact_pressure (
    customer_id text, as_of_date date, channel text, contacts_7d integer, contacts_28d integer,
    primary key (as_of_date, customer_id, channel)
);
