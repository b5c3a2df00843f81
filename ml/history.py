"""The life of each model version, append-only in scores.model_history."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from ml.registry import CHAMPION, ModelVersion

WITHDRAWN = "withdrawn"

# A known event is not repeated: who is champion already does not become it, anything else happens once a day. Who was
# champion before may become it again, even on the same day.
_APPEND = """
    insert into scores.model_history
        (model_name, version, alias, as_of_date, promoted_by, reason, evidence, data_hash)
    select %(name)s, %(version)s, %(alias)s, %(as_of)s, %(by)s, %(reason)s, %(evidence)s, %(data_hash)s
    where case
        when %(alias)s = 'champion' then %(version)s is distinct from (
            select version from scores.model_history
            where model_name = %(name)s and alias = 'champion' order by event_number desc limit 1
        )
        else not exists (
            select from scores.model_history
            where (model_name, version, alias, as_of_date) = (%(name)s, %(version)s, %(alias)s, %(as_of)s)
        )
    end
"""


def append(
    connection: Any, version: ModelVersion, alias: str, as_of: date, by: str, reason: str, evidence: Mapping[str, Any]
) -> None:
    """Write that `version` became `alias` (champion, challenger, refused, withdrawn) on `as_of`, if that is news."""
    with connection.cursor() as cursor:
        cursor.execute(
            _APPEND,
            {
                "name": version.name,
                "version": version.version,
                "alias": alias,
                "as_of": as_of,
                "by": by,
                "reason": reason,
                "evidence": json.dumps(evidence, sort_keys=True),
                "data_hash": version.tags.get("data_hash"),
            },
        )


def is_withdrawn(connection: Any, version: ModelVersion) -> bool:
    """Tell whether the last word on `version` is that it was withdrawn."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select alias from scores.model_history where model_name = %s and version = %s"
            " and alias in %s order by event_number desc limit 1",
            (version.name, version.version, (CHAMPION, WITHDRAWN)),
        )
        return cursor.fetchone() == (WITHDRAWN,)


def was_champion(connection: Any, version: ModelVersion) -> bool:
    """Tell whether `version` was champion at any time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select exists (select from scores.champion_history where model_name = %s and version = %s)",
            (version.name, version.version),
        )
        return cursor.fetchone()[0]


def events(connection: Any, model: str | None = None) -> list[tuple]:
    """List (model, version, alias, as_of_date, promoted_by, reason), the oldest first; of one model or of all."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select model_name, version, alias, as_of_date, promoted_by, reason from scores.model_history"
            " where model_name = coalesce(%s, model_name) order by as_of_date, model_name, event_number",
            (model,),
        )
        return cursor.fetchall()


def champions_on(connection: Any, day: date) -> list[tuple]:
    """List (model, version, from_date, until_date, promoted_by, reason, data_hash) of the champions of `day`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select model_name, version, from_date, until_date, promoted_by, reason, data_hash"
            " from scores.champion_on(%s)",
            (day,),
        )
        return cursor.fetchall()
