"""Thirty-four ways in which a department breaks on a day: what `bench.red_team` does to what was handed over."""

import csv
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

Damage = Callable[[bytes], bytes]
Row = list[str]


@dataclass(frozen=True)
class Way:
    """A way to break a department: its files of the day, a statement in the shop's database, or a dead address."""

    name: str
    department: str
    files: str = ""  # folder and beginning of the file's name, before the day
    damage: Damage | None = None  # None: the files are missing
    shop: str = ""
    unreachable: str = ""  # the variable with the address

    def damage_files(self, exports: Path, day: date) -> int:
        """Damage the files of the day; return how many."""
        found = sorted(exports.glob(f"{self.files}{day}*")) if self.files else []
        for path in found:
            if self.damage is None:
                path.unlink()
            else:
                path.write_bytes(self.damage(path.read_bytes()))
        return len(found)


def _csv(change: Callable[[Row, list[Row]], list[Row]], delimiter: str = ";", encoding: str = "cp1252") -> Damage:
    """Change the rows of a CSV: `change(header, rows)` returns all rows behind the header."""

    def damage(data: bytes) -> bytes:
        header, *rows = csv.reader(io.StringIO(data.decode(encoding)), delimiter=delimiter)
        written = io.StringIO()
        writer = csv.writer(written, delimiter=delimiter, lineterminator="\n")
        writer.writerows([header, *change(header, rows)])
        return written.getvalue().encode(encoding)

    return damage


def _plain(change: Callable[[Row, list[Row]], list[Row]]) -> Damage:
    return _csv(change, ",", "utf-8")


def _each(column: str, make: Callable[[str], str]) -> Callable[[Row, list[Row]], list[Row]]:
    def change(header: Row, rows: list[Row]) -> list[Row]:
        at = header.index(column)
        return [[*row[:at], make(row[at]), *row[at + 1 :]] for row in rows]

    return change


def _rotated(column: str) -> Callable[[Row, list[Row]], list[Row]]:
    """Everybody gets the value of the next one."""

    def change(header: Row, rows: list[Row]) -> list[Row]:
        at = header.index(column)
        values = [row[at] for row in rows]
        return [[*row[:at], other, *row[at + 1 :]] for row, other in zip(rows, values[1:] + values[:1], strict=True)]

    return change


def _lines(change: Callable[[dict], dict | list[dict]]) -> Damage:
    """Change the objects of a JSONL file; one may become several."""

    def damage(data: bytes) -> bytes:
        made = [change(json.loads(line)) for line in data.decode().splitlines()]
        flat = [each for new in made for each in (new if isinstance(new, list) else [new])]
        return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in flat).encode()

    return damage


def _renamed(data: bytes) -> bytes:
    table, written = pq.read_table(io.BytesIO(data)), io.BytesIO()
    pq.write_table(table.rename_columns([f"{name}_x" for name in table.column_names]), written)
    return written.getvalue()


def _cut(share: float, data: bytes) -> bytes:
    return data[: int(len(data) * share)]


def _everybody_agrees(change: dict) -> list[dict]:
    """Ten copies under new keys, all granted: an export that asked the wrong table."""
    return [{**change, "change_id": f"{change['change_id']}{copy}", "is_granted": True} for copy in range(10)]


def _flood(event: dict) -> list[dict]:
    return [{**event, "event_id": f"{event['event_id']}{copy}"} for copy in range(50)]


