"""The cases of the company with ten departments: each folder in cases_nordhaus/, as test_cases plays it."""

from pathlib import Path

import pytest
from dbt_builds import Warehouse
from test_cases import BUILT, FOLDER, check, models_of

CASES_OF_NORDHAUS = sorted(path for path in (FOLDER / "cases_nordhaus").iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES_OF_NORDHAUS, ids=lambda case: case.name)
def test_case_of_nordhaus(nordhaus: Warehouse, case: Path) -> None:
    """The last day is built anew as well: growing day by day must end where a full refresh ends."""
    since = check(nordhaus, case)
    grown = nordhaus.checksums(*BUILT)
    nordhaus.build(since, "--full-refresh", only=models_of(case))
    assert nordhaus.checksums(*BUILT) == grown
