-- What channels and agents see. Run as cx_pipeline by runtime.bootstrap, which made the schemas and roles; safe to run again.

create table if not exists activation.intent_scores (
    customer_id text not null,
    intent text not null,
    probability double precision not null,
    base_rate double precision not null,
    is_top boolean not null,
    abstained boolean not null,
    data_as_of date not null,
    model_name text not null,
    model_version text not null,
    as_of_date date not null,
    scored_at timestamptz not null,
    primary key (customer_id, intent)
);

alter table activation.intent_scores add column if not exists reasons jsonb; -- of the top intent, in English and German

create table if not exists activation.next_best_actions (
    customer_id text not null,
    rank smallint not null check (rank between 1 and 3),
    action_id text not null,
    channel text not null,
    expected_net_value_eur numeric(12, 4) not null,
    intent text,
    intent_probability double precision,
    handover_to_human boolean not null,
    ai_disclosure text, -- what the customer has to be told about the machine; null where a person acts
    reason_en text not null,
    reason_de text not null,
    decision_id text not null,
    valid_from date not null,
    valid_until date not null,
    data_as_of date not null,
    policy_version text not null,
    model_name text not null,
    model_version text not null,
    as_of_date date not null,
    scored_at timestamptz not null,
    primary key (customer_id, rank)
);

alter table activation.next_best_actions add column if not exists quiet_hours text; -- of the channel, in words

-- The best action for each thing that a customer may say it wants: kind behaviour (what models foresee) or message.
create table if not exists activation.intent_actions (
    customer_id text not null,
    kind text not null,
    intent text not null,
    intent_en text,
    intent_de text,
    action_id text not null,
    channel text not null,
    expected_net_value_eur numeric(12, 4) not null,
    handover_to_human boolean not null,
    ai_disclosure text,
    reason_en text not null,
    reason_de text not null,
    data_as_of date not null,
    policy_version text not null,
    model_name text not null,
    model_version text not null,
    as_of_date date not null,
    scored_at timestamptz not null,
    primary key (customer_id, kind, intent)
);
alter table activation.intent_actions add column if not exists executions_left bigint;

-- One row per published as_of; the newest one is live. checksum is over both tables, whatever the order of rows.
create table if not exists activation.publications (
    as_of date primary key,
    intent_scores_rows bigint not null,
    next_best_actions_rows bigint not null,
    checksum text not null
);

-- Who is told what changed (activation/deliver.py). What each destination holds, as far as it said so.
create table if not exists activation.acknowledged (
    destination text not null,
    customer_id text not null,
    content_hash text not null, -- of what it was told; the content itself is not kept
    destination_id text, -- how the destination calls the customer, where it said so
    as_of date not null,
    primary key (destination, customer_id)
);

-- One row per change and destination: its receipt. An open one (pending, refused) is sent again under the same key.
create table if not exists activation.deliveries (
    change_number bigint generated always as identity primary key,
    destination text not null,
    customer_id text not null,
    kind text not null check (kind in ('add', 'change', 'remove')),
    content_hash text,
    as_of date not null,
    status text not null check (status in ('pending', 'acknowledged', 'refused', 'superseded')),
    attempts integer not null default 0,
    answer text,
    destination_id text,
    key text generated always as (
        md5(destination || '/' || customer_id || '/' || kind || '/' || change_number)
    ) stored,
    check ((kind = 'remove') = (content_hash is null))
);
alter table activation.deliveries add column if not exists channel text; -- of what is told; null for a remove
alter table activation.deliveries add column if not exists sent_at timestamptz; -- of the newest attempt
create index if not exists deliveries_open on activation.deliveries (destination, customer_id)
where status in ('pending', 'refused');
create index if not exists deliveries_in_doubt on activation.deliveries (destination, customer_id)
where status in ('pending', 'superseded') and attempts > 0;
create index if not exists deliveries_by_customer on activation.deliveries (customer_id, destination, change_number);
-- Agents read what is published, not who was told.
revoke all on activation.acknowledged, activation.deliveries from cx_agent;

-- One row: which schema the views of marts show, and which one the next build goes to (activation/marts.py).
create table if not exists activation.marts_sides (
    live text check (live in ('marts_blue', 'marts_green')),
    candidate text check (candidate in ('marts_blue', 'marts_green') and candidate <> live),
    candidate_as_of date -- the day that the candidate is built for
);
create unique index if not exists marts_sides_one_row on activation.marts_sides ((true));

