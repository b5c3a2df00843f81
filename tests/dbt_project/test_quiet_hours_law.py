"""Quiet hours that nobody can keep stop the build."""

import pytest
from dbt_builds import Warehouse

LAW = ("--select", "assert_quiet_hours_can_be_kept")
WRONG = {
    "no hour": ("1 2", "20:00", "20:00", "UTC"),
    "no weekday": ("Mon", "20:00", "08:00", "UTC"),
    "no time zone": ("1", "20:00", "08:00", "Europe/Nowhere"),
    "the whole week": ("1 2 3 4 5 6 7", "00:00", "24:00", "UTC"),
}


def test_hours_that_cannot_be_kept_are_found(company: Warehouse) -> None:
    company.build(None, "--select", "quiet_hours", "action_versions", "intents")
    company.test(None, *LAW)
    for row in WRONG.values():
        company.run("insert into vocabulary.quiet_hours values ('phone', %s, %s, %s, %s, 'a test', '2018-01-01')", row)
        with pytest.raises(AssertionError, match="assert_quiet_hours_can_be_kept"):
            company.test(None, *LAW)
        company.run("delete from vocabulary.quiet_hours where valid_from = '2018-01-01'")
    company.test(None, *LAW)
