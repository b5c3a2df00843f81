"""Who was erased stays so: by another door, in an unexpected place, after a kill, and at a destination."""

import signal
import subprocess
import sys
from datetime import date

import psycopg2
import pytest

from privacy import access
from privacy.requests import customers_to_forget, file_request, serve_requests
from privacy.subjects import UnlistedTable
from privacy.suppression import suppress
from privacy.verification import ErasureIncomplete
from runtime.checksums import checksums
from tests.privacy.ask import NOTHING_DONE, everything, execute, rows
from tests.privacy.conftest import AS_OF


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
