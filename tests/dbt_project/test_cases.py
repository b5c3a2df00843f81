"""Each folder in cases/: what departments deliver day by day, and what the warehouse then holds. The last day twice.

One case of each company builds everything; the others build what they expect something of, and what that reads.
"""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from dbt_builds import Warehouse

FOLDER = Path(__file__).parent
CASES = sorted(path for path in (FOLDER / "cases").iterdir() if path.is_dir())
WHOLE = {"a_household_shops", "a_person_in_ten_departments"}
BUILT = ("identity", "staging", "marts", "features", "insights", "decisions")


def read(path: Path) -> pd.DataFrame:
    """A small CSV as text; empty stays empty."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def deliver_due(company: Warehouse, case: Path, since: date | None, as_of: date) -> None:
    """Deliver the files of (since, as_of]; all of them are history in the first build."""
    for department, entities in company.entities.items():
        for entity in entities:
            path = case / f"{department}.{entity}.csv"
            if path.exists():
                for delivered, frame in read(path).groupby("_delivered"):
                    day = date.fromisoformat(delivered)
                    if day <= as_of and (since is None or day > since):
                        company.deliver(department, entity, frame.replace("", None), day, as_of, history=since is None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(company: Warehouse, case: Path) -> None:
    check(company, case)


def models_of(case: Path) -> list[str]:
    """The models that a case is about; none where it is about all."""
    expected = [path.name.split(".")[2] for path in sorted(case.glob("expected.*.csv"))]
    assert expected
    return [] if case.name in WHOLE else expected


def check(company: Warehouse, case: Path) -> date:
    """Build a case day by day, the last day twice, and compare with what is expected; return the last day."""
    since, only = None, models_of(case)
    for as_of in map(date.fromisoformat, read(case / "builds.csv")["as_of"]):
        deliver_due(company, case, since, as_of)
        company.build(as_of, only=only)
        since = as_of
    once = company.checksums(*BUILT)
    company.build(since, only=only)
    assert company.checksums(*BUILT) == once
    company.test(since, only=only)
    for path in sorted(case.glob("expected.*.csv")):
        _, schema, table, _ = path.name.split(".")
        expected = read(path)
        columns = ", ".join(f"t.{column}::text" for column in expected.columns if column != "loyalty_number")
        rows = company.rows(
            f"select coalesce(ids.source_key, ''), {columns} from {schema}.{table} t "
            "left join identity.customer_ids ids on to_jsonb(t) ->> 'customer_id' = ids.customer_id "
            "and ids.is_founder"
        )
        others = expected.columns.drop("loyalty_number", errors="ignore")
        found = pd.DataFrame(rows, columns=["loyalty_number", *others])
        found = found[expected.columns].fillna("").sort_values(list(expected.columns), ignore_index=True)
        expected = expected.sort_values(list(expected.columns), ignore_index=True)
        pd.testing.assert_frame_equal(found, expected, obj=path.name, check_dtype=False)
    return since
