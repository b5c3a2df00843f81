"""The real tills, read in the shops' time zone: customers shop in the evening and sleep at night."""

from datetime import date

from dbt_builds import Warehouse
from test_increments import real

WEEK = date(2017, 3, 11), date(2017, 3, 17)  # the clocks of New York went forward on the 12th


def test_the_day_peaks_at_17_and_nights_are_quiet(company: Warehouse) -> None:
    lines = real("transactions")
    moments = lines["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    lines = lines[moments.dt.date.between(*WEEK)].astype({"transaction_timestamp": str})
    company.deliver("till", "transactions", lines, WEEK[1], WEEK[1], history=True)
    company.build(WEEK[1], "--select", "+basket_lines")
    hours = dict(company.rows("select sold_hour, count(*) from marts.basket_lines group by sold_hour"))
    assert sum(hours.values()) == len(lines) > 20_000
    assert max(hours, key=hours.get) == 17
    assert sum(hours.get(hour, 0) for hour in (2, 3, 4)) < 0.01 * len(lines)
    assert company.rows("select min(sold_date), max(sold_date) from marts.basket_lines") == [WEEK]
