"""The life of each model version, append-only in scores.model_history."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from ml.registry import ModelVersion


def append(
    connection: Any, version: ModelVersion, alias: str, as_of: date, by: str, reason: str, evidence: Mapping[str, Any]
) -> None:
    """Write that `version` became `alias` (champion, challenger, refused) on `as_of`; a known event is not repeated."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            insert into scores.model_history
                (model_name, version, alias, as_of_date, promoted_by, reason, evidence)
            values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing
            """,
            (version.name, version.version, alias, as_of, by, reason, json.dumps(evidence, sort_keys=True)),
        )
