-- Values written one way. Idempotent; run as cx_pipeline, schema and roles come from runtime/bootstrap.py.
-- Personal data that belongs to no record: only cx_pipeline and cx_privacy may read it.

create table if not exists normalised.distinct_values (
    kind             text not null,
    region           text not null, -- the country as the record names it, in capitals; empty where it names none
    original_key     text not null, -- md5: a value may be longer than an index allows
    original_value   text not null,
    normalised_value text,
    reason           text,
    primary key (kind, region, original_key),
    check ((normalised_value is null) <> (reason is null))
);
comment on table normalised.distinct_values is
    'One row per kind, country and text that a department delivered: how it is written one way, or why it cannot be.';

create table if not exists normalised.batches (
    department text not null,
    entity     text not null,
    batch_id   text not null,
    signature  text not null, -- the columns that the contract asked for
    as_of      date not null,
    primary key (department, entity, batch_id)
);
comment on table normalised.batches is 'One row per accepted batch whose values are in normalised.distinct_values.';

create table if not exists normalised.ruleset (
    is_current boolean primary key default true check (is_current),
    version    text not null
);
comment on table normalised.ruleset is 'One row: the libraries and rules that wrote the values. Others write all anew.';

revoke all on all tables in schema normalised from public;
