"""A day may come in parts, an hour or a branch each: any order, late, twice; every part counts once."""

from datetime import date

import pytest
import yaml

from landing.contracts import load_contract
from landing.land import land_department
from runtime import bootstrap
from runtime import settings as settings_module
from tests.landing import well_formed
from tests.landing.conftest import Landed, empty_raw

DAY, NEXT = date(2025, 6, 28), date(2025, 6, 29)
ENTITY = {
    "name": "clicks",
    "load": "append",
    "path": "tracker/clicks_{date}T{part}.jsonl",
    "format": "jsonl",
    "keys": ["click_id"],
    "freshness": {"warn_after_days": 1, "hold_after_days": 3},
    "columns": [{"name": "click_id", "required": True}, {"name": "clicked_at", "type": "timestamp", "required": True}],
}


@pytest.fixture
def tracker(warehouse, tmp_path, monkeypatch):
    """A department of hourly files; call it to write its contract, with or without keys. Its exports are below it."""
    folder = tmp_path / "landing" / "departments"
    folder.mkdir(parents=True)
    monkeypatch.setattr(settings_module, "ROOT", tmp_path)
    monkeypatch.setenv("CX_EXPORTS_DIR", str(tmp_path / "exports"))

    def write(**changes):
        contract = {
            "department": "tracker", "owner": "E-commerce", "description": "Clicks.", "time_zone": "UTC",
            "source": {"kind": "file"}, "retention_days": 400, "entities": [{**ENTITY, **changes}],
        }  # fmt: skip
        (folder / "tracker.yml").write_text(yaml.safe_dump(contract))
        bootstrap.open_raw_schema("tracker")
        empty_raw("tracker")
        return load_contract("tracker").entity("clicks")

    yield write
    empty_raw("tracker")


def _drop(tmp_path, entity, day, part, count=2, first=0):
    return well_formed.drop_file(
        tmp_path / "exports", entity, day, well_formed.rows(entity, count, day, first=first), part
    )


def _sources():
    """What landed, by the file it came from."""
    ledger = Landed().ledger("tracker").query("status == 'landed'")
    return dict(zip(ledger["source_name"], ledger["known_date"].astype(str), strict=True))


def test_hours_land_in_any_order_and_a_late_one_is_known_when_it_came(tracker, tmp_path):
    entity = tracker()
    for hour, first in (("23", 0), ("05", 10)):
        _drop(tmp_path, entity, DAY, hour, first=first)
    assert land_department("tracker", DAY).count("landed") == 2
    _drop(tmp_path, entity, DAY, "14", first=20)
    _drop(tmp_path, entity, NEXT, "00")
    assert land_department("tracker", NEXT).count("landed") == 2
    known = {name: day[:10] for name, day in _sources().items()}
    assert known == {
        "clicks_2025-06-28T23.jsonl": "2025-06-28",
        "clicks_2025-06-28T05.jsonl": "2025-06-28",
        "clicks_2025-06-28T14.jsonl": "2025-06-29",
        "clicks_2025-06-29T00.jsonl": "2025-06-29",
    }
    assert land_department("tracker", NEXT).batches == []
    assert len(Landed().rows("tracker", "clicks")) == 8


def test_the_same_hour_twice_counts_once(tracker, tmp_path):
    entity = tracker()
    first = _drop(tmp_path, entity, DAY, "05")
    again = first.with_name("clicks_2025-06-28T05-2.jsonl")
    again.write_bytes(first.read_bytes())
    report = land_department("tracker", DAY)
    assert (report.count("landed"), report.count("duplicate")) == (1, 1)
    assert "the content is the same as that of clicks_2025-06-28T05-2.jsonl" in report.messages[0]
    later = first.with_name("clicks_2025-06-28T05-3.jsonl")
    later.write_bytes(first.read_bytes())
    assert land_department("tracker", DAY).count("duplicate") == 1
    assert len(Landed().rows("tracker", "clicks")) == 2


def test_an_hour_delivered_again_with_more_rows_lands_beside_the_first_for_the_keys_to_tell(tracker, tmp_path):
    entity = tracker()
    _drop(tmp_path, entity, DAY, "05", count=2)
    land_department("tracker", DAY)
    _drop(tmp_path, entity, DAY, "05", count=3)
    assert land_department("tracker", DAY).row_count == 3


def test_without_keys_two_parts_of_a_day_land_and_a_second_file_of_one_part_does_not(tracker, tmp_path):
    entity = tracker(keys=[])
    _drop(tmp_path, entity, DAY, "05")
    _drop(tmp_path, entity, DAY, "06", first=10)
    assert land_department("tracker", DAY).count("landed") == 2
    _drop(tmp_path, entity, DAY, "07", first=20)
    assert land_department("tracker", DAY).count("landed") == 1, "another hour of a day that has landed"
    _drop(tmp_path, entity, DAY, "05", count=3)
    report = land_department("tracker", DAY)
    assert report.count("refused") == 1
    assert "another file for this day has landed" in report.messages[0]


def test_branches_that_sold_nothing_all_deliver_the_same_header(tracker, tmp_path):
    entity = tracker(path="tracker/clicks_{date}_{part}.csv", format="csv")
    for branch in ("B01", "B02"):
        _drop(tmp_path, entity, DAY, branch, count=0)
    assert land_department("tracker", DAY).count("landed") == 2
    assert land_department("tracker", DAY).batches == []
    assert sorted(Landed().ledger("tracker").index.str.rsplit("/", n=1).str[0]) == [
        "clicks/2025-06-28/B01",
        "clicks/2025-06-28/B02",
    ]
