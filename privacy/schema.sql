-- Requests of data subjects and what was done about them. Run as cx_pipeline by runtime.bootstrap, which made the
-- schemas and roles (the raw schemas too); safe to run again. No wall clock: dates are business days.

-- One row per request. source_key is the loyalty household number; it goes as soon as the request is handled, and the
-- keyed hash stays, so that the requests of one person can still be found by whoever has the key and the number.
create table if not exists privacy.requests (
    request_id text primary key,
    kind text not null check (kind in ('access', 'erasure')),
    key_hash text not null,
    source_key text,
    received_date date not null,
    requested_by text not null,
    status text not null default 'open' check (status in ('open', 'done', 'refused')),
    reason text not null default '',
    handled_as_of date,
    receipt jsonb,
    check ((status = 'open') = (handled_as_of is null)),
    check ((status = 'open') = (source_key is not null))
);
create unique index if not exists requests_one_open on privacy.requests (kind, key_hash) where status = 'open';

-- Who must not come back. HMAC-SHA256 of the number; its key is a secret file, not in the database: whoever steals a
-- dump cannot try out all numbers.
create table if not exists privacy.suppressions (
    key_hash text primary key,
    since_as_of date not null
);

-- One row per erasure and table in which the person was looked for.
create table if not exists privacy.erasure_receipts (
    request_id text not null,
    table_name text not null,
    treatment text not null check (treatment in ('deleted', 'pseudonymised')),
    row_count bigint not null,
    rows_left bigint not null,
    primary key (request_id, table_name)
);

-- Whom the running transaction is about; empty outside of one. Statements read the values here, so that no number and
-- no id stands in the text of a statement, which a server may log.
create table if not exists privacy.subjects_at_hand (
    request_id text not null,
    identifies text not null,
    value text not null,
    primary key (identifies, value)
);
alter table privacy.subjects_at_hand drop constraint if exists subjects_at_hand_identifies_check;
alter table privacy.subjects_at_hand add constraint subjects_at_hand_identifies_check
    check (identifies in ('source_key', 'customer_id', 'record_id'));

-- A key as departments write it: with blanks, leading zeros, as a decimal, in capitals it is still the same.
create or replace function privacy.normal_key(written text) returns text
language sql immutable parallel safe
return lower(regexp_replace(ltrim(btrim(written), '0'), '\.0*$', ''));

-- The ledger is append-only and stays whole: a decision keeps its candidates, propensities, action and versions, but
-- loses whom it was about. Each row gets a random id of its own, so that not even the history of one person is left.
-- Facts (what the policies looked at) go; seed is 0, because a choice that nobody may replay needs none. One that was
-- withdrawn stays withdrawn.
create or replace function privacy.pseudonymise_decisions() returns table (request_id text, row_count bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '120s' as $$
begin
    alter table decisions.decision_ledger disable trigger decision_ledger_is_append_only;
    alter table decisions.withdrawn_decisions disable trigger withdrawn_decisions_is_append_only;
    return query
        with changed as (
            update decisions.decision_ledger as decision
            set customer_id = 'erased-' || gen_random_uuid(),
                decision_id = 'erased-' || gen_random_uuid(),
                facts = '{}',
                seed = 0
            from privacy.subjects_at_hand as subject
            where subject.identifies = 'customer_id' and subject.value = decision.customer_id
            returning subject.request_id
        )
        select changed.request_id, count(*) from changed group by changed.request_id;
    alter table decisions.decision_ledger enable trigger decision_ledger_is_append_only;
    alter table decisions.withdrawn_decisions enable trigger withdrawn_decisions_is_append_only;
end
$$;

revoke all on all tables in schema privacy from public;
revoke all on function privacy.pseudonymise_decisions() from public;
grant execute on function privacy.pseudonymise_decisions() to cx_privacy;

-- cx_privacy reads everything that may hold a person and deletes; it inserts nothing but the mark of a suppressed row
-- and changes nothing. The rights also come to tables that dbt and dlt make later.
do $$
declare
    place record;
begin
    for place in
        select nspname as name, pg_get_userbyid(nspowner) as owner from pg_namespace
        where nspname !~ '^pg_' and nspname not in ('information_schema', 'public', 'privacy')
          and pg_get_userbyid(nspowner) in ('cx_pipeline', 'cx_landing')
    loop
        execute format('set local role %I', place.owner);
        execute format('grant usage on schema %I to cx_privacy', place.name);
        execute format('grant select, delete on all tables in schema %I to cx_privacy', place.name);
        execute format('alter default privileges in schema %I grant select, delete on tables to cx_privacy', place.name);
    end loop;
    reset role;
end
$$;
grant insert on quarantine.rejected_rows to cx_privacy;
