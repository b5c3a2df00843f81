"""Requests are answered completely, once, and by the right role."""

import json
import stat
from datetime import date

import psycopg2
import pytest

from privacy import access
from privacy.__main__ import main
from privacy.requests import RequestError, file_request, list_requests, serve_requests
from runtime.checksums import checksums
from tests.privacy.ask import NOTHING_DONE, everything, execute, rows
from tests.privacy.conftest import AS_OF


def test_access_gives_every_row_of_the_person_and_of_nobody_else(privacy_warehouse):
    request = file_request("access", "17", "case 1", AS_OF)
    assert serve_requests(AS_OF) == NOTHING_DONE | {"access_done": 1}
    file = access.exports_dir() / f"{request}.json"
    content = json.loads(file.read_text())
    assert {table: len(found) for table, found in content["tables"].items()} == {
        "raw_till.transactions": 3,
        "raw_till._malformed_lines": 1,
        "raw_crm.demographics": 1,
        "quarantine.rejected_rows": 2,
        "identity.customer_ids": 1,
        "marts.customer_records": 1,
        "decisions.decision_ledger": 1,
    }
    assert "c1a2" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    manifest = json.loads(file.with_suffix(".manifest.json").read_text())
    assert manifest["rows"]["raw_till.transactions"] == 3
    assert rows("select source_key, receipt->>'sha256' from privacy.requests") == [(None, manifest["sha256"])]


def test_erasure_leaves_nothing_of_the_person_and_all_of_the_others(privacy_warehouse):
    request = file_request("erasure", "017", "case 2", AS_OF)
    assert serve_requests(AS_OF) == NOTHING_DONE | {"erasure_done": 1}
    left = everything()
    assert '"c1a"' not in left
    assert '"household_id": "17"' not in left
    assert '"17.0"' not in left
    assert rows("select household_id from raw_till.transactions") == [("170",)]
    assert rows("select row_number from raw_till._malformed_lines") == [(6,)]
    assert rows("select customer_id from marts.customer_records") == [("c1a2",)]
    assert rows("select count(*) from marts.products") == [(1,)]
    counted = rows(
        "select table_name, treatment, row_count, rows_left from privacy.erasure_receipts where row_count > 0"
    )
    assert sorted(counted) == [
        ("decisions.decision_ledger", "pseudonymised", 1, 0),
        ("identity.customer_ids", "deleted", 1, 0),
        ("marts.customer_records", "deleted", 1, 0),
        ("quarantine.rejected_rows", "deleted", 2, 0),
        ("raw_crm.demographics", "deleted", 1, 0),
        ("raw_till._malformed_lines", "deleted", 1, 0),
        ("raw_till.transactions", "deleted", 3, 0),
    ]
    status, key, receipt = rows(
        f"select status, source_key, receipt from privacy.requests where request_id = '{request}'"
    )[0]
    assert (status, key) == ("done", None)
    assert receipt["departments_to_inform"] == {"crm": "Customer relations", "till": "Branch systems"}
    assert receipt["verification"]["rows_left"] == 0
    assert receipt["verification"]["tables"] > 15


def test_a_decision_keeps_its_probabilities_and_loses_its_person(privacy_warehouse):
    file_request("erasure", "17", "case 2", AS_OF)
    serve_requests(AS_OF)
    ledger = rows(
        "select decision_id ~ '^erased-.{36}$', customer_id ~ '^erased-.{36}$', candidates, facts, seed, propensity"
        " from decisions.decision_ledger where customer_id <> 'c1a2'"
    )
    assert ledger == [(True, True, [{"action_id": "no_action", "propensity": 1}], {}, 0, 1.0)]
    with pytest.raises(psycopg2.errors.RaiseException, match="append-only"):
        execute("update decisions.decision_ledger set customer_id = 'c1a'")


def test_serving_twice_changes_nothing(privacy_warehouse):
    file_request("access", "170", "case 1", AS_OF)
    file_request("erasure", "17", "case 2", AS_OF)
    serve_requests(AS_OF)
    before, files = checksums(), sorted(access.exports_dir().iterdir())
    assert serve_requests(AS_OF) == NOTHING_DONE
    assert checksums() == before
    assert sorted(access.exports_dir().iterdir()) == files


def test_an_unknown_number_is_refused_and_not_suppressed(privacy_warehouse):
    file_request("access", "99", "case 3", AS_OF)
    file_request("erasure", "99", "case 3", AS_OF)
    assert serve_requests(AS_OF) == NOTHING_DONE | {"access_refused": 1, "erasure_refused": 1}
    assert rows("select count(*) from privacy.suppressions") == [(0,)]
    assert "99" not in {row[3] for row in list_requests()}


def test_a_request_of_tomorrow_waits(privacy_warehouse):
    file_request("erasure", "17", "case 4", date(2018, 1, 1))
    assert serve_requests(AS_OF) == NOTHING_DONE
    assert rows("select status from privacy.requests") == [("open",)]


def test_filing_the_same_request_again_gives_the_open_one(privacy_warehouse):
    assert file_request("erasure", "17", "case 5", AS_OF) == file_request("erasure", " 0017", "case 5 again", AS_OF)


@pytest.mark.parametrize(("kind", "key", "by"), [("sale", "17", "x"), ("access", " ", "x"), ("access", "17", " ")])
def test_a_request_that_cannot_be_answered_is_not_filed(privacy_warehouse, kind, key, by):
    with pytest.raises(RequestError) as refusal:
        file_request(kind, key, by, AS_OF)
    assert "17" not in str(refusal.value)


def test_who_asks_for_both_gets_the_file_and_it_goes_the_next_day(privacy_warehouse):
    request = file_request("access", "17", "case 6", AS_OF)
    file_request("erasure", "17", "case 6", AS_OF)
    serve_requests(AS_OF)
    file = access.exports_dir() / f"{request}.json"
    assert json.loads(file.read_text())["tables"]["raw_till.transactions"]
    assert serve_requests(date(2018, 1, 1)) == NOTHING_DONE | {"exports_removed": 1}
    assert not file.exists()


def test_the_command_line_files_and_lists(privacy_warehouse, capsys, monkeypatch):
    assert main(["request", "erasure", "--key", "17", "--by", "case 13"]) == 1
    assert "--received" in capsys.readouterr().err
    assert main(["request", "erasure", "--key", "17", "--by", "case 13", "--received", "2017-12-30"]) == 0
    assert capsys.readouterr().out == "2017-12-30-erasure-1\n"
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "2017-12-30-erasure-1\terasure\t2017-12-30\tcase 13\topen\t\t\n"
