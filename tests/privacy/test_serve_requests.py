"""Requests are answered completely, once, and by the right role."""

import json
import signal
import stat
import subprocess
import sys
from datetime import date

import psycopg2
import pytest
from psycopg2 import sql

from privacy import access
from privacy.__main__ import main
from privacy.requests import RequestError, customers_to_forget, file_request, list_requests, serve_requests
from privacy.subjects import UnlistedTable, table_columns
from privacy.suppression import suppress
from privacy.verification import ErasureIncomplete
from runtime.checksums import checksums
from runtime.warehouse import transaction
from tests.privacy.conftest import AS_OF

NOTHING_DONE = {
    "access_done": 0,
    "access_refused": 0,
    "erasure_done": 0,
    "erasure_refused": 0,
    "returned_erased": 0,
    "exports_removed": 0,
}


def rows(query: str, role: str = "cx_pipeline") -> list[tuple]:
    with transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def execute(statement: str, role: str = "cx_pipeline") -> None:
    with transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def everything() -> str:
    """Print every row of every table, to search it."""
    with transaction("cx_privacy") as connection, connection.cursor() as cursor:
        tables = sorted({table for table, _ in table_columns(connection)})
        tables += ["privacy.requests", "privacy.suppressions", "privacy.erasure_receipts", "privacy.subjects_at_hand"]
        printed = []
        for table in tables:
            cursor.execute(sql.SQL("select to_jsonb(t)::text from {} as t").format(sql.Identifier(*table.split("."))))
            printed += [table + " " + row for (row,) in cursor.fetchall()]
    return "\n".join(printed)


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


def test_a_redelivered_file_does_not_bring_the_person_back(privacy_warehouse):
    file_request("erasure", "17", "case 7", AS_OF)
    serve_requests(AS_OF)
    execute(
        """
        insert into raw_till._batches values ('transactions/2018-01-01/b', 'transactions', 'landed');
        insert into raw_till.transactions values
            ('17', 'b5', '5.00', 'transactions/2018-01-01/b', 1), ('170', 'b6', '6.00', 'transactions/2018-01-01/b', 2);
        """,
        "cx_landing",
    )
    assert suppress("crm", date(2018, 1, 1)) == 0
    assert suppress("till", date(2018, 1, 1)) == 1
    assert rows("select household_id, basket_id from raw_till.transactions order by 2") == [
        ("170", "b4"),
        ("170", "b6"),
    ]
    suppressed = rows(
        "select batch_id, row_number, field, rule, record, as_of, status from quarantine.rejected_rows"
        " where rule = 'erased'"
    )
    assert suppressed == [("transactions/2018-01-01/b", 1, "household_id", "erased", {}, date(2018, 1, 1), "discarded")]
    before = checksums()
    assert suppress("till", date(2018, 1, 1)) == 0
    assert checksums() == before


def test_who_comes_back_by_a_side_door_is_erased_again(privacy_warehouse):
    request = file_request("erasure", "17", "case 8", AS_OF)
    serve_requests(AS_OF)
    execute("insert into identity.customer_ids values ('c1a', '17', '2017-12-31')")
    execute("insert into marts.customer_records values ('c1a', '45-54')")
    assert serve_requests(date(2018, 1, 1)) == NOTHING_DONE | {"returned_erased": 1}
    assert '"c1a"' not in everything()
    assert rows(
        "select row_count from privacy.erasure_receipts"
        f" where request_id = '{request}' and table_name = 'marts.customer_records'"
    ) == [(2,)]


def test_an_id_in_an_unexpected_place_stops_the_erasure(privacy_warehouse):
    execute("update marts.products set description = 'bought by c1a, twice'")
    file_request("erasure", "17", "case 9", AS_OF)
    before = checksums()
    with pytest.raises(ErasureIncomplete, match=r"left in marts\.products\.$"):
        serve_requests(AS_OF)
    assert checksums() == before


def test_a_number_deep_inside_a_jsonb_column_stops_the_erasure(privacy_warehouse):
    execute("create table insights.notes (note jsonb)")
    execute("""insert into insights.notes values ('{"who": [{"household_id": 17}]}')""")
    file_request("erasure", "17", "case 9", AS_OF)
    with pytest.raises(ErasureIncomplete, match=r"insights\.notes"):
        serve_requests(AS_OF)


def test_a_new_table_with_a_personal_column_stops_everything(privacy_warehouse):
    execute("create table insights.best_customers (customer_id text)")
    file_request("erasure", "17", "case 10", AS_OF)
    with pytest.raises(UnlistedTable, match=r"insights\.best_customers"):
        serve_requests(AS_OF)
    assert rows("select status from privacy.requests") == [("open",)]


KILLED = """
import os, signal, sys
from datetime import date
from privacy import {module}
{module}.{function} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
from privacy.requests import serve_requests
serve_requests(date.fromisoformat(sys.argv[1]))
"""


@pytest.mark.parametrize(("module", "function"), [("forgetting", "_write_receipts"), ("forgetting", "close_request")])
def test_a_killed_run_changes_nothing_and_the_next_one_completes(privacy_warehouse, module, function):
    request = file_request("access", "17", "case 11", AS_OF)
    if function == "_write_receipts":
        serve_requests(AS_OF)
    file_request("erasure", "17", "case 11", AS_OF)
    before = checksums()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED.format(module=module, function=function), AS_OF.isoformat()],
        cwd=privacy_warehouse.root,
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert checksums() == before
    file = access.exports_dir() / f"{request}.json"
    written = file.read_bytes()
    assert serve_requests(AS_OF)["erasure_done"] == 1
    assert file.read_bytes() == written
    assert '"c1a"' not in everything()