-- The schema whose marts are to be checked: what was built and is not published yet, else what is read.
create or replace function activation.audited_marts() returns text
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce((select coalesce(candidate, live) from activation.marts_sides), 'marts');
end;
revoke all on function activation.audited_marts() from public;

-- When the quiet hours of a channel end that hold at a moment, null if none do. Those of several rows that touch or overlap
-- are one; what begins yesterday evening holds this morning. vocabulary.quiet_hours can be kept (a test of its build).
create or replace function activation.quiet_until(channel text, moment timestamptz)
returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    reached timestamptz := moment;
    ended timestamptz;
begin
    loop
        select max(clock.ended) into ended
        from vocabulary.quiet_hours as quiet
        cross join lateral (values (0), (1)) as ago (days)
        cross join lateral (select (reached at time zone quiet.time_zone)::date - ago.days as day) as local
        cross join lateral (
            select (local.day + quiet.begins::time) at time zone quiet.time_zone as began,
                (local.day + (quiet.ends::time <= quiet.begins::time)::integer + quiet.ends::time) at time zone quiet.time_zone as ended
        ) as clock
        where quiet.channel = quiet_until.channel
            and quiet.valid_from = (
                select max(version.valid_from) from vocabulary.quiet_hours as version
                where version.channel = quiet.channel and version.valid_from <= local.day
            )
            and extract(isodow from local.day)::text = any(string_to_array(quiet.weekdays, ' '))
            and clock.began <= reached and reached < clock.ended;
        exit when ended is null;
        reached := ended;
        exit when reached > moment + interval '8 days';
    end loop;
    return nullif(reached, moment);
end
$$;
revoke all on function activation.quiet_until(text, timestamptz) from public;

-- The quiet hours of a channel that are valid on a day, in words: "20:00-08:00 on 1 2 3 4 5 6, 00:00-24:00 on 7
-- (Europe/Berlin)", days counted from Monday.
create or replace function activation.quiet_hours_of(channel text, day date)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return (
        select string_agg(zone.hours || ' (' || zone.time_zone || ')', '; ' order by zone.time_zone)
        from (
            select quiet.time_zone, string_agg(
                left(quiet.begins::text, 5) || '-' || left(quiet.ends::text, 5) || ' on ' || quiet.weekdays, ', ' order by quiet.weekdays, quiet.begins
            ) as hours
            from vocabulary.quiet_hours as quiet
            where quiet.channel = quiet_hours_of.channel
                and quiet.valid_from = (
                    select max(version.valid_from) from vocabulary.quiet_hours as version
                    where version.channel = quiet.channel and version.valid_from <= day
                )
            group by quiet.time_zone
        ) as zone
    );
end
$$;
revoke all on function activation.quiet_hours_of(text, date) from public;

-- Fills the template of a reason: {intent} (its name), {intent_percent}, {response_percent}, and every feature that the
-- ledger keeps in its facts ({recency_days}, {spend_eur_84d}, ...), rounded to whole numbers.
create or replace function activation.fill(
    template text, features jsonb, intent text, intent_probability double precision, response_probability double precision
)
returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    filled text := template;
    fact record;
begin
    for fact in
        select key, value from jsonb_each_text(features)
        union all values ('intent_percent', (100 * intent_probability)::text),
            ('response_percent', (100 * response_probability)::text)
    loop
        filled := replace(filled, '{' || fact.key || '}', coalesce(round(fact.value::numeric)::text, '?'));
    end loop;
    return replace(filled, '{intent}', coalesce(intent, '?'));
end
$$;
revoke all on function activation.fill(text, jsonb, text, double precision, double precision) from public;

-- The one call of an agent's screen: the action to take now for one customer, or no row for an unknown customer.
-- Runs with its owner's rights, so that cx_agent needs no right on any table and sees one customer at a time.
create or replace function activation.next_best_action(customer_id text)
returns setof activation.next_best_actions
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select * from activation.next_best_actions a
    where a.customer_id = next_best_action.customer_id and a.rank = 1;
end;

revoke all on function activation.next_best_action(text) from public;

