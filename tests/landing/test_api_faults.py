"""A department's API may be busy, break in the middle or limit its pages: all records land once, or nothing does."""

import time
from datetime import date, timedelta

import pytest
import yaml

from landing import endpoints, pulls
from landing.land import land_department
from landing.pulls import SourceUnavailable
from runtime import bootstrap
from runtime import settings as settings_module
from runtime.warehouse import transaction
from tests.landing.conftest import Landed, empty_raw
from tests.landing.paged_api import TOKEN, serving

DAY = date(2025, 6, 28)
ENTITY = {
    "name": "sends",
    "load": "append",
    "endpoint": "sends",
    "records": "items",
    "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "cursor"},
    "keys": ["send_id"],
    "cursor": "sent_at",
    "cursor_parameter": "since",
    "freshness": {"warn_after_days": 1, "hold_after_days": 3},
    "columns": [{"name": "send_id", "required": True}, {"name": "sent_at", "type": "timestamp", "required": True}],
}


@pytest.fixture
def tool(warehouse, tmp_path, monkeypatch):
    """The campaign tool's API, paged by cursor, with seven sends of the day; its contract is written."""
    folder = tmp_path / "landing" / "departments"
    folder.mkdir(parents=True)
    monkeypatch.setattr(settings_module, "ROOT", tmp_path)
    contract = {
        "department": "campaigns", "owner": "Campaigns", "description": "Sends.", "time_zone": "UTC",
        "source": {"kind": "rest", "url_variable": "CAMPAIGNS_URL", "token_variable": "CAMPAIGNS_TOKEN"},
        "retention_days": 400, "entities": [ENTITY],
    }  # fmt: skip
    (folder / "campaigns.yml").write_text(yaml.safe_dump(contract))
    bootstrap.open_raw_schema("campaigns")
    empty_raw("campaigns")
    with serving() as api:
        monkeypatch.setenv("CAMPAIGNS_URL", api.url)
        monkeypatch.setenv("CAMPAIGNS_TOKEN", TOKEN)
        api.by_cursor.add("sends")
        api.since["sends"] = ("since", "sent_at")
        api.records["sends"] = _sends(7)
        yield api
    empty_raw("campaigns")


def _sends(count: int, day: date = DAY) -> list[dict]:
    return [{"send_id": f"{day}-{n}", "sent_at": f"{day}T{n % 24:02}:{n // 24 % 60:02}:00+00:00"} for n in range(count)]


def _ids() -> list[str]:
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select send_id from raw_campaigns.sends order by 1")
        return [send_id for (send_id,) in cursor.fetchall()]


ALL = [f"{DAY}-{n}" for n in range(7)]


def test_pages_are_followed_by_their_cursor_to_the_end(tool):
    assert land_department("campaigns", DAY).row_count == 7
    assert [query.get("cursor") for _, query in tool.requests] == [None, ["2"], ["4"], ["6"]]
    assert _ids() == ALL


@pytest.mark.parametrize("fault", [503, 500, "cut"])
def test_a_fault_in_the_middle_of_the_pages_is_repeated_and_nothing_counts_twice(tool, fault):
    tool.faults = {3: fault}
    assert land_department("campaigns", DAY).row_count == 7
    assert [query.get("cursor") for _, query in tool.requests] == [None, ["2"], ["4"], ["4"], ["6"]]
    assert _ids() == ALL


def test_a_busy_api_is_asked_again_only_after_the_time_it_names(tool):
    tool.faults = {2: (429, 3)}
    began = time.monotonic()
    assert land_department("campaigns", DAY).row_count == 7
    assert time.monotonic() - began >= 3
    assert _ids() == ALL


def test_an_api_that_stays_broken_lands_nothing_and_the_next_run_takes_all(tool, monkeypatch):
    monkeypatch.setattr(endpoints, "ATTEMPTS", 2)
    tool.faults = dict.fromkeys(range(3, 9), 503)
    with pytest.raises(SourceUnavailable, match="campaigns: the API in CAMPAIGNS_URL cannot be read at sends"):
        land_department("campaigns", DAY)
    assert Landed().ledger("campaigns").empty
    tool.faults = {}
    assert land_department("campaigns", DAY).row_count == 7
    assert _ids() == ALL


def test_a_connection_that_breaks_on_every_try_is_told(tool, monkeypatch):
    monkeypatch.setattr(endpoints, "ATTEMPTS", 2)
    tool.faults = dict.fromkeys(range(2, 9), "cut")
    with pytest.raises(SourceUnavailable, match="cannot be read at sends"):
        land_department("campaigns", DAY)


def test_the_next_day_costs_its_own_pages_only(tool):
    tool.page_size = 50
    tool.records["sends"] = _sends(500)
    land_department("campaigns", DAY)
    asked = len(tool.requests)
    assert asked == 10
    tool.records["sends"] += _sends(60, DAY + timedelta(1))
    assert land_department("campaigns", DAY + timedelta(1)).row_count == 60
    assert len(tool.requests) - asked == 2


def test_the_pages_of_one_run_are_limited(tool, monkeypatch):
    """A cursor that leads back to itself would be followed for ever."""
    monkeypatch.setattr(endpoints, "PAGES_AT_MOST", 3)
    with pytest.raises(SourceUnavailable, match="sends: more than 3 pages"):
        land_department("campaigns", DAY)
    assert Landed().ledger("campaigns").empty


def test_an_answer_without_its_list_is_no_quiet_day(tool):
    tool.list_key["sends"] = "sends"
    report = land_department("campaigns", DAY)
    assert report.count("refused") == 1
    assert "the answer holds no list of records at 'items'" in report.messages[0]
    assert "Contract: campaigns.yml." in report.messages[0]
    tool.list_key.clear()
    assert land_department("campaigns", DAY).row_count == 7


def test_a_long_history_lands_in_parts_once(tool, monkeypatch):
    monkeypatch.setattr(pulls, "ROWS_AT_ONCE", 4)
    assert [(batch.status, batch.row_count) for batch in land_department("campaigns", DAY).batches] == [
        ("landed", 4),
        ("landed", 3),
    ]
    assert land_department("campaigns", DAY).batches == []
    assert _ids() == ALL


def test_a_part_that_is_refused_after_others_takes_them_with_it(tool, monkeypatch):
    monkeypatch.setattr(pulls, "ROWS_AT_ONCE", 4)
    tool.records["sends"][-1]["send_id"] = "a\0b"
    with pytest.raises(SourceUnavailable, match="NUL character.* Nothing of campaigns was landed"):
        land_department("campaigns", DAY)
    assert _ids() == []
    assert Landed().ledger("campaigns").empty
