"""The assets that link the DAGs. Each is emitted by the task that checked it: "updated" means "checked"."""

from airflow.sdk import Asset

RAW_ACCEPTED = Asset("raw_accepted", extra={"meaning": "batches that passed the raw gates of an as_of"})
FEATURES = Asset("features", extra={"meaning": "marts and features of an as_of, both gates passed"})
INTENT_CHAMPION = Asset("intent_champion", extra={"meaning": "an intent model that may score an as_of"})
NBA_CHAMPION = Asset("nba_champion", extra={"meaning": "a response model that may decide for an as_of"})
PUBLISHED = Asset("published", extra={"meaning": "intents and next best actions of an as_of are live"})
# Emitted with department and message in its extra: what a team's own alerting DAG or watcher waits for.
DEPARTMENT_LATE = Asset("department_late", extra={"meaning": "a department that is later than its contract allows"})