-- The other call: what to do if the customer says what it wants, by that intent; without one, for all of them.
create or replace function activation.action_for(customer_id text, intent text default null)
returns setof activation.intent_actions
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select * from activation.intent_actions a
    where a.customer_id = action_for.customer_id and (action_for.intent is null or a.intent = action_for.intent)
    order by a.kind, a.intent;
end;

revoke all on function activation.action_for(text, text) from public;
grant usage on schema activation to cx_agent;
grant execute on function activation.next_best_action(text) to cx_agent;
grant execute on function activation.action_for(text, text) to cx_agent;

-- What BI tools show beside the names.
comment on table activation.intent_scores is
    'One row per customer and intent: how probable it is that the customer does it within 28 days. Of one day; readers see the whole old or the whole new one.';
comment on column activation.intent_scores.customer_id is 'Opaque id of the customer, minted once in identity.customer_ids.';
comment on column activation.intent_scores.intent is 'What the customer may want: vocabulary.intents.';
comment on column activation.intent_scores.probability is 'Calibrated probability that it happens within 28 days, 0 to 1.';
comment on column activation.intent_scores.base_rate is 'The same probability over all customers, 0 to 1: what probability is to be compared with.';
comment on column activation.intent_scores.is_top is 'The most outstanding intent of this customer.';
comment on column activation.intent_scores.abstained is 'The model is not sure enough to be believed: treat the intent as unknown.';
comment on column activation.intent_scores.data_as_of is 'Day of the oldest data that this rests on.';
comment on column activation.intent_scores.model_name is 'Registered model that gave the numbers.';
comment on column activation.intent_scores.model_version is 'Version of that model in the registry.';
comment on column activation.intent_scores.as_of_date is 'Day that the row is for; the same in all rows.';
comment on column activation.intent_scores.scored_at is 'Moment of the row on the clock of its day.';
comment on table activation.next_best_actions is
    'One row per customer and rank, 1 for the action to take now, 2 and 3 for what comes next. Of one day; readers see the whole old or the whole new one.';
comment on column activation.next_best_actions.customer_id is 'Opaque id of the customer, minted once in identity.customer_ids.';
comment on column activation.next_best_actions.rank is 'Place among the actions of the customer: number from 1 to 3.';
comment on column activation.next_best_actions.action_id is 'The action: vocabulary.actions; no_action means leave the customer alone.';
comment on column activation.next_best_actions.channel is 'Channel of the action: email, push, phone, mail or none.';
comment on column activation.next_best_actions.expected_net_value_eur is 'What the action is expected to bring after its costs, EUR.';
comment on column activation.next_best_actions.intent is 'The intent that the action serves; empty if it serves none.';
comment on column activation.next_best_actions.intent_probability is 'Probability of that intent within 28 days, 0 to 1.';
comment on column activation.next_best_actions.handover_to_human is 'A person carries the action out.';
comment on column activation.next_best_actions.ai_disclosure is 'What the customer has to be told about the machine; empty where a person acts.';
comment on column activation.next_best_actions.reason_en is 'Why this action, in English.';
comment on column activation.next_best_actions.reason_de is 'Why this action, in German.';
comment on column activation.next_best_actions.decision_id is 'The decision in decisions.decision_ledger.';
comment on column activation.next_best_actions.valid_from is 'First day on which the action may be carried out.';
comment on column activation.next_best_actions.valid_until is 'Last day on which the action may be carried out.';
comment on column activation.next_best_actions.data_as_of is 'Day of the oldest data that this rests on.';
comment on column activation.next_best_actions.policy_version is 'Version of the rules that the decision kept.';
comment on column activation.next_best_actions.model_name is 'Registered model that gave the numbers.';
comment on column activation.next_best_actions.model_version is 'Version of that model in the registry.';
comment on column activation.next_best_actions.quiet_hours is
    'When the channel is not to be used, hours of a time zone, days 1 (Monday) to 7; empty: at any hour.';
comment on column activation.next_best_actions.as_of_date is 'Day that the row is for; the same in all rows.';
comment on column activation.next_best_actions.scored_at is 'Moment of the row on the clock of its day.';
comment on table activation.publications is 'One row per published day; the newest one is live.';
comment on column activation.publications.as_of is 'The day that was published.';
comment on column activation.publications.intent_scores_rows is 'Number of rows in intent_scores.';
comment on column activation.publications.next_best_actions_rows is 'Number of rows in next_best_actions.';
comment on column activation.publications.checksum is 'Checksum over both tables, whatever the order of rows.';
comment on table activation.marts_sides is
    'One row: which schema the views of marts show, and which one the next build goes to.';
