"""Publish the marts blue-green: dbt builds on the side that nobody reads; one transaction turns the readers to it.

`marts` holds views of one of two schemas. A build (`begin_build`) goes to the other one, the gate looks at it there
(`activation.audited_marts()`), and `publish_marts` makes the views anew: a reader sees yesterday's or today's marts in
all tables, never a half, and a build that failed is seen by nobody. Blue-green deployment, Humble & Farley 2010; write,
audit, publish.
"""

import time
from dataclasses import dataclass
from datetime import date

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from activation.publish import PublishRefused, require_gate
from runtime import warehouse

GATE = "marts.customers"
SIDES = ("marts_blue", "marts_green")
READERS = ("cx_bi", "cx_agent")
# Below the second after which PostgreSQL looks for deadlocks: the publisher gives way, never a reader.
LOCK_MILLISECONDS = 200
WAIT_SECONDS = 600  # longer than a dashboard's query, a sixth of the task's hour


@dataclass(frozen=True)
class MartsPublication:
    """What readers of `marts` see now: the day, the side and how many tables."""

    as_of: date
    side: str
    tables: int

    def summary(self) -> str:
        """Say it in a line."""
        return f"{self.as_of}: {self.tables} tables of marts are those of {self.side} now"


def begin_build(as_of: date) -> str:
    """Name the schema that dbt builds the marts of `as_of` in, ready to grow.

    A table that grows and is missing there (on the second day) is copied from the side that is read. A verdict of the
    gate on an earlier build of this day is not about this one, and goes.
    """
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select live from activation.marts_sides for update")
        (live,) = cursor.fetchone() or (None,)
        candidate = SIDES[live == SIDES[0]]
        cursor.execute("delete from activation.marts_sides")
        cursor.execute("insert into activation.marts_sides values (%s, %s, %s)", (live, candidate, as_of))
        cursor.execute("delete from quality.gate_results where gate = %s and as_of = %s", (GATE, as_of))
        if live is not None:
            _copy_missing(cursor, live, candidate)
        return candidate