def _torn(data: bytes) -> bytes:
    return b"\n".join(line[: len(line) // 2] if number % 2 else line for number, line in enumerate(data.split(b"\n")))


def _scattered(column: str, data: bytes) -> bytes:
    lines = [json.loads(line) for line in data.decode().splitlines()]
    values = [line[column] for line in lines]
    random.Random(1).shuffle(values)
    return "".join(
        json.dumps({**line, column: value}) + "\n" for line, value in zip(lines, values, strict=True)
    ).encode()


EMAILS_LOST = "update shop.accounts set email = '', updated_at = %(day)s::date + time '12:00'"
PRICES_IN_CENTS = "update shop.order_lines set price_cents = price_cents * 100 where created_at >= %(day)s"
INJECTED = "x'); drop table marts.customers; -- <script>alert(1)</script> " + "ä" * 5000

WAYS = (
    Way("till: files missing", "till", "till/bons_"),
    Way("till: files cut off at 40 %", "till", "till/bons_", partial(_cut, 0.4)),
    Way("till: files of no byte", "till", "till/bons_", lambda data: b""),
    Way("till: amounts in cents", "till", "till/bons_", _csv(_each("BETRAG", lambda value: value.replace(",", "")))),
    Way("till: decimal points", "till", "till/bons_", _csv(_each("BETRAG", lambda value: value.replace(",", ".")))),
    Way("till: cards of the next receipt", "till", "till/bons_", _csv(_rotated("KARTE"))),
    Way("till: dated a year ahead", "till", "till/bons_", _csv(_each("ZEIT", lambda value: "2026" + value[4:]))),
    Way("till: every row twice", "till", "till/bons_", _csv(lambda header, rows: rows + rows)),
    Way("crm: another encoding", "crm", "crm/kontakte_", lambda data: data.decode("cp1252").encode("utf-16")),
    Way("crm: a renamed key", "crm", "crm/kontakte_", lambda data: data.replace(b"Kontakt-Nr", b"Nummer", 1)),
    Way("crm: columns shifted", "crm", "crm/kontakte_", _csv(lambda header, rows: [[*row[1:], ""] for row in rows])),
    Way("crm: one e-mail for all", "crm", "crm/kontakte_", _csv(_each("E-Mail", lambda value: "info@shop.example"))),
    Way("crm: e-mails of the next one", "crm", "crm/kontakte_", _csv(_rotated("E-Mail"))),
    Way("crm: no key", "crm", "crm/kontakte_", _csv(_each("Kontakt-Nr", lambda value: ""))),
    Way("consent: file missing", "consent", "consent/changes_"),
    Way(
        "consent: no means yes", "consent", "consent/changes_",
        _lines(lambda change: {**change, "is_granted": not change["is_granted"]}),
    ),
    Way("consent: everybody agrees", "consent", "consent/changes_", _lines(_everybody_agrees)),
    Way("consent: torn lines", "consent", "consent/changes_", _torn),
    Way("consent: unknown channel", "consent", "consent/changes_", _lines(lambda each: {**each, "channel": "e-mail"})),
    Way("web: files missing", "web", "web/events_"),
    Way("web: a flood", "web", "web/events_", _lines(_flood)),
    Way("web: clock in microseconds", "web", "web/events_", _lines(lambda event: {**event, "ts": event["ts"] * 1000})),
    Way("web: logins of others", "web", "web/events_", partial(_scattered, "login")),
    Way("app: unreadable", "app", "app/events_", partial(_cut, 0.5)),
    Way("app: renamed columns", "app", "app/events_", _renamed),
    Way("devices: millilitres", "devices", "devices/telemetry_", _plain(_each("water_litres", lambda v: f"{v}000"))),
    Way("devices: E05 everywhere", "devices", "devices/telemetry_", _plain(_each("error_code", lambda v: "E05"))),
    Way("feedback: scores up to 100", "feedback", "feedback/answers_", _plain(_each("score", lambda v: f"{v}0"))),
    Way("feedback: a text that attacks", "feedback", "feedback/answers_", _plain(_each("comment", lambda v: INJECTED))),
    Way("shop: e-mails lost", "shop", shop=EMAILS_LOST),
    Way("shop: prices in cents", "shop", shop=PRICES_IN_CENTS),
    Way("shop: database unreachable", "shop", unreachable="CX_SHOP_DATABASE_URL"),
    Way("service: API unreachable", "service", unreachable="CX_SERVICE_API_URL"),
    Way("marketing: API unreachable", "marketing", unreachable="CX_MARKETING_API_URL"),
)  # fmt: skip
