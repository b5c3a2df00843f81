"""One date for a run: `as_of`, from the form, else the triggering event, else the logical date. Never `now()`."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import CronTriggerTimetable, Param, PartitionedAssetTimetable, get_current_context
from airflow.sdk.definitions.asset import BaseAsset

from runtime.settings import settings

# Days end when the shops close their books, so a run at 05:00 UTC belongs to the New York day before.
SHOP_TIME = ZoneInfo("America/New_York")

AS_OF_PARAM = Param(
    None,
    type=["null", "string"],
    format="date",
    title="as_of",
    description=(
        "The last complete business day (shop time) that this run works for. Leave empty to take it from the run: "
        "the asset event that triggered it, or the day before its logical date. Give a day to replay it; "
        "a replay changes no table."
    ),
)


def as_of() -> date:
    """The business day of the running task. ValueError when the run carries no date at all."""
    return resolve_as_of(get_current_context())


def resolve_as_of(context: Mapping[str, Any]) -> date:
    """Form first, then the partition or event that triggered the run, then the day before the logical date."""
    if given := context["params"].get("as_of"):
        return date.fromisoformat(given)
    if key := context.get("partition_key"):
        return date.fromisoformat(key)
    if announced := [
        event.extra["as_of"]
        for events in (context.get("triggering_asset_events") or {}).values()
        for event in events
        if event.extra and "as_of" in event.extra
    ]:
        return max(map(date.fromisoformat, announced))
    if logical_date := context.get("logical_date"):
        return logical_date.astimezone(SHOP_TIME).date() - timedelta(days=1)
    raise ValueError("This run has no date: fill in `as_of` in the trigger form (YYYY-MM-DD).")


def at(cron: str | None) -> CronTriggerTimetable | None:
    """A cron schedule in UTC; None (by hand only) while the platform's clock, CX_LAND_SCHEDULE, is off."""
    return CronTriggerTimetable(cron, timezone="UTC") if cron and settings().land_schedule else None


def when_checked(assets: BaseAsset) -> PartitionedAssetTimetable:
    """One run per `as_of`, as soon as every asset was emitted for that same `as_of`."""
    return PartitionedAssetTimetable(assets=assets)


def announce(asset: BaseAsset, day: date, **facts: Any) -> None:
    """Let the running task emit `asset` for `day`; listeners find the day in the event's partition and extra."""
    event = get_current_context()["outlet_events"][asset]
    event.extra.update({"as_of": day.isoformat(), **facts})
    event.add_partitions(day.isoformat())
