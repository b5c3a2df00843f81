"""What a data steward decides on held batches and rows in quarantine; each decision is kept with who, why and as_of.

A decision changes no raw row. It takes effect in the next gate run (batches) and the next build (rows), where a row
counts once: a repaired row goes through the contract's rules and keys again, and no decision lets a repeated key in.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json

from expectations.row_check import broken_rules
from landing.contracts import Contract, departments, load_contract
from runtime.warehouse import transaction

# Why a row with a reason of this kind cannot simply be let in.
NOT_RELEASABLE = {
    "type": "the warehouse could not read its value: repair it",
    "malformed_line": "the line could not be read as a row: ask for a whole file under the same name, or discard it",
    "erased": "it belonged to a person who was erased",
    "duplicate_key": "a row with this key counts already, so it would count twice: repair its key, or discard it",
}
UNREPAIRABLE = ("malformed_line", "erased")
HELD_SHOWN = 5  # batch names fit a message; `quarantine list` and quality.batch_verdicts have the rest


class StewardError(ValueError):
    """The decision is not possible; the message says why and what to do."""


@dataclass(frozen=True)
class Decision:
    """Who decides, why, and for which day; `as_of` None is the department's newest day."""

    done_by: str
    reason: str
    as_of: date | None = None


@dataclass(frozen=True)
class Case:
    """One row in quarantine: where it stands, what it holds, and (rule, field, reason, status) per broken rule."""

    entity: str
    batch_id: str
    row_number: int
    record: dict
    rules: tuple[tuple[str, str, str, str], ...]


def release_batch(department: str, batch_id: str, decision: Decision) -> None:
    """Let a held batch in: every later run of the gate accepts it and judges it no more. Raises StewardError."""
    with deciding(department, decision) as (connection, contract, as_of), connection.cursor() as cursor:
        batches = sql.Identifier(contract.raw_schema, "_batches")
        cursor.execute(
            sql.SQL("""
                select b.entity, b.status, b.reason, v.verdict, r.batch_id is not null
                from {} b
                left join quality.batch_verdicts v
                    on v.department = %(department)s and v.entity = b.entity and v.batch_id = b.batch_id
                left join quality.batch_releases r on r.department = %(department)s and r.batch_id = b.batch_id
                where b.batch_id = %(batch)s
            """).format(batches),
            {"department": department, "batch": batch_id},
        )
        found = cursor.fetchone()
        if found is None:
            raise StewardError(f"{department} has no batch {batch_id}. {_held(cursor, department)}")
        entity, status, why, verdict, is_released = found
        if status == "refused":
            raise StewardError(
                f"{batch_id} was refused by landing, so none of its rows is in raw: {why} Map a renamed column in the "
                "contract (delivered_as takes old and new name), or ask for a repaired file; it lands by itself then."
            )
        if is_released:
            raise StewardError(f"{batch_id} is released already; the next run of the gate accepts it.")
        if verdict != "held":
            words = {"accepted": "was accepted already", "replaced": "came again, and the new file counts"}
            word = words.get(verdict, f"is {status} and has not been judged yet")
            raise StewardError(f"{batch_id} {word}: there is nothing to release. {_held(cursor, department)}")
        cursor.execute(
            "insert into quality.batch_releases (department, entity, batch_id, released_by, reason, as_of)"
            " values (%s, %s, %s, %s, %s, %s)",
            (department, entity, batch_id, decision.done_by, decision.reason, as_of),
        )
        note(cursor, "release_batch", department, (entity, batch_id, None), [], decision, as_of)


