"""Who decides what survives: a line of the seed survivorship; and who may read it."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import psycopg2
import pytest
from dbt_builds import PROJECT, Warehouse, manifest
from test_grants import read

DAY = date(2025, 6, 14)
CONTACTS = pd.DataFrame(
    {
        "contact_no": ["K1", "K2"],
        "first_name": ["Anna", "Anna"],
        "last_name": ["Alt", "Neu"],
        "email": ["anna@example.org"] * 2,
        "is_email_verified": ["J", "J"],
        "changed_at": ["01.06.2025 09:00", "02.06.2025 09:00"],
    }
)
ACCOUNTS = pd.DataFrame(
    {
        "account_id": ["A1"],
        "email": ["anna@example.org"],
        "is_email_verified": ["true"],
        "full_name": ["Anna Alt"],
        "created_at": ["2025-05-01 08:00:00"],
        "updated_at": ["2025-05-01 08:00:00"],
    }
)
MARRIED = """
    with decided as (
        insert into identity.steward_decisions (verb, reason, decided_by, decided_date)
        values ('join', 'married', 'steward', %s)
        returning decision_id
    )
    insert into identity.steward_pairs select decision_id, 'contact', 'K1', 'contact', 'K2' from decided
"""
ATTRIBUTES = ("salutation", "title", "given_name", "surname", "birth_date", "email", "phone", "street", "postcode",
              "town", "country", "language")  # fmt: skip
MODELS = ("+customers", "+customer_conflicts", "+customer_attribute_history")


@pytest.fixture
def built(nordhaus: Warehouse) -> Warehouse:
    """A customer with three records, two of which know the older name."""
    nordhaus.deliver("crm", "contacts", CONTACTS, date(2025, 6, 2), DAY, history=True)
    nordhaus.deliver("shop", "accounts", ACCOUNTS, date(2025, 6, 2), DAY, history=True)
    nordhaus.build(DAY, "--select", "+person_records")
    nordhaus.run(MARRIED, (DAY,))
    nordhaus.resolve(DAY)
    nordhaus.build(DAY, "--select", *MODELS)
    return nordhaus


def test_another_rule_in_the_seed_is_another_winner(built: Warehouse, tmp_path: Path) -> None:
    """Also where the model grows and nothing new became known."""
    survivor = "select value, chosen_by from marts.customer_attributes where attribute = 'surname'"
    loser = "select value, lost_because from marts.customer_conflicts where attribute = 'surname'"
    assert built.rows(survivor) == [("Alt", "most_frequent")]
    assert built.rows(loser) == [("Neu", "less_frequent")]
    seed = manifest().nodes["seed.cxloop.survivorship"]
    lines = (PROJECT / seed.original_file_path).read_text(encoding="utf-8")
    changed = tmp_path / "survivorship.csv"
    changed.write_text(lines.replace("surname,most_frequent", "surname,most_recent"), encoding="utf-8")
    seed.original_file_path, seed.checksum.checksum = str(changed), "another"  # as if the file had been edited
    built.build(DAY, "--select", *MODELS)
    assert built.rows(survivor) == [("Neu", "most_recent")]
    assert built.rows(loser) == [("Alt", "less_recent")]
    assert built.rows("select surname from marts.customers") == [("Neu",)]


def test_bi_counts_golden_records_and_reads_no_person(built: Warehouse) -> None:
    built.run("grant usage on schema marts to cx_bi, cx_agent")
    for query in (
        "select customer_id, attribute, is_in_conflict, values_told from marts.customer_attributes",
        "select lost_because, is_open from marts.customer_conflicts",
    ):
        assert read(built, "cx_bi", query), query
    assert read(built, "cx_agent", "select given_name, surname, email from marts.customers") == [
        ("Anna", "Alt", "anna@example.org")
    ]
    hidden = [("cx_bi", "customers", attribute) for attribute in ATTRIBUTES]
    hidden += [
        ("cx_bi", table, column)
        for table in ("customer_attributes", "customer_attribute_history", "customer_conflicts")
        for column in ("value", "value_key", "source_key")
    ]
    hidden += [("cx_agent", "customers", "birth_date"), ("cx_agent", "customer_conflicts", "value")]
    for role, table, column in hidden:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            read(built, role, f"select {column} from marts.{table}")


def test_who_lost_the_row_by_a_shared_mailbox_comes_back(built: Warehouse) -> None:
    """An erasure takes every row with the mailbox; nothing new became known of the other one."""
    before = built.checksums("marts")["marts.customer_records"]
    built.run("delete from marts.customer_records")
    built.build(DAY + timedelta(days=6), "--select", "+customers")
    assert built.checksums("marts")["marts.customer_records"] == before
