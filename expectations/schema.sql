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
    verdict    text not null check (verdict in ('accepted', 'held')),
    reason     text not null default '',
    primary key (department, entity, batch_id)
);
comment on table quality.batch_verdicts is 'One row per judged batch: the newest word of the gate on it.';

create or replace view quality.accepted_batches as
select department, entity, batch_id, known_date, as_of as accepted_as_of
from quality.batch_verdicts
where verdict = 'accepted';
comment on view quality.accepted_batches is 'One row per batch that may flow into the warehouse.';

create table if not exists quality.department_status (
    department text not null,
    as_of      date not null,
    data_as_of date,
    status     text not null check (status in ('fresh', 'late', 'stale', 'held')),
    reason     text not null default '',
    primary key (department, as_of)
);
comment on table quality.department_status is
    'One row per department and as_of: how far its accepted data reaches, and whether decisions may lean on it.';

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
    status     text   not null default 'waiting' check (status in ('waiting', 'released', 'discarded')),
    primary key (department, entity, batch_id, row_number, field, rule)
);
comment on table quarantine.rejected_rows is
    'One row per broken rule of a delivered row, with the row as it came. Holds personal data: cx_pipeline and '
    'cx_privacy only.';

revoke all on all tables in schema quarantine from public;
