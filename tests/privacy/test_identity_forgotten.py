"""Who is erased is erased from identity, too: descriptions, pairs, decisions, history, and the kept linkage."""

import json
import os

import pytest

from ml.identity import resolve
from ml.identity.retractions import note_retractions_of_day
from ml.identity.steward import Decision, split
from privacy.requests import file_request, serve_requests
from runtime.settings import settings
from runtime.warehouse import transaction
from tests.ml.person_records import COLUMNS, add, customers, day, execute, person, record, rows
from tests.privacy.conftest import AS_OF

LAST = 3
ADA = "ada.lovelace@example.org"


@pytest.fixture
def linked(privacy_warehouse):
    """Ada is account 9001 and contact 9002 with card 9003, once linked with grace's account 9004; grace stays."""
    execute("create table identity.person_records ({}, primary key (record_id))".format(
        ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    ))  # fmt: skip
    add(
        person("account", "9001", 0), person("contact", "9002", 0, card_key="9003"),
        record("card", "9003", 0, card_key="9003"), person("account", "9004", 0),
        person("account", "9005", 0, "grace hopper"), person("contact", "9006", 0, "grace hopper"),
    )  # fmt: skip
    resolve.resolve_customers(day(LAST))
    split(["account/9004"], ["account/9001", "contact/9002"], Decision("dora", "she called", day(LAST + 1)))
    split(["account/9005"], ["contact/9006"], Decision("dora", "he called", day(LAST + 1)))
    customer = customers()["account/9001"]
    execute(
        """insert into decisions.decision_ledger select 'd-' || kept.day, %s, kept.day, 'policy',
            '[{"action_id": "no_action", "propensity": 1}]', '{}', '{}', 42, 0.5, 'no_action', 'none', 1, 0, kept.day,
            kept.day, kept.day, 'p1', 'm', '1', 'i', '1', kept.day from unnest(%s::date[]) as kept (day)""",
        (customer, [day(1), day(2)]),
    )
    resolve.resolve_customers(day(LAST + 1))
    note_retractions_of_day(day(LAST + 1))
    records = [name for (name,) in rows("select record_id from identity.person_records order by source_key")]
    execute(
        "insert into identity.person_suspicious values ('case', 'bridge', %s, %s, 5, 2, %s)",
        (*records[:2], json.dumps([[records[0]], [records[1]]])),
    )
    execute("truncate identity.person_edges")
    for pair in ((records[0], records[4]), (records[5], records[1])):
        execute("insert into identity.person_edges values (%s, %s, 1, 0.5, null)", pair)
    execute("update identity.person_clusters set cluster_id = %s where record_id = %s", (records[1], records[5]))
    execute("insert into identity.person_held values (%s, 12, 'email', null)", (records[0],))
    execute("alter table identity.customer_ids drop constraint customer_ids_pkey")
    for key in ("9001", "9002", "9003", ADA):
        execute("insert into identity.customer_ids values (%s, %s, '2017-12-28')", (customer, key))
    return customer, records


def everything() -> dict[str, str]:
    """All rows of every table of the schema identity, as text."""
    names = rows("select table_name from information_schema.tables where table_schema = 'identity'")
    whole = "select coalesce(string_agg(t::text, '; '), '') from identity.{} t"
    return {name: rows(whole.format(name))[0][0] for (name,) in names}


def test_nothing_of_the_person_is_left_and_the_others_stay(linked):
    customer, records = linked
    before = everything()
    for name in (
        *(
            "person_records",
            "entity_customers",
            "customer_history",
            "moved_customers",
            "noted_customers",
            "retractions",
        ),
        *("steward_pairs", "person_edges", "person_clusters", "person_held", "person_suspicious"),
    ):
        assert before[name], name
    folder = settings().home / "identity"
    assert (folder / "person.duckdb").exists()
    file_request("erasure", "9001", "case 1", AS_OF)
    assert serve_requests(AS_OF)["erasure_done"] == 1
    assert not folder.exists()
    after = everything()
    gone = [customer, *records[:3], ADA]
    assert {name: word for name, text in after.items() for word in gone if word in text} == {}
    for key in ("9001", "9002", "9003"):
        assert not rows("select from identity.entity_customers where source_key = %s", (key,))
        assert not rows("select from identity.customer_history where source_key = %s", (key,))
        assert not rows("select from identity.noted_customers where source_key = %s", (key,))
        assert not rows("select from identity.steward_pairs where %s in (left_key, right_key)", (key,))
    assert rows("select left_key, right_key from identity.steward_pairs") == [("9005", "9006")]
    assert {"account/9005", "contact/9006"} <= set(customers())


def test_the_next_build_goes_on_without_the_person(linked):
    file_request("erasure", "9001", "case 1", AS_OF)
    serve_requests(AS_OF)
    found = resolve.resolve_customers(day(LAST + 2))
    assert (found.entities, found.gone) == (2, 1)  # account 9004 told the same e-mail: what names it went as well
    assert (settings().home / "identity" / "person.duckdb").exists()


def test_an_erasure_waits_for_a_running_resolve(linked):
    """Else the run would write the linkage with the person after it was removed."""
    file_request("erasure", "9001", "case 1", AS_OF)
    with transaction() as running, running.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('ml.identity.resolve', 4))")
        os.environ["PGOPTIONS"] = "-c lock_timeout=500"
        try:
            with pytest.raises(Exception, match="lock timeout"):
                serve_requests(AS_OF)
        finally:
            del os.environ["PGOPTIONS"]
    assert serve_requests(AS_OF)["erasure_done"] == 1
