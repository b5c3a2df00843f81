"""Planted defects of whole files: what was said of each on its day, and whether its rows are there in the end."""

from datetime import date, timedelta

import pandas as pd
from psycopg2 import sql

from bench.planted.kinds import KEYS
from bench.planted.rows import Row, look
from runtime.warehouse import read_frame, transaction
from simulator.nordhaus import catalogue, faults, visits

ENTITY_OF = {"till/bons_": "receipts", "crm/kontakte_": "contacts", "devices/telemetry_": "telemetry"} | {
    "feedback/answers_": "answers", "app/events_": "events"
}  # fmt: skip
# The expectation that is to say it; a file that cannot be read says so itself.
SAID_BY = {
    "outage": ("data_is_on_time",),
    "added_column": ("no_unknown_columns",),
    "retyped_column": ("no_column_changed_its_type",),
}
READ = ("every_delivered_file_could_be_read",)


def damaged(truth: pd.DataFrame, last: date) -> list[Row]:
    """One row per planted damage of a whole file up to `last`."""
    rows, seen = [], {}
    for fault in faults.FAULTS:
        day = catalogue.date_of(fault.day)
        if day > last:
            continue
        department, entity = fault.prefix.split("/")[0], ENTITY_OF[fault.prefix]
        if (department, entity) in KEYS:
            seen.setdefault((department, entity), look(department, entity))
        own = truth[(truth["department"] == department) & (truth["entity"] == entity) & (truth["day"] == str(day))]
        keys, there = set(own["record_key"]), seen[department, entity]
        missed = len(keys - set(there.raw["key"]) - set(there.flagged["key"]))
        said = _said(department, SAID_BY.get(fault.kind, READ))
        from_day, to_day = day, day + timedelta(days=max(fault.repaired_after_days, 1))
        right = said[(said["as_of"] >= from_day) & (said["as_of"] <= to_day)]
        falsely = _without_cause(department, fault.kind, said)
        message = right["message"].iloc[0] if len(right) else ""
        counts = (1, int(len(right) > 0), falsely, missed, len(there.twice & keys))
        rows.append(Row(f"{department}.{entity}", fault.kind, *counts, message))
    return rows


def _said(department: str, expectations: tuple[str, ...]) -> pd.DataFrame:
    query = (
        "select as_of, message from quality.gate_results"
        " where gate = %s and not success and expectation = any(%s) order by as_of"
    )
    with transaction() as connection:
        said = read_frame(connection, query, [f"raw.{department}", list(expectations)])
    return said.assign(as_of=pd.to_datetime(said["as_of"]).dt.date)


def _without_cause(department: str, kind: str, said: pd.DataFrame) -> int:
    """On how many days the same was said of the department, and no file of it was damaged or late."""
    days = set(said["as_of"])
    for fault in faults.FAULTS:
        if fault.prefix.startswith(f"{department}/"):
            day = catalogue.date_of(fault.day)
            # A held day is told until it is repaired; an added column stays in raw and is told from then on.
            until = 1000 if fault.kind == kind == "added_column" else max(fault.repaired_after_days, 1)
            days -= {day + timedelta(days=n) for n in range(until + 1)}
    return len(days)


def late_and_twice(last: date) -> list[Row]:
    """Files delivered twice and files delivered late, from the ledgers."""
    rows = []
    for department in ("web", "till"):
        query = sql.SQL(
            "select source_name, content_sha256, delivered_date, as_of, status, coalesce(reason, '') as reason from {}"
            " where delivered_date <= {}"
        ).format(sql.Identifier(f"raw_{department}", "_batches"), sql.Literal(last))
        with transaction() as connection:
            batches = read_frame(connection, query)
        copies = batches[batches["source_name"].str.contains("-2.", regex=False)]
        known = batches[batches["status"] == "duplicate"]  # of two alike, the one that is read second
        alike = known["content_sha256"].isin(copies["content_sha256"])
        twice = batches[batches["status"] == "landed"].groupby("content_sha256").size()
        doubled = int((twice[twice.index.isin(copies["content_sha256"])] > 1).sum())
        example = known["reason"].iloc[0] if len(known) else ""
        rows.append(
            Row(
                department,
                "file_delivered_twice",
                len(copies),
                int(alike.sum()),
                int((~alike).sum()),
                0,
                doubled,
                example,
            )
        )
        # Of the days on which landing ran: what is dated in between came with the next run in any case.
        daily = batches[batches["delivered_date"].isin(set(batches["as_of"]) - {batches["as_of"].min()})]
        late = daily[(daily["as_of"] - daily["delivered_date"]).dt.days >= visits.LATE_DAYS]
        landed = int((late["status"] == "landed").sum())
        rows.append(
            Row(department, "file_two_days_late", landed, landed, 0, 0, 0, "lands, and is known from the later day")
        )
    return rows
