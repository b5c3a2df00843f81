-- Tables that ml/ writes. Run as cx_pipeline by runtime.bootstrap, which made the schemas and roles; safe to run again.
-- No wall clock: scored_at is the moment from which the row speaks, the end of as_of_date in shop time.
-- Only cx_pipeline reads and writes here: channels read activation, people read marts and insights.

create table if not exists scores.intent_scores (
    customer_id text not null,
    as_of_date date not null,
    intent text not null,
    probability double precision not null check (probability between 0 and 1),
    base_rate double precision not null check (base_rate between 0 and 1), -- share in the weeks the model learned from
    is_top boolean not null,
    abstained boolean not null, -- the model is not sure enough about this customer's top intent
    data_as_of date not null, -- age of the oldest data that was known of this customer
    model_name text not null,
    model_version text not null,
    scored_at timestamptz not null,
    primary key (as_of_date, customer_id, intent)
);
-- Of the top intent: the three features that moved it most, [{feature, value, contribution, en, de}, ...].
alter table scores.intent_scores add column if not exists reasons jsonb;
create unique index if not exists intent_scores_one_top on scores.intent_scores (as_of_date, customer_id) where is_top;

-- One row per message (of a ticket, or a survey's comment) and intent. A message is read once, by the first run after it
-- was known: a later champion changes nothing of it. Its words stay in staging, whose it is says the mart
-- message_meanings, because people are told apart anew every day.
create table if not exists scores.message_intents (
    message_id text not null,
    ticket_id text, -- none for a survey's comment
    as_of_date date not null,
    intent text not null,
    probability double precision not null check (probability between 0 and 1),
    is_top boolean not null,
    is_named boolean not null, -- the top one, or a further concern that a sentence of its own names
    is_in_scope boolean not null, -- the message is about anything that the model knows
    abstained boolean not null, -- a human answers
    sentiment double precision not null check (sentiment between -1 and 1),
    urgency double precision not null check (urgency between 0 and 1),
    language text not null, -- de, en, or empty where it is not clear
    model_name text not null,
    model_version text not null,
    scored_at timestamptz not null,
    primary key (message_id, intent)
);
create index if not exists message_intents_by_day on scores.message_intents (as_of_date);
alter table scores.message_intents drop column if exists customer_id; -- a warehouse of before

-- One row per message that a human should look at now (ml/messages/review.py); no words, they are read at the desk.
create table if not exists scores.review_queue (
    rank smallint not null,
    message_id text primary key,
    ticket_id text not null,
    reason text not null check (reason in ('uncertain', 'suspected label')),
    agent_label text, -- what was ticked; none if nothing was
    proposed_label text not null,
    certainty double precision not null,
    queued_date date not null
);

-- One row per message and day on which a human said what it is about, append-only; the newest by then counts.
create table if not exists scores.message_reviews (
    message_id text not null,
    ticket_id text not null,
    label text not null,
    reviewed_by text not null, -- a member of staff, by the name they gave
    as_of_date date not null,
    primary key (message_id, as_of_date)
);

-- One row per customer and thing that it may turn out to want (kind: behaviour, or message), of the last day: the best
-- action if an agent hears just that (ml/nba/what_if.py).
create table if not exists scores.intent_actions (
    customer_id text not null,
    as_of_date date not null,
    kind text not null check (kind in ('behaviour', 'message')),
    intent text not null,
    action_id text not null,
    channel text not null,
    expected_net_value_eur numeric(12, 4) not null,
    response_probability double precision not null,
    data_as_of date not null,
    policy_version text not null,
    model_name text not null, -- the response model
    model_version text not null,
    scored_at timestamptz not null,
    primary key (customer_id, kind, intent)
);
alter table scores.intent_actions add column if not exists executions_left bigint; -- of the day's capacities; none: no limit

-- One row per event in the life of a model version: it became challenger, was refused, became champion, or was withdrawn
-- (a human went back to an earlier version). The order of the events is their number: several may fall on one day.
create table if not exists scores.model_history (
    model_name text not null,
    version text not null,
    alias text not null,
    as_of_date date not null,
    promoted_by text not null,
    reason text not null,
    evidence jsonb not null
);
alter table scores.model_history add column if not exists data_hash text; -- of the training frame; none before it was kept
alter table scores.model_history add column if not exists event_number bigint; -- of a model, without gaps
alter table scores.model_history drop constraint if exists model_history_pkey; -- champion twice on one day: rolled back
create unique index if not exists model_history_by_number on scores.model_history (model_name, event_number);

-- No sequence: a task that was killed would leave a gap, and a walk with and one without it would differ.
create or replace function scores.number_event() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('scores.model_history/' || new.model_name, 7));
    select coalesce(max(event_number), 0) + 1 into new.event_number
    from scores.model_history where model_name = new.model_name;
    return new;
