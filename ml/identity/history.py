"""Whose each entity is, was, and who moved: what a run found is compared with what was there, and written as changes.

History is never rebuilt. A run for the same or an earlier day first takes back what runs of that day and later ones
wrote, so a replay forward ends as it began. Everything is set-based and in the caller's transaction.
"""

from datetime import date

import psycopg2

# Whose each entity was before the first run of as_of: what later runs began is away, what they ended goes on.
BEFORE = """
    drop table if exists pg_temp.customers_before;
    create temporary table customers_before on commit drop as
    select entity_kind, source_key, customer_id
    from identity.customer_history
    where run < %(as_of)s and (valid_until is null or valid_until >= %(as_of)s);
    analyze pg_temp.customers_before;

    drop table if exists pg_temp.differing;
    create temporary table differing on commit drop as
    select entity_kind, source_key, before.customer_id as old_id, found.customer_id as new_id, first_known_date
    from pg_temp.customers_before as before
    full join pg_temp.found_customers as found using (entity_kind, source_key)
    where before.customer_id is distinct from found.customer_id;
    analyze pg_temp.differing;
"""

# The stays that this run begins. Of an entity that moved: split, if all who are in its customer came from one customer
# that did not stay whole; else merged. An entity that comes back begins on as_of: its first day is taken.
BEGUN = """
    drop table if exists pg_temp.stays_begun;
    create temporary table stays_begun on commit drop as
    with parts as (
        select before.customer_id as old_id, count(distinct coalesce(found.customer_id, '')) as parts
        from pg_temp.customers_before as before
        left join pg_temp.found_customers as found using (entity_kind, source_key)
        where before.customer_id in (select old_id from pg_temp.differing where new_id is not null)
        group by before.customer_id
    ),

    origins as (
        select found.customer_id as new_id, count(distinct before.customer_id) as origins
        from pg_temp.found_customers as found
        inner join pg_temp.customers_before as before using (entity_kind, source_key)
        where found.customer_id in (select new_id from pg_temp.differing where old_id is not null)
        group by found.customer_id
    )

    select
        entity_kind,
        source_key,
        coalesce(new_id, old_id) as customer_id,
        case
            when old_id is null and not exists (
                select from identity.customer_history as earlier
                where earlier.entity_kind = differing.entity_kind and earlier.source_key = differing.source_key
                    and earlier.run < %(as_of)s
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
    from pg_temp.differing
    left join parts using (old_id)
    left join origins using (new_id);
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
    set valid_until = %(as_of)s
    from pg_temp.stays_begun as begun
    where history.entity_kind = begun.entity_kind and history.source_key = begun.source_key
        and history.run < %(as_of)s and (history.valid_until is null or history.valid_until > %(as_of)s);

    update identity.customer_history as history
    set valid_until = null
    where history.run < %(as_of)s and history.valid_until >= %(as_of)s and not exists (
        select from pg_temp.stays_begun as begun
        where begun.entity_kind = history.entity_kind and begun.source_key = history.source_key
    );

    insert into identity.customer_history
        (entity_kind, source_key, customer_id, valid_from, valid_until, reason, run)
    select entity_kind, source_key, customer_id, valid_from, valid_until, reason, %(as_of)s::date
    from pg_temp.stays_begun
    on conflict (entity_kind, source_key, valid_from) do nothing;
"""

# Against the table as the last run left it, whatever its day was: dbt built its models from that.
WRITE_CUSTOMERS = """
    drop table if exists pg_temp.altered;
    create temporary table altered on commit drop as
    select
        entity_kind, source_key, before.customer_id as old_id, found.customer_id, found.first_known_date,
        found.is_founder
    from identity.entity_customers as before
    full join pg_temp.found_customers as found using (entity_kind, source_key)
    where (before.customer_id, before.first_known_date, before.is_founder)
        is distinct from (found.customer_id, found.first_known_date, found.is_founder);

    insert into identity.moved_customers (customer_id, moved_date)
    select distinct moved.customer_id, %(as_of)s::date
    from pg_temp.altered
    cross join lateral (values (altered.old_id), (altered.customer_id)) as moved (customer_id)
    where altered.old_id is distinct from altered.customer_id and altered.old_id is not null
        and moved.customer_id is not null
    on conflict do nothing;

    delete from identity.entity_customers as before
    using pg_temp.altered
    where before.entity_kind = altered.entity_kind and before.source_key = altered.source_key
        and altered.customer_id is null;

    insert into identity.entity_customers (entity_kind, source_key, customer_id, first_known_date, is_founder)
    select entity_kind, source_key, customer_id, first_known_date, is_founder
    from pg_temp.altered where customer_id is not null
    on conflict (entity_kind, source_key) do update
    set customer_id = excluded.customer_id, first_known_date = excluded.first_known_date,
        is_founder = excluded.is_founder;
"""


def write(connection: psycopg2.extensions.connection, as_of: date) -> dict[str, int]:
    """Let the tables say what `pg_temp.found_customers` says; give how many stays this run began, by reason."""
    with connection.cursor() as cursor:
        for statement in (BEFORE, BEGUN, WRITE_HISTORY, WRITE_CUSTOMERS):
            cursor.execute(statement, {"as_of": as_of})
        cursor.execute("select reason, count(*) from pg_temp.stays_begun group by reason")
        return {"new": 0, "merged": 0, "split": 0, "gone": 0, **dict(cursor.fetchall())}
