-- What the gates leave behind. Idempotent; run as cx_pipeline, schemas and roles come from runtime/bootstrap.py.
-- No clock columns: every row is keyed by as_of, so that running a gate twice changes nothing.

create table if not exists quality.gate_results (
    gate        text    not null,
    as_of       date    not null,
    batch       text    not null default '',
    expectation text    not null,
    column_name text    not null default '',
    severity    text    not null check (severity in ('critical', 'warning', 'info')),
    success     boolean not null,
    observed    text    not null default '',
    threshold   text    not null default '',
    message     text    not null default '',
    primary key (gate, as_of, batch, expectation, column_name)
);
comment on table quality.gate_results is 'One row per gate, as_of and expectation; never a personal value.';

create table if not exists quality.batch_verdicts (
    department text not null,
    entity     text not null,
    batch_id   text not null,
    as_of      date not null,
    known_date date not null,
    verdict    text not null,
    reason     text not null default '',
    primary key (department, entity, batch_id)
);
alter table quality.batch_verdicts drop constraint if exists batch_verdicts_verdict_check;
alter table quality.batch_verdicts
    add constraint batch_verdicts_verdict_check check (verdict in ('accepted', 'held', 'replaced', 'recalled'));
comment on table quality.batch_verdicts is 'One row per judged batch: the newest word of the gate on it.';

create or replace view quality.accepted_batches as
select department, entity, batch_id, known_date, as_of as accepted_as_of
from quality.batch_verdicts
where verdict = 'accepted';
comment on view quality.accepted_batches is 'One row per batch that may flow into the warehouse.';

create table if not exists quality.batch_releases (
    department  text not null,
    entity      text not null,
    batch_id    text not null,
    released_by text not null check (released_by <> ''),
    reason      text not null check (reason <> ''),
    as_of       date not null,
    primary key (department, batch_id)
);
comment on table quality.batch_releases is
    'One row per held batch that a steward let in, with who and why; every later run of the gate keeps to it.';

create table if not exists quality.department_status (
    department text not null,
    as_of      date not null,
    data_as_of date,
    status     text not null check (status in ('fresh', 'late', 'stale', 'held')),
    reason     text not null default '',
    primary key (department, as_of)
);
alter table quality.department_status add column if not exists silent_days integer not null default 0;
comment on column quality.department_status.silent_days is
    'How many days, beyond what its contract lets pass, the entity that has been silent longest owes; 0 if none does.';
comment on table quality.department_status is
    'One row per department and as_of: how far its accepted data reaches, and whether decisions may lean on it.';

create table if not exists quality.department_health (
    department    text    not null,
    as_of         date    not null,
    completeness  numeric not null,
    validity      numeric not null,
    uniqueness    numeric not null,
    timeliness    numeric not null,
    conflict_rate numeric not null,
    rows_at_stake bigint  not null,
    score         numeric not null check (score between 0 and 100),
    trend         numeric,
    reason        text    not null default '',
    primary key (department, as_of)
);
-- Counted from staging once the warehouse is built (expectations/filtered_rows.py); null until then.
alter table quality.department_health add column if not exists machine_rows bigint;
alter table quality.department_health add column if not exists test_rows bigint;
alter table quality.department_health add column if not exists customers_at_stake bigint;
alter table quality.department_health add column if not exists money_at_stake_eur numeric;
comment on column quality.department_health.money_at_stake_eur is
    'Spend of the customers whom waiting, held or stale rows name; formula, parameters and owner: '
    'expectations/money_at_stake.yml. Null before there are marts.';
comment on table quality.department_health is
    'One row per department and as_of: who has cleared their part of the pavement? The formula stands in '
    'expectations/department_health.py.';

create table if not exists quality.alerts (
    department text not null,
    as_of      date not null,
    kind       text not null,
    message    text not null,
    primary key (department, as_of, kind)
);
-- late: the newest data is older than the contract allows. overdue: landing was not done at its Airflow deadline.
alter table quality.alerts drop constraint if exists alerts_kind_check;
alter table quality.alerts add constraint alerts_kind_check check (kind in ('late', 'overdue'));
comment on table quality.alerts is 'One row per department, as_of and kind of trouble that somebody should look at.';

