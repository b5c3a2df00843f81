"""A person's right of access: every row that is about the person, in one JSON file, with a manifest beside it."""

import hashlib
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from privacy.subjects import Place, as_read
from runtime.settings import settings


def exports_dir() -> Path:
    """Say where the files lie (mode 700); whoever hands one over removes it afterwards."""
    return settings().home / "privacy" / "exports"


def export_person(connection: Connection, request_id: str, places: list[Place], as_of: date) -> dict[str, Any]:
    """Write `<request_id>.json` and its manifest, and return the manifest. The same rows give the same bytes.

    The manifest holds counts and the file's SHA-256, nothing about the person. An unknown person has no file.
    """
    tables: dict[str, list[dict[str, Any]]] = {}
    for place in as_read(connection, places):
        tables.setdefault(place.table, []).extend(_rows(connection, request_id, place))
    counts = {table: len(rows) for table, rows in tables.items() if rows}
    manifest: dict[str, Any] = {"request_id": request_id, "as_of": as_of.isoformat(), "rows": counts}
    if not counts:
        return manifest
    content = {
        "request_id": request_id,
        "as_of": as_of.isoformat(),
        "identified_by": _identifiers(connection, request_id),
        "tables": {table: rows for table, rows in tables.items() if rows},
    }
    body = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
    manifest |= {"file": f"{request_id}.json", "sha256": hashlib.sha256(body.encode()).hexdigest()}
    _write(exports_dir() / f"{request_id}.json", body)
    _write(exports_dir() / f"{request_id}.manifest.json", json.dumps(manifest, indent=1, sort_keys=True))
    return manifest


def remove_export(request_id: str) -> bool:
    """Remove the file of a request and its manifest; return whether there was one."""
    file = exports_dir() / f"{request_id}.json"
    was_there = file.exists()
    file.unlink(missing_ok=True)
    file.with_suffix(".manifest.json").unlink(missing_ok=True)
    return was_there


def _rows(connection: Connection, request_id: str, place: Place) -> list[dict[str, Any]]:
    query = sql.SQL("""
        select coalesce(jsonb_agg(to_jsonb(found) order by to_jsonb(found)::text), '[]')
        from {table} as found join privacy.subjects_at_hand as subject on {matches}
        where subject.request_id = %s
    """).format(table=place.name, matches=place.matches())
    with connection.cursor() as cursor:
        cursor.execute(query, (request_id,))
        return cursor.fetchone()[0]


def _identifiers(connection: Connection, request_id: str) -> dict[str, list[str]]:
    query = """
        select identifies, jsonb_agg(value order by value) from privacy.subjects_at_hand where request_id = %s
        group by identifies
    """
    with connection.cursor() as cursor:
        cursor.execute(query, (request_id,))
        return dict(cursor.fetchall())


def _write(path: Path, text: str) -> None:
    """Write a file of mode 600; a crash leaves no half of it under its name."""
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