end
$$;
create or replace trigger model_history_is_numbered
before insert on scores.model_history
for each row execute function scores.number_event();

-- A warehouse of before numbers: by day, a challenger before its verdict.
do $$
begin
    if exists (select from scores.model_history where event_number is null) then
        alter table scores.model_history disable trigger user;
        update scores.model_history as told set event_number = numbered.event_number
        from (
            select ctid, row_number() over (
                partition by model_name order by as_of_date, version::integer, alias <> 'challenger'
            ) as event_number
            from scores.model_history
        ) as numbered
        where told.ctid = numbered.ctid;
        alter table scores.model_history enable trigger user;
    end if;
end
$$;
alter table scores.model_history drop constraint if exists model_history_alias_check;
alter table scores.model_history
    add constraint model_history_alias_check check (alias in ('champion', 'challenger', 'refused', 'withdrawn'));

-- One row per time in which a version was champion: from from_date on, until the day before until_date (null: it still
-- is). Both days are equal where another one became champion on the same day.
create or replace view scores.champion_history as
select
    model_name, version, as_of_date as from_date,
    min(as_of_date) over (
        partition by model_name order by event_number rows between 1 following and unbounded following
    ) as until_date,
    promoted_by, reason, evidence, data_hash
from scores.model_history
where alias = 'champion';

-- Who was champion on a day, who promoted it, why and on what evidence: one row per model that had one.
create or replace function scores.champion_on(day date) returns setof scores.champion_history
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select * from scores.champion_history
    where from_date <= champion_on.day and (until_date is null or champion_on.day < until_date)
    order by model_name;
end;
revoke all on function scores.champion_on(date) from public;

-- The same for BI, without the name of who decided.
create or replace view quality.champions as
select model_name, version, from_date, until_date, reason, evidence, data_hash from scores.champion_history;
comment on view quality.champions is
    'One row per time in which a model version was champion, with why and on what evidence; until_date is the day on which '
    'another one took over, null for the champion of today.';

-- One row per model version: the delivered batches, as department/batch_id, that were in the warehouse when it was trained.
create table if not exists scores.training_batches (
    model_name text not null,
    version text not null,
    as_of_date date not null,
    batches text[] not null,
    primary key (model_name, version)
);

-- The model versions that saw any of the batches (department/batch_id). Of a version without a kept list it follows from
-- the days: it may have seen what was known on its day (is_recorded is false).
create or replace function scores.versions_that_saw(wanted text[])
returns table (model_name text, version text, as_of_date date, is_recorded boolean)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select kept.model_name, kept.version, kept.as_of_date, true
    from scores.training_batches as kept
    where kept.batches && wanted
    union all
    select told.model_name, told.version, min(told.as_of_date), false
    from scores.model_history as told
    where not exists (
        select from scores.training_batches as kept
        where kept.model_name = told.model_name and kept.version = told.version
    )
    group by told.model_name, told.version
    having exists (
        select from quality.batch_verdicts as judged
        where judged.department || '/' || judged.batch_id = any(wanted) and judged.known_date <= min(told.as_of_date)
    );
end;
revoke all on function scores.versions_that_saw(text[]) from public;

-- One row per champion, day and thing that was looked at (ml/drift): a feature, a score, or closed windows of a subject.
create table if not exists quality.model_drift (
    model_name text not null,
    model_version text not null,
    as_of_date date not null,
    kind text not null check (kind in ('input', 'score', 'calibration')),
    subject text not null,
    value double precision,
    drift_limit double precision not null,
    status text not null check (status in ('stable', 'moderate', 'drifted', 'too few', 'no baseline')),
    rows bigint not null,
    primary key (model_name, as_of_date, kind, subject)
);
comment on table quality.model_drift is
    'One row per champion, day and thing that was looked at: has it moved away from what the champion learned? Thresholds: '
    'ml/drift/drift.yml. No value of a person.';
comment on column quality.model_drift.kind is
    'input: a feature of all customers (of the response model: of who was contacted; of messages: their language); score: a '
    'probability (of messages also what they are about, and how often they are out of scope or left to a human); calibration: '
    'what happened against what was promised, on windows that closed after the training.';
