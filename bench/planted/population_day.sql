-- What the warehouse would know of everybody on the day {as_of}.
insert into features.customer_features
select
    customer_id, {as_of}, floor(-30 * ln(1 - planted.chance(k, 1)))::int, floor(8 * planted.chance(k, 2))::int,
    round((300 * planted.chance(customer_id, 3) * planted.chance(k, 3))::numeric, 2)::float8,
    (planted.chance(k, 4) < 0.06)::int, (planted.chance(k, 5) < 0.08)::int,
    case when planted.chance(customer_id, 6) < 0.7 then floor(4 * planted.chance(k, 6))::int end,
    case when planted.chance(customer_id, 7) < 0.8 then 2 * planted.chance(k, 7) end,
    floor(2 * planted.chance(k, 8))::int
from (select customer_id, customer_id || {as_of} as k from marts.customers) as everybody;

insert into scores.intent_scores
select customer_id, {as_of}, intent_id, planted.chance(customer_id || {as_of} || intent_id, 9) ^ 2, 0.3, intent_id = 'buy', false,
    {as_of}, 'cx_intent', '1', {as_of}::timestamptz
from marts.customers cross join vocabulary.intents;

insert into marts.contact_pressure
select c.customer_id, {as_of}, l.channel, coalesce(seen.week, 0), coalesce(seen.month, 0)
from marts.customers as c
cross join (select distinct channel from vocabulary.contact_limits) as l
left join (
    select customer_id, channel, count(*) filter (where contact_date > {as_of} - 7) as week, count(*) as month
    from planted.contacts
    where contact_date between {as_of} - 27 and {as_of}
    group by customer_id, channel
) as seen on seen.customer_id = c.customer_id and seen.channel = l.channel;

-- One day the app says nothing.
insert into quality.department_status (department, as_of, data_as_of, status)
select name, {as_of}, {as_of}, case when name = 'app' and {number} = 3 then 'stale' when name = 'web' then 'held' else 'fresh' end
from unnest(array['till', 'shop', 'app', 'web', 'marketing', 'service', 'devices', 'consent']) as name;

analyze features.customer_features, scores.intent_scores, marts.contact_pressure;