def waiting_rows(department: str | None, status: str, limit: int) -> list[tuple]:
    """List (department, batch_id, row_number, status, reasons) of rows in quarantine; no value of a person in it."""
    if department is not None:
        _known(department)
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select department, batch_id, row_number, max(status), string_agg(reason, '; ' order by field, rule)
            from quarantine.rejected_rows
            where department = coalesce(%(department)s, department)
                and (%(status)s = 'all' or status = %(status)s)
            group by department, entity, batch_id, row_number
            order by max(as_of) desc, department, batch_id, row_number
            limit %(limit)s
            """,
            {"department": department, "status": status, "limit": limit},
        )
        return cursor.fetchall()


def suspect_values(department: str | None) -> list[tuple]:
    """List (department.entity.field, rule, count, newest reason) of marked values; no value of a person in it."""
    if department is not None:
        _known(department)
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select department || '.' || entity || '.' || field, rule, count(*),
                (array_agg(reason order by as_of desc, batch_id desc, row_number))[1]
            from quality.suspect_values
            where department = coalesce(%s, department)
            group by department, entity, field, rule
            order by 1, 2
            """,
            (department,),
        )
        return cursor.fetchall()


def case_and_history(department: str, batch_id: str, row_number: int) -> tuple[Case, list[tuple]]:
    """Give one row with its reasons and (as_of, action, fields, done_by, reason) of each decision on it."""
    _known(department)
    with transaction() as connection, connection.cursor() as cursor:
        case = _case(cursor, department, batch_id, row_number)
        cursor.execute(
            "select as_of, action, fields, done_by, reason from quarantine.steward_actions"
            " where department = %s and batch_id = %s and row_number = %s order by action_number",
            (department, batch_id, row_number),
        )
        return case, cursor.fetchall()


def repair(department: str, batch_id: str, row_number: int, values: Mapping[str, str], decision: Decision) -> None:
    """Keep corrected values for a waiting row; they count instead of the delivered ones. Raises StewardError.

    The repaired record must keep every rule of the contract and must not repeat a key that counts already.
    """
    with deciding(department, decision) as (connection, contract, as_of), connection.cursor() as cursor:
        case = _open_case(cursor, department, batch_id, row_number, ("waiting", "repaired"))
        _refuse(case, UNREPAIRABLE, "repaired")
        entity = contract.entity(case.entity)
        if unknown := sorted(set(values) - set(entity.column_names)):
            raise StewardError(
                f"{entity.name} has no column {', '.join(unknown)}. Columns: {', '.join(entity.column_names)}."
            )
        record = {**case.record, **values}
        if broken := broken_rules(connection, contract, entity, (batch_id, row_number), record):
            raise StewardError("The repaired row is still not right: " + "; ".join(broken) + ".")
        cursor.execute(
            """
            insert into quarantine.repairs as old
                (department, entity, batch_id, row_number, record, fields, repaired_by, reason, as_of)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (department, entity, batch_id, row_number) do update
            set record = excluded.record, repaired_by = excluded.repaired_by, reason = excluded.reason,
                as_of = excluded.as_of, revision = old.revision + 1,
                fields = (
                    select string_agg(distinct f, ', ' order by f)
                    from regexp_split_to_table(old.fields || ', ' || excluded.fields, ', ') f
                )
            """,
            (
                *(department, case.entity, batch_id, row_number, Json(record), ", ".join(sorted(values))),
                *(decision.done_by, decision.reason, as_of),
            ),
        )
        _close(cursor, department, case, "repaired")
        note(cursor, "repair", department, (case.entity, batch_id, row_number), sorted(values), decision, as_of)


def release(department: str, batch_id: str, row_number: int, decision: Decision) -> None:
    """Let a waiting row in as it was delivered. Raises StewardError where that would break or double something."""
    with deciding(department, decision) as (connection, contract, as_of), connection.cursor() as cursor:
        case = _open_case(cursor, department, batch_id, row_number, ("waiting",))
        _refuse(case, tuple(NOT_RELEASABLE), "released")
        keys = contract.entity(case.entity).keys
        if empty := sorted(field for rule, field, *_ in case.rules if rule == "missing" and field in keys):
            raise StewardError(f"The row has no {', '.join(empty)}, which tells rows apart: repair it.")
        _close(cursor, department, case, "released")
        note(cursor, "release", department, (case.entity, batch_id, row_number), [], decision, as_of)