create table if not exists quarantine.rejected_rows (
    department text   not null,
    entity     text   not null,
    batch_id   text   not null,
    row_number bigint not null,
    field      text   not null default '',
    rule       text   not null,
    reason     text   not null,
    record     jsonb  not null,
    as_of      date   not null,
    status     text   not null default 'waiting',
    primary key (department, entity, batch_id, row_number, field, rule)
);
-- A row with a key that is there already, but with other content: which is right?
alter table quarantine.rejected_rows add column if not exists contradicts boolean not null default false;
alter table quarantine.rejected_rows drop constraint if exists rejected_rows_status_check;
alter table quarantine.rejected_rows
    add constraint rejected_rows_status_check check (status in ('waiting', 'repaired', 'released', 'discarded', 'replaced'));
comment on table quarantine.rejected_rows is
    'One row per broken rule of a delivered row, with the row as it came. Holds personal data: cx_pipeline and '
    'cx_privacy only.';

create table if not exists quality.suspect_values (
    department text   not null,
    entity     text   not null,
    batch_id   text   not null,
    row_number bigint not null,
    field      text   not null,
    rule       text   not null,
    reason     text   not null,
    as_of      date   not null,
    primary key (department, entity, batch_id, row_number, field, rule)
);
comment on table quality.suspect_values is
    'One row per value of an accepted or waiting row that a check of the contract marks; the row goes on. No value of a '
    'person.';

create table if not exists quality.value_profiles (
    department     text    not null,
    entity         text    not null,
    field          text    not null,
    delivered_date date    not null,
    value          text    not null, -- of a code; empty for a number
    rows           bigint  not null,
    low            numeric,
    middle         numeric,
    high           numeric,
    as_of          date    not null,
    primary key (department, entity, field, delivered_date, value)
);
comment on table quality.value_profiles is
    'One row per day delivered and number (its 5 %, 50 % and 95 % quantiles) or code (how many rows have it): what the raw '
    'gates compare a new day with. No value of a person.';

create table if not exists quarantine.repairs (
    department  text   not null,
    entity      text   not null,
    batch_id    text   not null,
    row_number  bigint not null,
    record      jsonb  not null,
    fields      text   not null, -- names with commas: dbt's unit tests know no arrays
    revision    int    not null default 1,
    repaired_by text   not null check (repaired_by <> ''),
    reason      text   not null check (reason <> ''),
    as_of       date   not null,
    primary key (department, entity, batch_id, row_number)
);
comment on table quarantine.repairs is
    'One row per repaired row: the whole record that counts instead of the delivered one, which stays in raw as it came. '
    'Holds personal data: cx_pipeline and cx_privacy only.';

create table if not exists quarantine.steward_actions (
    action_number bigint generated always as identity primary key,
    action        text   not null,
    department    text   not null,
    entity        text   not null,
    batch_id      text   not null,
    row_number    bigint,
    fields        text   not null default '',
    done_by       text   not null check (done_by <> ''),
    reason        text   not null check (reason <> ''),
    as_of         date   not null
);
alter table quarantine.steward_actions drop constraint if exists steward_actions_action_check;
alter table quarantine.steward_actions add constraint steward_actions_action_check check (
    action in ('repair', 'release', 'discard', 'release_batch', 'recall_batch', 'lift_recall')
);
comment on table quarantine.steward_actions is
    'One row per decision of a steward, append-only: who let in, changed or closed what, and why. No value of a row.';

create or replace view quarantine.kept_out as
select distinct q.department, q.entity, q.batch_id, q.row_number
from quarantine.rejected_rows q
left join quarantine.repairs p using (department, entity, batch_id, row_number)
where q.status not in ('released', 'repaired') or (q.status = 'repaired' and p.row_number is null);
comment on view quarantine.kept_out is
    'One row per delivered row that may not go on: it waits, was discarded, or its repair was erased with its person.';

revoke all on all tables in schema quarantine from public;
revoke all on quality.batch_releases from cx_bi; -- who decided is nobody's business there
