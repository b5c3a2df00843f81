"""Planted defects within rows: what became of each kind, against the truth."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
from psycopg2 import sql

from bench.planted.kinds import FIELDS, JOINED_BY, KEYS, RULES, UNSEEN
from bench.planted.marks import machines, unusable
from landing.contracts import load_contract
from runtime.warehouse import read_frame, transaction


@dataclass(frozen=True)
class Row:
    """One line of the table: how many records (or files) have the defect, and what the platform made of them.

    `falsely` counts values (or batches) that the kind's own checks marked although nothing was planted in them.
    """

    entity: str
    kind: str
    planted: int
    detected: int
    falsely: int
    lost: int
    twice: int
    message: str


@dataclass(frozen=True)
class Seen:
    """What the platform has of one entity, by the truth's key.

    `raw`: a row per raw row (key, is_accepted); `flagged`: key, field, rule, reason of every mark on a value or row.
    """

    raw: pd.DataFrame
    flagged: pd.DataFrame
    twice: set[str]


def truth_until(folder: Path, last: date) -> pd.DataFrame:
    """The truth of all records of days up to `last`: what was handed over by then, late files included."""
    days = [path for path in sorted(folder.glob("*.parquet")) if path.stem <= str(last)]
    frames = [pd.read_parquet(path).assign(day=path.stem) for path in days]
    names = ("department", "entity", "defect", "field")
    truth = pd.concat(frames).astype(dict.fromkeys(names, "object")).fillna(dict.fromkeys(names, ""))
    of_devices = (truth["department"] == "devices") & (truth["entity"] == "telemetry")
    truth.loc[of_devices, "record_key"] += "/" + truth.loc[of_devices, "day"]
    return truth


def compare(truth: pd.DataFrame) -> list[Row]:
    """One row per entity and kind, and one per entity for its sound records (kind '')."""
    rows = []
    for place in KEYS:
        own = truth[(truth["department"] == place[0]) & (truth["entity"] == place[1])]
        seen = look(*place)
        planted = own[own["defect"] != ""]
        rows += [_row(place, str(kind), those, planted, seen) for kind, those in planted.groupby("defect")]
        sound = set(own["record_key"]) - set(planted["record_key"])
        held = seen.flagged[~seen.flagged["goes_on"] & seen.flagged["key"].isin(sound)]["key"].nunique()
        missed = len(sound - set(seen.raw["key"]) - set(seen.flagged["key"]))
        message = "sound records; flagged: kept out of the warehouse although nothing is wrong"
        rows.append(Row(".".join(place), "", len(sound), 0, held, missed, len(seen.twice & sound), message))
    return rows


def _row(place: tuple[str, str], kind: str, those: pd.DataFrame, planted: pd.DataFrame, seen: Seen) -> Row:
    marked = set(zip(seen.flagged["key"], seen.flagged["field"], strict=True))
    whole = set(seen.flagged.loc[~seen.flagged["goes_on"], "key"])  # a row in quarantine for no single field
    cells = those[["record_key", "field"]].drop_duplicates()
    hit = [
        any((key, name) in marked for name in (*FIELDS.get(field, (field,)), "row"))
        if field not in ("", "row")
        else key in whole or key in set(seen.flagged["key"])
        for key, field in cells.itertuples(index=False)
    ]
    keys = set(cells["record_key"])
    own = seen.flagged[seen.flagged["rule"].isin(RULES.get(kind, ()))]
    falsely = own[~_is_planted(own, planted)]
    found = own[own["key"].isin(keys)]
    message = found["reason"].iloc[0] if len(found) and any(hit) else UNSEEN.get(kind, "")
    missed = len(keys - set(seen.raw["key"]) - set(seen.flagged["key"]))
    counts = (len(cells), sum(hit), len(falsely[["key", "field"]].drop_duplicates()), missed, len(seen.twice & keys))
    return Row(".".join(place), kind, *counts, str(message))


def _is_planted(marks: pd.DataFrame, planted: pd.DataFrame) -> pd.Series:
    """Tell which marks are on a value (or anywhere on a row) in which something was planted, of whatever kind."""
    cells = set(zip(planted["record_key"], planted["field"], strict=True))
    rows = {key for key, field in cells if field in ("", "row")}
    cells |= {(key, name) for key, field in cells for name in FIELDS.get(field, ())}
    keys = list(zip(marks["key"], marks["field"], strict=True))
    return pd.Series([cell in cells or cell[0] in rows for cell in keys], index=marks.index, dtype=bool)


def look(department: str, entity: str) -> Seen:
    """Read raw, quarantine and suspects of one entity."""
    names = {
        "key": sql.SQL("concat_ws({}, {})").format(
            sql.Literal(JOINED_BY.get((department, entity), "")),
            sql.SQL(", ").join(sql.SQL("r.{}").format(sql.Identifier(key)) for key in KEYS[department, entity]),
        ),
        "contract_key": sql.SQL(", ").join(
            sql.SQL("r.{}").format(sql.Identifier(key)) for key in load_contract(department).entity(entity).keys
        ),
        "raw": sql.Identifier(f"raw_{department}", entity),
        "department": sql.Literal(department),
        "entity": sql.Literal(entity),
    }
    accepted = """
        {raw} r
        join quality.accepted_batches v
            on v.department = {department} and v.entity = {entity} and v.batch_id = r._batch_id
        where not exists (
            select from quarantine.kept_out q
            where q.department = {department} and q.entity = {entity} and q.batch_id = r._batch_id
                and q.row_number = r._row_number
        )
    """
    marks = """
        select {key} as key, m.field, m.rule, m.reason, m.goes_on
        from {raw} r
        join (
            select batch_id, row_number, unnest(string_to_array(coalesce(nullif(field, ''), 'row'), ', ')) as field,
                rule, reason, false as goes_on
            from quarantine.rejected_rows where department = {department} and entity = {entity}
            union all
            select batch_id, row_number, field, rule, reason, true
            from quality.suspect_values where department = {department} and entity = {entity}
        ) m on m.batch_id = r._batch_id and m.row_number = r._row_number
    """
    twice = "select min({key}) as key from " + accepted + " group by {contract_key} having count(*) > 1"

    def read(query: str) -> pd.DataFrame:
        with transaction() as connection:
            return read_frame(connection, sql.SQL(query).format(**names))

    joint = JOINED_BY.get((department, entity), "")
    others = pd.concat([unusable(department, entity, joint, KEYS[department, entity]), machines(department, entity)])
    flagged = pd.concat([read(marks), unreadable(department, entity), others.assign(goes_on=True)])
    raw = read("select {key} as key from {raw} r")
    if department == "shop":  # a row that was removed before anybody asked for it is told by its removal
        raw = pd.concat([raw, read("select row_key as key from raw_shop.deletions where table_name = {entity}")])
    return Seen(raw, flagged.astype({"goes_on": bool}), set(read(twice)["key"]))


def unreadable(department: str, entity: str) -> pd.DataFrame:
    """The CRM's lines that have one field too many, by the truth's key; other entities have no such lines."""
    columns = ["key", "field", "rule", "reason", "goes_on"]
    if (department, entity) != ("crm", "contacts"):
        return pd.DataFrame(columns=columns)
    with transaction() as connection:
        lines = read_frame(connection, "select line, reason from raw_crm._malformed_lines")
    names = load_contract("crm").entity("contacts").column_names
    parts = lines["line"].str.split(";")
    key = parts.str[names.index("contact_no")] + "|" + parts.str[names.index("changed_at")]
    return pd.DataFrame(
        {"key": key, "field": "row", "rule": "malformed_line", "reason": lines["reason"], "goes_on": False}
    )