comment on column quality.model_drift.subject is 'The feature, the intent, the action, or what is watched of messages; all is every action.';
comment on column quality.model_drift.value is
    'Population stability index (0: nothing moved) of an input or a score; ratio of observed to expected events for '
    'calibration.';
comment on column quality.model_drift.drift_limit is
    'The index above which it drifted: the threshold, or more where chance can do more, and on top what had moved before the '
    'training already; for calibration the ratio may be off by this share.';
comment on column quality.model_drift.rows is 'Number of rows that were looked at; too few: nothing is claimed.';

-- One row per decision. candidates holds the whole action set, ordered by action_id:
-- [{action_id, channel, is_eligible, dropped_by, dropped_reason, basis, response_probability, response_value_eur,
--   lever, cost_eur, expected_harm_eur, intent, intent_probability, expected_net_value_eur, propensity}, ...]; the propensities
-- sum to 1. basis: learned (response model), assumed (catalogue) or decisions (net values learned from the ledger).
-- facts holds what the policies looked at, exploration the settings of the draw, under limits the assigned action, prices
-- and shares, and how many may get a new action (maturity): with them the choice can be replayed (replay_rules.py).
-- arm mandatory: something had to be told, whatever it is worth and whoever it is (ml/nba/obligation.py).
create table if not exists decisions.decision_ledger (
    decision_id text primary key,
    customer_id text not null,
    as_of_date date not null,
    arm text not null check (arm in ('policy', 'random', 'holdout', 'mandatory')),
    candidates jsonb not null,
    facts jsonb not null,
    exploration jsonb not null,
    seed bigint not null,
    draw double precision not null check (draw >= 0 and draw < 1),
    action_id text not null,
    channel text not null,
    propensity double precision not null check (propensity > 0 and propensity <= 1),
    expected_net_value_eur numeric(12, 4) not null,
    valid_from date not null,
    valid_until date not null,
    data_as_of date not null,
    policy_version text not null,
    model_name text not null, -- the net values if they serve, else the response model; facts name both
    model_version text not null,
    intent_model_name text not null,
    intent_model_version text not null,
    scored_at timestamptz not null,
    revision smallint not null default 0 -- how many decisions of that day about that customer came before
);
-- A warehouse of before revisions.
alter table decisions.decision_ledger add column if not exists revision smallint not null default 0;
alter table decisions.decision_ledger drop constraint if exists decision_ledger_as_of_date_customer_id_key;
create unique index if not exists decision_ledger_one_of_a_revision
on decisions.decision_ledger (as_of_date, customer_id, revision);
-- A warehouse of before there was anything mandatory.
alter table decisions.decision_ledger drop constraint if exists decision_ledger_arm_check;
alter table decisions.decision_ledger add constraint decision_ledger_arm_check
check (arm in ('policy', 'random', 'holdout', 'mandatory')) not valid;
-- Who got an action lately (ml/nba/cool_down.py).
create index if not exists decision_ledger_taken on decisions.decision_ledger (action_id, as_of_date)
where action_id <> 'no_action';

-- Decisions that the last decided day took back, because it was built again from other facts (ml/nba/withdraw.py).
create table if not exists decisions.withdrawn_decisions (
    decision_id text primary key references decisions.decision_ledger on update cascade, -- an erasure gives it a new id
    as_of_date date not null,
    reason text not null check (reason in ('wrong person', 'no longer allowed', 'customer gone'))
);

-- The decisions that hold, about people we still know: an erased person's stay in the ledger under random ids
-- (privacy/schema.sql), for evaluation only. Whoever publishes, audits or learns from decisions reads here.
drop view if exists decisions.identified_decisions;
create or replace view decisions.standing_decisions as
select * from decisions.decision_ledger as made
where
    left(customer_id, 7) <> 'erased-'
    and not exists (
        select from decisions.withdrawn_decisions as withdrawn where withdrawn.decision_id = made.decision_id
    );

create or replace function decisions.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% is append-only: % is not allowed', tg_table_schema, tg_table_name, tg_op;
end
$$;

create or replace trigger decision_ledger_is_append_only
before update or delete or truncate on decisions.decision_ledger
for each statement execute function decisions.refuse_change();

create or replace trigger withdrawn_decisions_is_append_only
before update or delete or truncate on decisions.withdrawn_decisions
for each statement execute function decisions.refuse_change();

create or replace trigger model_history_is_append_only
before update or delete or truncate on scores.model_history
for each statement execute function decisions.refuse_change();