def test_no_number_and_no_id_in_a_statement_or_in_a_log(privacy_warehouse, monkeypatch, caplog):
    caplog.set_level("DEBUG")
    statements = []
    execute_really = psycopg2.extensions.cursor.execute

    class Recording(psycopg2.extensions.cursor):
        def execute(self, statement, values=None):
            statements.append(self.mogrify(statement, values).decode())
            return execute_really(self, statement, values)

    connect_really = psycopg2.connect
    monkeypatch.setattr(psycopg2, "connect", lambda *a, **k: connect_really(*a, cursor_factory=Recording, **k))
    execute("update identity.customer_ids set source_key = '4711815' where source_key = '17'")
    execute("update raw_till.transactions set household_id = '4711815' where basket_id = 'b1'", "cx_landing")
    statements.clear()
    file_request("access", "4711815", "case 12", AS_OF)
    file_request("erasure", "4711815", "case 12", AS_OF)
    assert serve_requests(AS_OF)["erasure_done"] == 1
    assert len(statements) > 50
    assert not [statement for statement in statements if "4711815" in statement or "'c1a'" in statement]
    assert "4711815" not in caplog.text
    assert "c1a" not in caplog.text


def test_the_command_line_files_and_lists(privacy_warehouse, capsys, monkeypatch):
    assert main(["request", "erasure", "--key", "17", "--by", "case 13"]) == 1
    assert "--received" in capsys.readouterr().err
    assert main(["request", "erasure", "--key", "17", "--by", "case 13", "--received", "2017-12-30"]) == 0
    assert capsys.readouterr().out == "2017-12-30-erasure-1\n"
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "2017-12-30-erasure-1\terasure\t2017-12-30\tcase 13\topen\t\t\n"


def test_what_a_model_read_in_a_message_or_a_comment_goes_with_the_person(privacy_warehouse):
    """It names nobody: the ticket leads to it, or the answer whose comment it is; so do the labels of humans."""
    execute(
        """
        create table staging.stg_service__tickets (
            ticket_id text, account_id text, contact_email text, order_id text
        );
        insert into staging.stg_service__tickets values
            ('T0000017', '17', null, null), ('T0000170', '170', null, null);
        create table staging.stg_feedback__answers (answer_id text, email text, order_id text, ticket_id text);
        insert into staging.stg_feedback__answers values ('A0000017', '17', null, null);
        """
    )
    execute(
        """
        insert into scores.message_intents
        select m, t, '2017-12-29', 'track', 1, true, true, true, true, 0, 0, 'de', 'cx_message_intent', '1', now()
        from (values ('T0000017-1', 'T0000017'), ('T0000170-1', 'T0000170'), ('A0000017', null)) read (m, t);
        insert into scores.message_reviews
        select t || '-1', t, 'track', 'Ms Reviewer', '2017-12-30' from unnest(array['T0000017', 'T0000170']) t;
        insert into scores.review_queue
        select 1, t || '-1', t, 'uncertain', null, 'track', 0.5, '2017-12-30'
        from unnest(array['T0000017', 'T0000170']) t
        """
    )
    request = file_request("access", "17", "case 1", AS_OF)
    serve_requests(AS_OF)
    told = (access.exports_dir() / f"{request}.json").read_text()
    assert "T0000017-1" in told and "A0000017" in told and "T0000170" not in told
    file_request("erasure", "17", "case 2", AS_OF)
    assert serve_requests(AS_OF)["erasure_done"] == 1
    assert rows("select message_id from scores.message_intents") == [("T0000170-1",)]
    assert rows("select message_id from scores.message_reviews") == [("T0000170-1",)]
    assert rows("select message_id from scores.review_queue") == [("T0000170-1",)]
    assert "0000017" not in everything()


def test_nobody_is_called_forgotten_while_a_destination_still_holds_them(privacy_warehouse):
    """The trace of what a destination was told goes with the person, so it has to be taken back before."""
    file_request("erasure", "17", "case 9", AS_OF)
    execute("insert into activation.acknowledged values ('mailer', 'c1a', 'h', '47', '2017-12-31')")
    assert customers_to_forget(AS_OF) == ["c1a"]
    assert rows("select * from privacy.subjects_at_hand", "cx_privacy") == []
    before = checksums()
    with pytest.raises(ErasureIncomplete, match="mailer may still hold an erased person: run take_back"):
        serve_requests(AS_OF)
    assert checksums() == before
    execute("delete from activation.acknowledged")
    execute(
        "insert into activation.deliveries (destination, customer_id, kind, content_hash, as_of, status, attempts)"
        " values ('mailer', 'c1a', 'add', 'h', '2017-12-31', 'pending', 1)"
    )
    with pytest.raises(ErasureIncomplete, match="mailer may still hold"):
        serve_requests(AS_OF)
    execute("update activation.deliveries set status = 'acknowledged'")
    assert serve_requests(AS_OF) == {**NOTHING_DONE, "erasure_done": 1}
    assert rows("select count(*) from activation.deliveries") == [(0,)] and '"c1a"' not in everything()
    assert customers_to_forget(AS_OF) == []