def discard(department: str, batch_id: str, row_number: int, decision: Decision) -> None:
    """Close the case of a waiting row: it stays out for good. Raises StewardError."""
    with deciding(department, decision) as (connection, _, as_of), connection.cursor() as cursor:
        case = _open_case(cursor, department, batch_id, row_number, ("waiting",))
        _close(cursor, department, case, "discarded")
        note(cursor, "discard", department, (case.entity, batch_id, row_number), [], decision, as_of)


@contextmanager
def deciding(department: str, decision: Decision) -> Iterator[tuple[Connection, Contract, date]]:
    """Open the one transaction of a decision, with no gate of this department running meanwhile."""
    contract = _known(department)
    if not decision.done_by.strip() or not decision.reason.strip():
        raise StewardError("Say who decides and why: both are kept.")
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 1))", (contract.raw_schema,))
        cursor.execute("select max(as_of) from quality.department_status where department = %s", (department,))
        newest = cursor.fetchone()[0]
        if decision.as_of is None and newest is None:
            raise StewardError(f"The gate raw.{department} has never run, so there is nothing to decide on.")
        yield connection, contract, decision.as_of or newest


def _known(department: str) -> Contract:
    if department not in departments():
        raise StewardError(f"There is no department {department}. Departments: {', '.join(departments())}.")
    return load_contract(department)


def _held(cursor, department: str) -> str:
    cursor.execute(
        "select batch_id from quality.batch_verdicts where department = %s and verdict = 'held' order by batch_id",
        (department,),
    )
    held = [batch_id for (batch_id,) in cursor.fetchall()]
    more = f" and {len(held) - HELD_SHOWN} more" if len(held) > HELD_SHOWN else ""
    return f"Held: {', '.join(held[:HELD_SHOWN])}{more}." if held else "No batch is held."


def _case(cursor, department: str, batch_id: str, row_number: int) -> Case:
    cursor.execute(
        """
        select q.entity, coalesce(p.record, q.record), q.rule, q.field, q.reason, q.status
        from quarantine.rejected_rows q
        left join quarantine.repairs p using (department, entity, batch_id, row_number)
        where q.department = %s and q.batch_id = %s and q.row_number = %s
        order by q.field, q.rule
        """,
        (department, batch_id, row_number),
    )
    found = cursor.fetchall()
    if not found:
        raise StewardError(
            f"Row {row_number} of {department} batch {batch_id} is not in quarantine. See: "
            f"python -m expectations quarantine list --department {department}"
        )
    return Case(found[0][0], batch_id, row_number, found[0][1], tuple(row[2:] for row in found))


def _open_case(cursor, department: str, batch_id: str, row_number: int, statuses: tuple[str, ...]) -> Case:
    case = _case(cursor, department, batch_id, row_number)
    if closed := sorted({status for *_, status in case.rules} - set(statuses)):
        raise StewardError(f"Row {row_number} of {batch_id} is {' and '.join(closed)} already: the case is closed.")
    return case


def _refuse(case: Case, rules: tuple[str, ...], word: str) -> None:
    for rule, _, reason, _ in case.rules:
        if rule in rules:
            raise StewardError(f"The row cannot be {word}: {NOT_RELEASABLE[rule]}. ({reason})")


def _close(cursor, department: str, case: Case, status: str) -> None:
    cursor.execute(
        "update quarantine.rejected_rows set status = %s"
        " where department = %s and entity = %s and batch_id = %s and row_number = %s",
        (status, department, case.entity, case.batch_id, case.row_number),
    )


def note(cursor, action: str, department: str, place: tuple, fields: list, decision: Decision, as_of: date) -> None:
    cursor.execute(
        "insert into quarantine.steward_actions"
        " (action, department, entity, batch_id, row_number, fields, done_by, reason, as_of)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (action, department, *place, ", ".join(fields), decision.done_by, decision.reason, as_of),
    )
