"""What always comes and did not is warned of, by day of the week and by branch."""

from datetime import date, timedelta

import pytest

from landing import ledger
from landing.contracts import load_contract
from runtime import bootstrap
from runtime.settings import settings
from runtime.warehouse import transaction

FRIDAY = date(2025, 6, 27)
BRANCHES = ("B1", "H1", "K1", "S1")
CAME, SILENT = "the_usual_files_came", "no_branch_fell_silent"


@pytest.fixture
def tills(house, monkeypatch, tmp_path):
    """Eight weeks of four branches, which are closed on Sundays; S1 comes two days late."""
    monkeypatch.setenv("CX_DATASET", "nordhaus")
    monkeypatch.setenv("CX_EXPORTS_DIR", str(tmp_path))
    bootstrap.prepare_warehouse(settings())
    with transaction("cx_landing") as connection:
        ledger.prepare(connection, load_contract("till"))
    for back in range(56, 0, -1):
        day = FRIDAY - timedelta(days=back)
        if day.isoweekday() < 7:
            land(house, day, *BRANCHES[:3])
            land(house, day, "S1", late=2)
    return house


def land(house, day: date, *branches: str, late: int = 0) -> None:
    """Put files into the ledger without their rows."""
    for branch in branches:
        batch_id, came = f"receipts/{day}/{branch}", day + timedelta(days=late)
        house.run(
            "insert into raw_till._batches values (%s, 'receipts', %s, %s, 1, 20, %s, %s, %s, 'landed', null)",
            (batch_id, f"bons_{day}_{branch}.csv", batch_id, day, came, came),
            role="cx_landing",
        )


def warned(house, day: date) -> set[str]:
    return house.failed("raw.till", day, "warning") & {CAME, SILENT}


def test_a_day_without_its_files_is_warned_of_before_the_data_is_old(tills):
    assert warned(tills, FRIDAY) == {CAME}
    assert not tills.failed("raw.till", FRIDAY)


def test_a_branch_that_is_always_late_is_not_missed(tills):
    land(tills, FRIDAY, *BRANCHES[:3])
    assert warned(tills, FRIDAY) == set()


def test_nobody_waits_for_files_on_a_day_that_never_has_any(tills):
    land(tills, FRIDAY, *BRANCHES[:3])
    land(tills, FRIDAY + timedelta(days=1), *BRANCHES[:3])
    assert warned(tills, FRIDAY + timedelta(days=2)) == set()


def test_a_branch_that_fell_silent_is_found_behind_the_others(tills):
    for later in range(6):
        land(tills, FRIDAY + timedelta(days=later), *BRANCHES[1:3])
    assert warned(tills, FRIDAY + timedelta(days=3)) == set()
    # S1's last files come two days late; nothing of B1 came since Thursday.
    land(tills, FRIDAY + timedelta(days=5), "S1")
    assert warned(tills, FRIDAY + timedelta(days=5)) == {SILENT}
    found = tills.check("raw.till", FRIDAY + timedelta(days=5)).failures("warning")
    (silent,) = [one for one in found if one.expectation == SILENT]
    assert "_B1.csv" in str(silent)
