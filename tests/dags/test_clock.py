"""The date of a run comes from its form, else from what triggered it, else from its logical date."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from dags.wiring.clock import resolve_as_of


def event(day: str) -> SimpleNamespace:
    return SimpleNamespace(extra={"as_of": day})


def context(**given) -> dict:
    return {"params": {"as_of": None}, **given}


def test_the_form_wins():
    given = context(params={"as_of": "2017-12-01"}, partition_key="2017-12-02", logical_date=datetime.now(UTC))
    assert resolve_as_of(given) == date(2017, 12, 1)


def test_then_the_partition_that_triggered_the_run():
    given = context(partition_key="2017-12-02", triggering_asset_events={"a": [event("2017-12-03")]})
    assert resolve_as_of(given) == date(2017, 12, 2)


def test_then_the_newest_event():
    events = {"a": [event("2017-12-03"), event("2017-12-04")], "b": [event("2017-12-02")]}
    assert resolve_as_of(context(triggering_asset_events=events)) == date(2017, 12, 4)


@pytest.mark.parametrize(
    ("logical_date", "day"),
    [
        (datetime(2017, 12, 29, 5, 0, tzinfo=UTC), date(2017, 12, 28)),  # midnight in New York: the 28th is complete
        (datetime(2017, 12, 29, 4, 59, tzinfo=UTC), date(2017, 12, 27)),  # a minute before: it is not
        (datetime(2017, 7, 1, 4, 0, tzinfo=UTC), date(2017, 6, 30)),  # summer time: midnight is at 04:00 UTC
        (datetime(2017, 7, 1, 3, 59, tzinfo=UTC), date(2017, 6, 29)),
    ],
)
def test_then_the_last_day_that_was_complete_in_the_shops_at_the_logical_date(logical_date, day):
    assert resolve_as_of(context(logical_date=logical_date)) == day


def test_a_run_without_any_date_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match="fill in `as_of`"):
        resolve_as_of(context(logical_date=None, triggering_asset_events={}))
