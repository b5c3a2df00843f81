"""Take a batch back that was let in and turned out to be wrong, and let it in again if the recall was the mistake.

A recalled batch stays in raw and leaves the warehouse: the next build makes every model that it reached anew, past days
included, so that features and labels are as if it had never come. What was decided stays in the ledger; which models
learned from it tells `python -m ml models saw`.
"""

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from expectations.stewardship import Decision, StewardError, deciding, note
from landing.contracts import Contract

IS_OUT = {"recalled": "is recalled already", "replaced": "came again, and the newer file counts"}


def recall_batch(department: str, batch_id: str, decision: Decision) -> None:
    """Take a batch out of the warehouse; no run of the gate lets it in again. Raises StewardError."""
    with deciding(department, decision) as (connection, contract, as_of), connection.cursor() as cursor:
        entity, verdict = _judged(cursor, department, batch_id)
        if verdict in IS_OUT:
            raise StewardError(f"{batch_id} {IS_OUT[verdict]}: there is nothing to recall.")
        _give(cursor, department, batch_id, "recalled", f"Recalled by a steward: {decision.reason}")
        _forget_profile(cursor, contract, entity, batch_id)
        note(cursor, "recall_batch", department, (entity, batch_id, None), [], decision, as_of)


def lift_recall(department: str, batch_id: str, decision: Decision) -> None:
    """Hold a recalled batch instead: the next run of the gate judges it, and it is known from then on."""
    with deciding(department, decision) as (connection, _, as_of), connection.cursor() as cursor:
        entity, verdict = _judged(cursor, department, batch_id)
        if verdict != "recalled":
            raise StewardError(f"{batch_id} is {verdict}, not recalled.")
        _give(cursor, department, batch_id, "held", f"Recall lifted by a steward: {decision.reason}")
        note(cursor, "lift_recall", department, (entity, batch_id, None), [], decision, as_of)


def _judged(cursor: Cursor, department: str, batch_id: str) -> tuple[str, str]:
    cursor.execute(
        "select entity, verdict from quality.batch_verdicts where department = %s and batch_id = %s",
        (department, batch_id),
    )
    found = cursor.fetchone()
    if found is None:
        raise StewardError(f"{department} has no judged batch {batch_id}; quality.batch_verdicts lists them.")
    return found


def _give(cursor: Cursor, department: str, batch_id: str, verdict: str, reason: str) -> None:
    cursor.execute(
        "update quality.batch_verdicts set verdict = %s, reason = %s where department = %s and batch_id = %s",
        (verdict, reason, department, batch_id),
    )


def _forget_profile(cursor: Cursor, contract: Contract, entity: str, batch_id: str) -> None:
    """Let no later day be compared with values that were wrong; another accepted batch of the day keeps its profile."""
    cursor.execute(
        sql.SQL("""
            delete from quality.value_profiles as profile
            using {batches} as recalled
            where recalled.batch_id = %(batch)s and profile.department = %(department)s and profile.entity = %(entity)s
                and profile.delivered_date = recalled.delivered_date
                and not exists (
                    select from {batches} as other
                    join quality.batch_verdicts as judged
                        on judged.department = %(department)s and judged.batch_id = other.batch_id
                            and judged.verdict = 'accepted'
                    where other.entity = %(entity)s and other.delivered_date = recalled.delivered_date
                )
        """).format(batches=sql.Identifier(contract.raw_schema, "_batches")),
        {"batch": batch_id, "department": contract.department, "entity": entity},
    )
