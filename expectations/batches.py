"""Which deliveries a raw gate looks at, as temporary tables and views that its queries read.

`contract_entities`, `replaced_batches` (files that came again before anybody accepted them) and `new_batches`; per
entity `new_<entity>` (rows of the new batches that are not rejected; what a steward released is not judged again and
stands only in the next) and `accepted_<entity>` (those, what was released, and all that was accepted before).
"""

from datetime import date

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from landing.contracts import Contract, Entity


def gather(connection: Connection, contract: Contract, as_of: date) -> None:
    """Make `contract_entities`, `replaced_batches` and `new_batches`.

    New is what landed by `as_of` and has no verdict, was held, or got its verdict in a run of this same `as_of`; what a
    steward recalled is never new.
    Replaced is a file that nobody accepted and that came again under its name: only the newest one counts.
    """
    with connection.cursor() as cursor:
        _list_entities(cursor, contract)
        cursor.execute(
            sql.SQL("""
                create temporary table replaced_batches as
                select distinct on (b.batch_id) b.batch_id, b.entity, b.known_date, newer.batch_id as replaced_by
                from {batches} b
                join contract_entities e on e.entity = b.entity and not e.is_pulled
                join {batches} newer on newer.replaces = b.batch_id and newer.status = 'landed'
                    and newer.as_of <= %(as_of)s
                left join quality.batch_verdicts v
                    on v.department = %(department)s and v.entity = b.entity and v.batch_id = b.batch_id
                where b.status = 'landed' and coalesce(v.verdict, 'held') not in ('accepted', 'recalled')
                    and not exists (
                        select from quality.batch_releases r
                        where r.department = %(department)s and r.batch_id = b.batch_id
                    )
                order by b.batch_id, newer.as_of desc, newer.batch_id
            """).format(batches=_table(contract, "_batches")),
            {"department": contract.department, "as_of": as_of},
        )
        cursor.execute(
            sql.SQL("""
                create temporary table new_batches as
                select b.batch_id, b.entity, %(department)s || '/' || b.source_name as source_name, b.row_count,
                    replace(b.source_name, b.delivered_date::text, '') as part,
                    r.batch_id is not null as is_released,
                    b.delivered_date, b.known_date, b.as_of as landed_as_of
                from {batches} b
                left join quality.batch_verdicts v
                    on v.department = %(department)s and v.entity = b.entity and v.batch_id = b.batch_id
                left join quality.batch_releases r on r.department = %(department)s and r.batch_id = b.batch_id
                where b.status = 'landed' and b.as_of <= %(as_of)s
                    and (v.verdict is null or (v.verdict <> 'recalled' and v.as_of = %(as_of)s)
                        or (v.verdict = 'held' and v.as_of < %(as_of)s))
                    and not exists (select from replaced_batches x where x.batch_id = b.batch_id)
            """).format(batches=_table(contract, "_batches")),
            {"department": contract.department, "as_of": as_of},
        )
        cursor.execute("alter table new_batches add primary key (batch_id)")
        cursor.execute("analyze new_batches")


def _list_entities(cursor, contract: Contract) -> None:
    cursor.execute(
        "create temporary table contract_entities (entity text primary key, load text, warn_after_days int,"
        " hold_after_days int, minimum_rows_share numeric, is_optional boolean, has_parts boolean,"
        " is_pulled boolean)"
    )
    rows = [
        (
            *(entity.name, entity.load, entity.freshness.warn_after_days, entity.freshness.hold_after_days),
            *(entity.minimum_rows_share, entity.optional, "{part}" in (entity.path or ""), entity.path is None),
        )
        for entity in contract.entities
    ]
    execute_values(cursor, "insert into contract_entities values %s", rows)


def lay_out_views(connection: Connection, contract: Contract, as_of: date) -> None:
    """Make the views `new_<entity>` and `accepted_<entity>`, without the rows in `rejections`."""
    with connection.cursor() as cursor:
        for entity in contract.entities:
            cursor.execute(_views(contract, entity, as_of))


def _views(contract: Contract, entity: Entity, as_of: date) -> sql.Composable:
    return sql.SQL("""
        create temporary view {good} as
        select r.*, b.is_released as "_is_released"
        from {table} r
        join new_batches b on b.batch_id = r._batch_id and b.entity = {entity}
        where not exists (
            select from rejections x
            where x.entity = {entity} and x.batch_id = r._batch_id and x.row_number = r._row_number
        );
        create temporary view {new} as select * from {good} where not "_is_released";
        create temporary view {accepted} as
        select * from {good}
        union all
        select r.*, false
        from {table} r
        join quality.batch_verdicts v on v.department = {department} and v.entity = {entity}
            and v.batch_id = r._batch_id and v.verdict = 'accepted' and v.as_of < {as_of}
        where not exists (
            select from quarantine.rejected_rows q
            where q.department = {department} and q.entity = {entity} and q.batch_id = r._batch_id
                and q.row_number = r._row_number and q.status <> 'released'
        )
    """).format(
        good=sql.Identifier(f"good_{entity.name}"),
        new=sql.Identifier(f"new_{entity.name}"),
        accepted=sql.Identifier(f"accepted_{entity.name}"),
        table=_table(contract, entity.name),
        entity=sql.Literal(entity.name),
        department=sql.Literal(contract.department),
        as_of=sql.Literal(as_of),
    )


def _table(contract: Contract, name: str) -> sql.Identifier:
    return sql.Identifier(contract.raw_schema, name)
