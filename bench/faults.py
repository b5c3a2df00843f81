"""What becomes of every planted defect: `python -m bench.faults [--people N] [--last YYYY-MM-DD]`.

Nordhaus is played with its planted defects and landed: the history up to the first damaged file at once, then day by
day through the damaged weeks, each day with its gates. One row per kind of defect: how many rows or files were planted,
how many of them the platform flagged (quarantine, malformed lines, refused, duplicate or late deliveries, marked as a
machine in staging, an identifier that is none of its kind) and what a steward reads. Below: rows flagged although
nothing was planted in them, delivered rows that are lost (neither accepted nor waiting) or counted twice. Kinds that
contracts cannot see (a typing error in a name is a valid name) are shown with 0 detected: they are for identity
resolution.
"""

import argparse
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import uvicorn
from psycopg2 import sql
from rich.table import Table

from dags.wiring.dbt_run import build
from expectations.gate import GateFailed
from expectations.raw_gate import check_raw
from landing.contracts import departments, load_contract
from landing.land import land_department
from normalisation.columns import in_row, normalised_entities
from normalisation.normalise import normalise_values
from runtime import bootstrap, demo_company, home, ports, postgres
from runtime.progress import console
from runtime.secrets import secret
from runtime.settings import PREFIX, Settings, settings
from runtime.warehouse import read_frame, transaction
from simulator.nordhaus import catalogue, faults, visits
from simulator.nordhaus.api import application
from simulator.nordhaus.company import SEED

# How the truth names a record of each entity, from the raw columns.
KEYS = {
    ("crm", "contacts"): ("contact_no", "changed_at"),
    ("web", "events"): ("event_id",),
    ("app", "events"): ("event_id",),
    ("till", "receipts"): ("receipt_no", "line_no"),
    ("feedback", "answers"): ("answer_id",),
    ("devices", "telemetry"): ("serial_no",),
    ("service", "tickets"): ("ticket_id",),
    ("consent", "changes"): ("change_id",),
    ("shop", "accounts"): ("account_id",),
}
JOINED_BY = {("crm", "contacts"): "|", ("till", "receipts"): "/"}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    entity: str
    kind: str
    planted: int
    detected: int
    message: str


def main() -> None:
    """Play, land, compare with the truth, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1000, help="people of Nordhaus (default: 1,000)")
    parser.add_argument("--last", type=date.fromisoformat, default=date(2025, 5, 20), help="the last day (2025-05-20)")
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="cxloop-faults-") as folder:
        Path(folder).chmod(0o755)
        os.environ |= {"CX_HOME": f"{folder}/home", "CX_DATASET": "nordhaus", "CX_DEMO_PEOPLE": str(given.people)}
        with company(settings()) as platform:
            messages = walk(platform, given.last)
            console.print(f"  {normalise_values(given.last).summary()}")
            build(given.last, select=["path:seeds", "path:models/staging"])
            report(platform, messages, given.last)


@contextmanager
def company(given: Settings) -> Iterator[Settings]:
    """An embedded server and the company's APIs, removed afterwards."""
    try:
        postgres.start(given)
        bootstrap.bootstrap(given)
        port = ports.choose(given, "nordhaus")
        demo_company.open_company(given)
        tokens = {name: secret(given, f"nordhaus_{name}") for name in ("service", "marketing")}
        app = application(given.home / "nordhaus", tokens, SEED)
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield given
        server.should_exit = True
        thread.join()
    finally:
        postgres.stop(given)
        home.remove(given)


def walk(given: Settings, last: date) -> dict[str, str]:
    """Land the history, then each day; return what the gates said on the days of damaged files."""
    first = catalogue.date_of(min(fault.day for fault in faults.FAULTS) - 1)
    messages: dict[str, str] = {}
    day = first
    while day <= last:
        demo_company.play_company(given, day)
        for department in departments():
            report = land_department(department, day)
            try:
                check_raw(department, day)
            except GateFailed as failure:
                messages[f"{department} {day}"] = str(failure)
            refused = [batch.reason for batch in report.batches if batch.status == "refused" and batch.reason]
            if refused:
                messages[f"{department} {day} refused"] = refused[0]
        if day.day % 10 == 0 or day == first:
            console.print(f"  landed up to {day}")
        day += timedelta(days=1)
    return messages


