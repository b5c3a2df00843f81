"""The unit tests of the models (`unit_tests*.yml`), all in one run of dbt on a warehouse without data."""

from datetime import date

from dbt_builds import Warehouse

DAY = date(2017, 12, 28)


def test_every_branch_gives_what_its_rows_say(company: Warehouse) -> None:
    """They know the time zone and the currency of complete_journey; dbt reads the types of their inputs from tables."""
    company.build(DAY)
    company.test_sql(DAY)
