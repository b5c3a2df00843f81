"""Whose each entity is, was, and who moved: what a run found is compared with what was there, and written as changes.

History is never rebuilt. A run for the same or an earlier day first takes back what runs of that day and later ones
wrote, so a replay forward ends as it began. Everything is set-based and in the caller's transaction.
"""

from datetime import date

import psycopg2

# Stays as they were before the first run of as_of: what later runs began is away, what they ended goes on.
BEFORE = """
    drop table if exists pg_temp.stays_before;
    create temporary table stays_before on commit drop as
    select
        entity_kind, source_key, customer_id, valid_from,
        case when valid_until < %(as_of)s then valid_until end as valid_until
    from identity.customer_history where run < %(as_of)s;
    analyze pg_temp.stays_before;
"""

# What this run begins. A stay of an entity that moved is split if all who are in its customer came from one customer
# that did not stay whole; else merged. An entity that comes back begins on as_of: its first day is taken.
BEGUN = """
    drop table if exists pg_temp.stays_begun;
    create temporary table stays_begun on commit drop as
    with compared as (
        select
            entity_kind, source_key, before.customer_id as old_id, found.customer_id as new_id, first_known_date
        from (select * from pg_temp.stays_before where valid_until is null) as before
        full join pg_temp.found_customers as found using (entity_kind, source_key)
    ),

    parts as (
        select old_id, count(distinct coalesce(new_id, '')) as parts
        from compared where old_id is not null group by old_id
    ),

    origins as (
        select new_id, count(distinct old_id) as origins from compared where new_id is not null group by new_id
    )

    select
        entity_kind,
        source_key,
        coalesce(new_id, old_id) as customer_id,
        case
            when old_id is null and not exists (
                select from pg_temp.stays_before as earlier
                where earlier.entity_kind = compared.entity_kind and earlier.source_key = compared.source_key
            ) then first_known_date
            else %(as_of)s::date
        end as valid_from,
        case when new_id is null then %(as_of)s::date end as valid_until,
        case
            when old_id is null then 'new'
            when new_id is null then 'gone'
            when parts > 1 and origins = 1 then 'split'
            else 'merged'
        end as reason
    from compared
    left join parts using (old_id)
    left join origins using (new_id)
    where old_id is distinct from new_id;
    alter table pg_temp.stays_begun add primary key (entity_kind, source_key);
    analyze pg_temp.stays_begun;
"""

WRITE_HISTORY = """
    delete from identity.customer_history as history
    where run >= %(as_of)s and not (run = %(as_of)s and exists (
        select from pg_temp.stays_begun as begun
        where begun.entity_kind = history.entity_kind and begun.source_key = history.source_key
            and begun.valid_from = history.valid_from and begun.customer_id = history.customer_id
            and begun.reason = history.reason and begun.valid_until is not distinct from history.valid_until
    ));

    update identity.customer_history as history
    set valid_until = case when begun.entity_kind is not null then %(as_of)s::date end
    from pg_temp.stays_before as before
    left join pg_temp.stays_begun as begun using (entity_kind, source_key)
    where history.entity_kind = before.entity_kind and history.source_key = before.source_key
        and history.valid_from = before.valid_from and history.run < %(as_of)s and before.valid_until is null
        and history.valid_until is distinct from case when begun.entity_kind is not null then %(as_of)s::date end;

    insert into identity.customer_history
        (entity_kind, source_key, customer_id, valid_from, valid_until, reason, run)
    select entity_kind, source_key, customer_id, valid_from, valid_until, reason, %(as_of)s::date
    from pg_temp.stays_begun
    on conflict (entity_kind, source_key, valid_from) do nothing;
"""

# Against the table as the last run left it, whatever its day was: dbt built its models from that.
WRITE_MOVED = """
    insert into identity.moved_customers (customer_id, moved_date)
    select distinct moved.customer_id, %(as_of)s::date
    from identity.entity_customers as before
    left join pg_temp.found_customers as found using (entity_kind, source_key)
    cross join lateral (values (before.customer_id), (found.customer_id)) as moved (customer_id)
    where before.customer_id is distinct from found.customer_id and moved.customer_id is not null
    on conflict do nothing
"""

WRITE_CUSTOMERS = """
    delete from identity.entity_customers as before
    where not exists (
        select from pg_temp.found_customers as found
        where found.entity_kind = before.entity_kind and found.source_key = before.source_key
    );

    insert into identity.entity_customers as before
        (entity_kind, source_key, customer_id, first_known_date, is_founder)
    select entity_kind, source_key, customer_id, first_known_date, is_founder
    from pg_temp.found_customers as found
    where not exists (
        select from identity.entity_customers as same
        where same.entity_kind = found.entity_kind and same.source_key = found.source_key
            and same.customer_id = found.customer_id and same.first_known_date = found.first_known_date
            and same.is_founder = found.is_founder
    )
    on conflict (entity_kind, source_key) do update
    set customer_id = excluded.customer_id, first_known_date = excluded.first_known_date,
        is_founder = excluded.is_founder;
"""


def write(connection: psycopg2.extensions.connection, as_of: date) -> dict[str, int]:
    """Let the tables say what `pg_temp.found_customers` says; give how many stays this run began, by reason."""
    with connection.cursor() as cursor:
        for statement in (BEFORE, BEGUN, WRITE_HISTORY, WRITE_MOVED, WRITE_CUSTOMERS):
            cursor.execute(statement, {"as_of": as_of})
        cursor.execute("select reason, count(*) from pg_temp.stays_begun group by reason")
        return {"new": 0, "merged": 0, "split": 0, "gone": 0, **dict(cursor.fetchall())}