comment on column activation.marts_sides.live is 'Schema that readers of marts see; empty before the first publication.';
comment on column activation.marts_sides.candidate is 'Schema that is built and was not published yet.';
comment on column activation.marts_sides.candidate_as_of is 'Day that the candidate is built for.';
comment on column activation.intent_scores.reasons is 'Why the top intent, in English and German; empty for the others.';
comment on table activation.intent_actions is
    'One row per customer and thing that it may say it wants: the best action in that case. Of one day.';
comment on column activation.intent_actions.customer_id is 'Opaque id of the customer, minted once in identity.customer_ids.';
comment on column activation.intent_actions.kind is 'behaviour: an intent that models foresee; message: one that is heard or read.';
comment on column activation.intent_actions.intent is 'What the customer says: vocabulary.intents or vocabulary.message_intents.';
comment on column activation.intent_actions.intent_en is 'Its name in English.';
comment on column activation.intent_actions.intent_de is 'Its name in German.';
comment on column activation.intent_actions.action_id is 'The best action in that case: vocabulary.actions.';
comment on column activation.intent_actions.channel is 'Channel of the action.';
comment on column activation.intent_actions.expected_net_value_eur is 'What the action is then expected to bring after its costs, EUR.';
comment on column activation.intent_actions.executions_left is
    'How often the action can still be done on the day after its decisions, all callers together: number of executions; empty: no limit.';
comment on column activation.intent_actions.handover_to_human is 'A person carries the action out.';
comment on column activation.intent_actions.ai_disclosure is 'What the customer has to be told about the machine; empty where a person acts.';
comment on column activation.intent_actions.reason_en is 'Why this action, in English.';
comment on column activation.intent_actions.reason_de is 'Why this action, in German.';
comment on column activation.intent_actions.data_as_of is 'Day of the oldest data that this rests on.';
comment on column activation.intent_actions.policy_version is 'Version of the rules that it keeps.';
comment on column activation.intent_actions.model_name is 'Registered model that gave the numbers.';
comment on column activation.intent_actions.model_version is 'Version of that model in the registry.';
comment on column activation.intent_actions.as_of_date is 'Day that the row is for; the same in all rows.';
comment on column activation.intent_actions.scored_at is 'Moment of the row on the clock of its day.';
comment on table activation.acknowledged is
    'One row per destination and customer: what the destination holds, as it said itself.';
comment on column activation.acknowledged.destination is 'Name of the destination in destinations.yml.';
comment on column activation.acknowledged.customer_id is 'Opaque id of the customer, minted once in identity.customer_ids.';
comment on column activation.acknowledged.content_hash is 'SHA-256 of what it was told; the content itself is not kept.';
comment on column activation.acknowledged.destination_id is 'How the destination calls the customer; empty where it did not say.';
comment on column activation.acknowledged.as_of is 'Day for which it was told last.';
comment on table activation.deliveries is
    'One row per change that a destination was to be told: its receipt.';
comment on column activation.deliveries.change_number is 'Running number of the change; removes of a run come first.';
comment on column activation.deliveries.destination is 'Name of the destination in destinations.yml.';
comment on column activation.deliveries.customer_id is 'Opaque id of the customer, minted once in identity.customer_ids.';
comment on column activation.deliveries.kind is 'add, change or remove.';
comment on column activation.deliveries.content_hash is 'SHA-256 of what is told; empty for a remove.';
comment on column activation.deliveries.as_of is 'Day that the change is for.';
comment on column activation.deliveries.status is
    'pending: to be sent, perhaps again; acknowledged; refused: tried again in the next run; superseded: no longer true.';
comment on column activation.deliveries.attempts is 'Number of runs that sent it.';
comment on column activation.deliveries.answer is 'What the destination said, without personal data.';
comment on column activation.deliveries.destination_id is 'How the destination calls the customer; empty where it did not say.';
comment on column activation.deliveries.channel is 'Channel of the action that is told; empty for a remove and before it was sent.';
comment on column activation.deliveries.sent_at is 'Moment of the newest attempt, by the clock; never in quiet hours of the channel.';
comment on column activation.deliveries.key is 'Idempotency key: the same however often the change is sent.';