def publish_marts(as_of: date, wait_seconds: float = WAIT_SECONDS) -> MartsPublication:
    """Let `marts` show what was built for `as_of`. Publishing again changes nothing.

    Waits for readers that hold a view, up to `wait_seconds`. Raises PublishRefused if the gate did not pass for this
    day, if nothing was built, or if readers do not let go; then what was read before stays.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return _publish(as_of)
        except psycopg2.errors.LockNotAvailable as held:
            if time.monotonic() > deadline:
                raise PublishRefused(
                    f"A reader holds a table of marts for more than {wait_seconds:.0f} s: end its transaction "
                    "(pg_stat_activity shows it) and publish again. What was live stays live."
                ) from held
            time.sleep(LOCK_MILLISECONDS / 1000)


def _publish(as_of: date) -> MartsPublication:
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select set_config('lock_timeout', %s, true)", (f"{LOCK_MILLISECONDS}ms",))
        cursor.execute("select live, candidate, candidate_as_of from activation.marts_sides for update")
        live, candidate, built_for = cursor.fetchone() or (None, None, None)
        side = candidate or live
        if side is None:
            raise PublishRefused("No marts were built yet. Run build_warehouse first.")
        if candidate is not None and built_for != as_of:
            raise PublishRefused(f"The marts to publish were built for {built_for}, not for {as_of}.")
        require_gate(cursor, GATE, as_of)
        cursor.execute(
            "select relname from pg_class where relnamespace = %s::regnamespace and relkind in ('r', 'v') order by 1",
            (side,),
        )
        names = [name for (name,) in cursor.fetchall()]
        if candidate is not None:
            for name in names:
                _show(cursor, side, name)
            _forget_others(cursor, names)
            cursor.execute(
                "update activation.marts_sides set live = %s, candidate = null, candidate_as_of = null", (side,)
            )
        return MartsPublication(as_of, side, len(names))


def _copy_missing(cursor: Cursor, live: str, candidate: str) -> None:
    """Copy the tables that grow (those in dbt's build log) with indexes and comments."""
    cursor.execute(
        """
        select split_part(model_name, '.', 2), model_name from intermediate.model_builds
        where split_part(model_name, '.', 1) = %s
        order by 1
        """,
        (live,),
    )
    for name, model in cursor.fetchall():
        copy, original = sql.Identifier(candidate, name), sql.Identifier(live, name)
        cursor.execute("select to_regclass(%s) is null", (f"{candidate}.{name}",))
        if not cursor.fetchone()[0]:
            continue
        cursor.execute(sql.SQL("create table {} (like {} including all)").format(copy, original))
        cursor.execute(sql.SQL("insert into {} select * from {}").format(copy, original))
        cursor.execute(
            """
            insert into intermediate.model_builds (model_name, as_of, fingerprint)
            select %s, as_of, fingerprint from intermediate.model_builds where model_name = %s
            """,
            (f"{candidate}.{name}", model),
        )


def _show(cursor: Cursor, side: str, name: str) -> None:
    """Make marts.<name> a view of the side's table, with its comments and the readers' rights."""
    view, table = sql.Identifier("marts", name), sql.Identifier(side, name)
    columns = _columns(cursor, side, name)
    cursor.execute("select relkind = 'v' from pg_class where oid = to_regclass(%s)", (f"marts.{name}",))
    found = cursor.fetchone()
    if found and (not found[0] or _columns(cursor, "marts", name) != columns):
        # Made by hand, or its columns changed. Not cascade: somebody's own view on it is not ours to drop.
        cursor.execute(sql.SQL("drop {} {}").format(sql.SQL("view" if found[0] else "table"), view))
    selected = sql.SQL(", ").join(sql.Identifier(column) for column, _ in columns)
    cursor.execute(sql.SQL("create or replace view {} as select {} from {}").format(view, selected, table))
    cursor.execute("select obj_description(%s::regclass, 'pg_class')", (f"{side}.{name}",))
    cursor.execute(sql.SQL("comment on view {} is {}").format(view, sql.Literal(cursor.fetchone()[0])))
    cursor.execute(
        """
        select attribute.attname, col_description(attribute.attrelid, attribute.attnum),
            array(
                select granted.grantee::regrole::text from aclexplode(attribute.attacl) as granted
                where granted.privilege_type = 'SELECT' and granted.grantee <> 0
            )
        from pg_attribute as attribute
        where attribute.attrelid = %s::regclass and attribute.attnum > 0 and not attribute.attisdropped
        order by attribute.attnum
        """,
        (f"{side}.{name}",),
    )
    described = cursor.fetchall()
    for column, comment, _ in described:
        target = sql.Identifier("marts", name, column)
        cursor.execute(sql.SQL("comment on column {} is {}").format(target, sql.Literal(comment)))
    for role in READERS:
        reader = sql.Identifier(role)
        may_read = [sql.Identifier(column) for column, _, roles in described if role in roles]
        cursor.execute(sql.SQL("revoke all on {} from {}").format(view, reader))
        if may_read:
            listed = sql.SQL(", ").join(may_read)
            cursor.execute(sql.SQL("grant select ({}) on {} to {}").format(listed, view, reader))


def _columns(cursor: Cursor, schema: str, name: str) -> list[tuple[str, str]]:
    """Name the columns of a table or view with their types, in their order."""
    cursor.execute(
        """
        select attname, format_type(atttypid, atttypmod) from pg_attribute
        where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum
        """,
        (f"{schema}.{name}",),
    )
    return cursor.fetchall()


def _forget_others(cursor: Cursor, names: list[str]) -> None:
    """Drop what `marts` shows of models that are no more."""
    cursor.execute(
        "select relname, relkind from pg_class where relnamespace = 'marts'::regnamespace and relkind in ('r', 'v')"
        " and relname <> all (%s)",
        (names,),
    )
    for name, kind in cursor.fetchall():
        word = sql.SQL("view" if kind == "v" else "table")
        cursor.execute(sql.SQL("drop {} {}").format(word, sql.Identifier("marts", name)))
