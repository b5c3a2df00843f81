"""The gate of one department's deliveries: quarantine, suspects, suite, verdict per batch, status, health, alert.

Everything happens in one transaction keyed by (department, as_of); running it again gives the same.
"""

from datetime import date

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from expectations.alerts import alert_when_late
from expectations.batches import gather, lay_out_views
from expectations.department_health import write_health
from expectations.gate import RAW, GateResult, evaluate, gate_transaction, require_table
from expectations.money_at_stake import write_money_at_stake
from expectations.quarantine import quarantine
from expectations.suspicion import mark_suspects
from expectations.usual_values import profile
from landing.contracts import Contract, load_contract
from privacy.suppression import suppress
from runtime.warehouse import update_statistics

TOO_OLD = "data_is_fresh_enough_to_use"
LATE = "data_is_on_time"
READ_BY_EVERY_MODEL = ("quality.batch_verdicts", "quarantine.rejected_rows")


def check_raw(department: str, as_of: date) -> GateResult:
    """Judge what `department` delivered up to `as_of` and has not been judged before; save verdicts and status.

    Raises GateFailed on a failed critical expectation, after everything is saved. Then the new batches are held and
    judged again by the next run, while what was accepted before stays. Data that is only too old holds nothing:
    what did come is accepted, and the department's status is `stale`.
    """
    contract = load_contract(department)
    # An erased person does not come back with a file: its rows are gone before anything looks at them.
    suppress(department, as_of)
    with gate_transaction() as (alchemy, connection):
        require_table(connection, f"{RAW}{department}", f"{contract.raw_schema}._batches")
        _one_at_a_time(connection, contract)
        gather(connection, contract, as_of)
        quarantine(connection, contract, as_of)
        lay_out_views(connection, contract, as_of)
        mark_suspects(connection, contract, as_of)
        profile(connection, contract, as_of)
        result = evaluate(f"{RAW}{department}", as_of, alchemy, connection, contract=contract)
        _close_replaced(connection, contract, as_of)
        _give_verdicts(connection, contract, result)
        _set_status(connection, contract, result)
        write_health(connection, contract, as_of)
        write_money_at_stake(connection, contract, as_of)
        late = [finding.message for finding in result.findings if finding.expectation == LATE and not finding.success]
        alert_when_late(connection, department, as_of, late[0] if late else None)
        update_statistics(connection, READ_BY_EVERY_MODEL)
    return result.raise_on_failure()


def _one_at_a_time(connection: Connection, contract: Contract) -> None:
    """Wait for another gate on the same department: it judges the same batches."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 1))", (contract.raw_schema,))


def _holding(result: GateResult) -> list[str]:
    """List the sentences of the failures that hold new batches: all critical ones but age."""
    return [finding.message for finding in result.failures("critical") if finding.expectation != TOO_OLD]


def _give_verdicts(connection: Connection, contract: Contract, result: GateResult) -> None:
    """Accept or hold all new batches; what a steward released is accepted in any case, what was replaced is closed.

    A batch that was landed by an earlier run becomes known with this one, not before; history, which arrived at once
    and is taken as known on its own dates, stays so.
    """
    sentences = _holding(result)
    with connection.cursor() as cursor:
        cursor.execute(
            "delete from quality.batch_verdicts v using new_batches b"
            " where v.department = %s and v.entity = b.entity and v.batch_id = b.batch_id",
            (contract.department,),
        )
        cursor.execute(
            """
            insert into quality.batch_verdicts (department, entity, batch_id, as_of, known_date, verdict, reason)
            select %(department)s, n.entity, n.batch_id, %(as_of)s,
                case when known_date >= landed_as_of and landed_as_of < %(as_of)s then %(as_of)s else known_date end,
                case when is_released then 'accepted' else %(verdict)s end,
                coalesce('Released by a steward: ' || r.reason, %(reason)s)
            from new_batches n
            left join quality.batch_releases r on r.department = %(department)s and r.batch_id = n.batch_id
            """,
            {
                "department": contract.department,
                "as_of": result.as_of,
                "verdict": "held" if sentences else "accepted",
                "reason": " ".join(sentences),
            },
        )


def _close_replaced(connection: Connection, contract: Contract, as_of: date) -> None:
    """Close the files that came again before anybody accepted them, with their rows in quarantine."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            insert into quality.batch_verdicts (department, entity, batch_id, as_of, known_date, verdict, reason)
            select %(department)s, entity, batch_id, %(as_of)s, known_date, 'replaced', 'Replaced by ' || replaced_by
            from replaced_batches
            on conflict (department, entity, batch_id) do update
                set as_of = excluded.as_of, verdict = excluded.verdict, reason = excluded.reason
                where batch_verdicts.verdict <> 'replaced'
            """,
            {"department": contract.department, "as_of": as_of},
        )
        cursor.execute(
            """
            update quarantine.rejected_rows q set status = 'replaced'
            from replaced_batches x
            where q.department = %(department)s and q.entity = x.entity and q.batch_id = x.batch_id
                and q.status = 'waiting'
            """,
            {"department": contract.department},
        )


def _set_status(connection: Connection, contract: Contract, result: GateResult) -> None:
    """Say how far the accepted data reaches and whether decisions may lean on it."""
    failed = {finding.expectation: finding.message for finding in result.findings if not finding.success}
    held = _holding(result)
    if held:
        status, reason = "held", " ".join(held)
    elif TOO_OLD in failed:
        status, reason = "stale", failed[TOO_OLD]
    elif LATE in failed:
        status, reason = "late", failed[LATE]
    else:
        status, reason = "fresh", ""
    batches = sql.Identifier(contract.raw_schema, "_batches")
    with connection.cursor() as cursor:
        cursor.execute(
            "delete from quality.department_status where department = %s and as_of = %s",
            (contract.department, result.as_of),
        )
        # A file with the same content as an accepted one says that nothing has changed up to its own date.
        cursor.execute(
            sql.SQL("""
                insert into quality.department_status (department, as_of, data_as_of, status, reason, silent_days)
                with told as (
                    select b.entity, max(b.delivered_date) as day
                    from {batches} b
                    where b.as_of <= %(as_of)s and b.delivered_date <= %(as_of)s
                        and exists (
                            select from {batches} original
                            join quality.batch_verdicts v
                                on v.department = %(department)s and v.entity = original.entity
                                and v.batch_id = original.batch_id and v.verdict = 'accepted' and v.as_of <= %(as_of)s
                            where original.entity = b.entity
                                and (original.batch_id = b.batch_id
                                    or (b.status = 'duplicate' and original.content_sha256 = b.content_sha256))
                        )
                    group by b.entity
                )
                select %(department)s, %(as_of)s, max(told.day), %(status)s, %(reason)s,
                    coalesce(max(greatest(%(as_of)s - told.day - usual.days, 0)), 0)
                from told
                left join unnest(%(entities)s::text[], %(usual)s::integer[]) as usual (entity, days) using (entity)
            """).format(batches=batches),
            {
                **{"department": contract.department, "as_of": result.as_of, "status": status, "reason": reason},
                # A daily file may be a day old before it is late; a day old, it owes that day.
                "entities": [entity.name for entity in contract.entities],
                "usual": [max(entity.freshness.warn_after_days - 1, 0) for entity in contract.entities],
            },
        )