def report(given: Settings, messages: dict[str, str], last: date) -> None:
    """Compare what is in raw and quarantine with the truth."""
    truth = pd.concat(
        pd.read_parquet(path) for path in sorted((given.home / "nordhaus" / "truth" / "records").glob("*.parquet"))
    ).astype({"department": str, "entity": str, "defect": str, "field": str})
    rows, totals = [], {"lost": 0, "twice": 0, "falsely_flagged": 0}
    for (department, entity), keys in KEYS.items():
        planted = truth[(truth["department"] == department) & (truth["entity"] == entity)]
        seen = records(department, entity, keys)
        marked = pd.concat([unusable(department, entity, keys), machines(department, entity)])
        rows += planted_rows(department, entity, planted, seen, marked)
        clean = set(planted.loc[planted["defect"] == "", "record_key"]) - set(
            planted.loc[planted["defect"] != "", "record_key"]
        )
        flagged = {*seen[seen["is_flagged"]]["key"], *marked["key"]}
        totals["falsely_flagged"] += len(flagged & clean)
        totals["twice"] += counted_twice(department, entity, seen)
        totals["lost"] += lost(department, entity, planted, seen)
    rows += damaged_files(messages, last) + late_and_twice()
    table = Table(title="Planted defects and what became of them")
    for column in ("entity", "defect", "planted", "detected", "what a steward reads"):
        table.add_column(column, justify="right" if column in ("planted", "detected") else "left", overflow="fold")
    for row in rows:
        table.add_row(row.entity, row.kind, f"{row.planted:,}", f"{row.detected:,}", row.message[:160])
    console.print(table)
    console.print(
        f"lost {totals['lost']}, counted twice {totals['twice']}, falsely flagged {totals['falsely_flagged']}"
    )
    found = {f"{row.entity}/{row.kind}": [row.planted, row.detected] for row in rows}
    print(json.dumps({"kinds": len(rows), **totals, "rows": found}))


def records(department: str, entity: str, keys: tuple[str, ...]) -> pd.DataFrame:
    """Every raw row by the truth's key, and whether it waits in quarantine (with the reason) or could not be read."""
    columns = sql.SQL(", ").join(sql.SQL("r.{}").format(sql.Identifier(key)) for key in keys)
    parts = sql.SQL("concat_ws({}, {})").format(sql.Literal(JOINED_BY.get((department, entity), "")), columns)
    query = sql.SQL("""
        select {parts} as key, r._batch_id as batch, r._row_number as row, b.delivered_date,
            q.reason is not null as is_flagged, coalesce(q.rule, '') as rule, coalesce(q.reason, '') as reason
        from {raw} r
        join {batches} b on b.batch_id = r._batch_id
        left join (
            select batch_id, row_number, min(rule) as rule, min(reason) as reason
            from quarantine.rejected_rows
            where department = {department} and entity = {entity}
            group by batch_id, row_number
        ) q on q.batch_id = r._batch_id and q.row_number = r._row_number
    """).format(
        parts=parts,
        raw=sql.Identifier(f"raw_{department}", entity),
        batches=sql.Identifier(f"raw_{department}", "_batches"),
        department=sql.Literal(department),
        entity=sql.Literal(entity),
    )
    with transaction() as connection:
        return read_frame(connection, query)


def unusable(department: str, entity: str, keys: tuple[str, ...]) -> pd.DataFrame:
    """Records (key) with an identifier (field) that is none of its kind, and why (reason)."""
    found = [pd.DataFrame({"key": [], "field": [], "reason": []}, dtype=str)]
    for normalised in normalised_entities():
        if (normalised.contract.department, normalised.name) != (department, entity):
            continue
        for column in normalised.columns:
            query = sql.SQL("""
                select concat_ws({joint}, {keys}) as key, {field} as field, min(known.reason) as reason
                from {table} r
                cross join lateral (values {values}) v (kind, region, value)
                join normalised.distinct_values known
                    on known.kind = v.kind and known.region = v.region and known.original_key = md5(v.value)
                where known.reason is not null
                group by 1
            """).format(
                joint=sql.Literal(JOINED_BY.get((department, entity), "")),
                keys=sql.SQL(", ").join(in_row(key) for key in keys),
                field=sql.Literal(column.name),
                table=normalised.table,
                values=replace(normalised, columns=(column,)).values(in_row),
            )
            with transaction() as connection:
                found.append(read_frame(connection, query))
    return pd.concat(found)


def machines(department: str, entity: str) -> pd.DataFrame:
    """Events that staging marks as those of a machine, with the reason."""
    if entity != "events":
        return pd.DataFrame({"key": [], "field": [], "reason": []}, dtype=str)
    query = sql.SQL("select distinct event_id as key, '' as field, bot_reason as reason from {} where is_bot")
    with transaction() as connection:
        return read_frame(connection, query.format(sql.Identifier("staging", f"stg_{department}__events")))


def planted_rows(
    department: str, entity: str, planted: pd.DataFrame, seen: pd.DataFrame, marked: pd.DataFrame
) -> list[Row]:
    """One row per kind of defect within rows; an identifier counts only if it is the field that was damaged."""
    flagged = seen[seen["is_flagged"]].drop_duplicates("key").set_index("key")["reason"]
    malformed = malformed_keys(department, entity)
    rows = []
    for kind, those in planted[planted["defect"] != ""].groupby("defect"):
        fields = set(those["field"].dropna()) - {"", "nan", "None"}
        own = marked[marked["field"].isin(fields)] if fields else marked
        reasons = pd.concat([flagged, own.drop_duplicates("key").set_index("key")["reason"]])
        reasons = reasons[~reasons.index.duplicated()]
        keys = those["record_key"].drop_duplicates()
        hit = keys.isin(reasons.index) | keys.isin(malformed)
        example = reasons.get(keys[hit].iloc[0], "the line does not fit the columns") if hit.any() else ""
        rows.append(Row(f"{department}.{entity}", str(kind), len(keys), int(hit.sum()), str(example)))
    return rows


def malformed_keys(department: str, entity: str) -> set[str]:
    """Keys of CRM lines that could not be read: number and moment of change, as the truth writes them."""
    if (department, entity) != ("crm", "contacts"):
        return set()
    with transaction() as connection:
        lines = read_frame(connection, "select line from raw_crm._malformed_lines")["line"]
    columns = [column.name for column in load_contract("crm").entity("contacts").columns]
    number, changed = columns.index("contact_no"), columns.index("changed_at")
    parts = lines.str.split(";")
    return set(parts.str[number].str.strip('"') + "|" + parts.str[changed].str.strip('"'))


def counted_twice(department: str, entity: str, seen: pd.DataFrame) -> int:
    """Keys with more than one row that was let in; entities whose key in the truth is coarser are left out."""
    if (department, entity) in (("devices", "telemetry"), ("service", "tickets"), ("shop", "accounts")):
        return 0
    accepted = seen[~seen["is_flagged"]]
    return int((accepted.groupby("key").size() > 1).sum())


def lost(department: str, entity: str, planted: pd.DataFrame, seen: pd.DataFrame) -> int:
    """Keys of the truth whose day has come and that are neither in raw nor among the unreadable lines."""
    return len(set(planted["record_key"]) - set(seen["key"]) - malformed_keys(department, entity) - {""})


def damaged_files(messages: dict[str, str], last: date) -> list[Row]:
    """One row per planted damage of a whole file up to `last`: detected if gate or reader said so on its day."""
    rows = []
    for fault in [one for one in faults.FAULTS if catalogue.date_of(one.day) <= last]:
        department = fault.prefix.split("/")[0]
        day = catalogue.date_of(fault.day)
        said = [text for place, text in messages.items() if place.startswith(f"{department} {day}")]
        if fault.kind == "outage":  # nothing came: late on the next days
            said = late_message(department, day)
        if fault.kind == "added_column":
            said = added_message(department)
        rows.append(Row(fault.prefix.rstrip("_"), fault.kind, 1, int(bool(said)), said[0] if said else ""))
    return rows


def late_message(department: str, day: date) -> list[str]:
    """What the gate said about lateness in the days after."""
    query = (
        "select message from quality.gate_results where gate = %s and as_of between %s and %s and not success"
        " and expectation in ('data_is_on_time', 'data_is_fresh_enough_to_use')"
    )
    with transaction() as connection:
        return list(read_frame(connection, query, [f"raw.{department}", day, day + timedelta(days=3)])["message"])


def added_message(department: str) -> list[str]:
    """What the gate said about columns that are not in the contract."""
    query = (
        "select message from quality.gate_results where gate = %s and not success"
        " and expectation = 'no_unknown_columns'"
    )
    with transaction() as connection:
        return list(read_frame(connection, query, [f"raw.{department}"])["message"])


def late_and_twice() -> list[Row]:
    """Files delivered twice and hours delivered late, from the ledgers."""
    rows = []
    for department in ("web", "till"):
        query = sql.SQL(
            "select source_name, delivered_date, as_of, status, coalesce(reason, '') as reason from {}"
        ).format(sql.Identifier(f"raw_{department}", "_batches"))
        with transaction() as connection:
            batches = read_frame(connection, query)
        copies = batches[batches["source_name"].str.contains("-2.", regex=False)]
        known = batches[batches["status"] == "duplicate"]  # of two alike, the one that is read second
        example = known["reason"].iloc[0] if len(known) else ""
        rows.append(Row(department, "file_delivered_twice", len(copies), len(known), example))
        daily = batches[batches["as_of"] > batches["as_of"].min()]
        late = daily[(daily["as_of"] - daily["delivered_date"]).dt.days >= visits.LATE_DAYS]
        late = late[late["status"] == "landed"]
        rows.append(Row(department, "file_two_days_late", len(late), len(late), "landed, known from the later day"))
    return rows


if __name__ == "__main__":
    main()
