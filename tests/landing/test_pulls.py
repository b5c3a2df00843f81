"""Departments that open a database or an API are landed like those that send files: same raw shape, same ledger."""

import json
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from landing import pulls
from landing.land import land_department
from landing.pulls import SourceUnavailable
from runtime import bootstrap, postgres
from runtime import settings as settings_module
from runtime.warehouse import transaction
from tests.landing.conftest import empty_raw

FRESHNESS = {"warn_after_days": 1, "hold_after_days": 3}
FIRST, SECOND = date(2017, 12, 30), date(2017, 12, 31)
COLUMNS = [
    {"name": "case_id", "type": "integer", "required": True},
    {"name": "customer", "type": "text", "personal_data": True},
    {"name": "cost_eur", "type": "decimal"},
    {"name": "changed_at", "type": "timestamp", "required": True},
]


def _contract(department, source, entities):
    return {
        "department": department,
        "owner": "Contact centre",
        "description": "Cases of the contact centre.",
        "time_zone": "Europe/Berlin",
        "source": source,
        "retention_days": 365,
        "entities": [
            {"freshness": FRESHNESS, "columns": COLUMNS, "keys": ["case_id"], **entity} for entity in entities
        ],
    }


@pytest.fixture
def department(warehouse, tmp_path, monkeypatch):
    """Write a contract for a department of the test's own and open its raw schema; empty it afterwards."""
    opened = []

    def write(name, source, entities):
        (folder / f"{name}.yml").write_text(yaml.safe_dump(_contract(name, source, entities)))
        bootstrap.open_raw_schema(name)
        empty_raw(name)
        opened.append(name)
        return name

    folder = tmp_path / "landing" / "departments"
    folder.mkdir(parents=True)
    monkeypatch.setattr(settings_module, "ROOT", tmp_path)
    yield write
    for name in opened:
        empty_raw(name)


@pytest.fixture
def cases(warehouse, monkeypatch):
    """A second database on the embedded server, with the table support.cases; yields a function that runs SQL there."""
    admin = postgres.admin_connection(warehouse)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute("drop database if exists contact_centre")
        cursor.execute("create database contact_centre")
    inside = postgres.admin_connection(warehouse, "contact_centre")
    inside.autocommit = True
    known = inside.get_dsn_parameters()
    password = inside.info.password
    monkeypatch.setenv(
        "CONTACT_CENTRE_URL",
        f"postgresql://{known['user']}:{password}@{known['host']}:{known['port']}/contact_centre",
    )

    def run(statement, *values):
        with inside.cursor() as cursor:
            cursor.execute(statement, values)

    run("create schema support")
    run(
        "create table support.cases (case_id int primary key, customer text, cost_eur numeric(8, 2), "
        "changed_at timestamp not null)"
    )
    run(
        "insert into support.cases values (1, 'Ada', 1.10, '2017-12-29 10:00'), "
        "(2, null, 5.00, '2017-12-30 23:59:59'), (3, 'Cy', null, '2017-12-31 00:00:00')"
    )
    yield run
    inside.close()
    with admin.cursor() as cursor:
        cursor.execute("drop database contact_centre with (force)")
    admin.close()


SQL_SOURCE = {"kind": "sql", "url_variable": "CONTACT_CENTRE_URL"}
SQL_APPEND = {"name": "cases", "load": "append", "table": "support.cases", "cursor": "changed_at"}
SQL_SNAPSHOT = {"name": "cases", "load": "snapshot", "table": "support.cases"}


def _cases(name):
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            f"select case_id, customer, cost_eur, changed_at, left(_batch_id, 16), _row_number "
            f"from raw_{name}.cases order by 5, 6"
        )
        return cursor.fetchall()


def test_a_database_is_read_up_to_the_day_and_then_from_the_cursor(cases, department):
    name = department("support", SQL_SOURCE, [SQL_APPEND])
    first = land_department(name, FIRST)
    assert first.summary() == "support as of 2017-12-30: 1 landed; 2 rows"
    assert _cases(name) == [
        ("1", "Ada", "1.10", "2017-12-29 10:00:00", "cases/2017-12-30", 1),
        ("2", None, "5.00", "2017-12-30 23:59:59", "cases/2017-12-30", 2),
    ]
    assert land_department(name, FIRST).batches == [], "asked again for the same day: nothing changes"
    cases("insert into support.cases values (4, 'Dee', 2, '2017-12-31 08:00')")
    second = land_department(name, SECOND)
    assert [(batch.status, batch.row_count) for batch in second.batches] == [("landed", 2)]
    assert [row[0] for row in _cases(name)] == ["1", "2", "3", "4"]
    nothing_new = land_department(name, date(2018, 1, 1))
    assert [(batch.status, batch.row_count) for batch in nothing_new.batches] == [("landed", 0)]


def test_a_whole_table_lands_when_it_changed(cases, department):
    name = department("support", SQL_SOURCE, [SQL_SNAPSHOT])
    assert land_department(name, FIRST).row_count == 3
    assert land_department(name, SECOND).count("duplicate") == 1
    assert land_department(name, SECOND).batches == []
    cases("delete from support.cases where case_id = 1")
    assert land_department(name, date(2018, 1, 1)).row_count == 2


def test_changes_of_a_row_are_new_rows_and_deletions_come_as_a_list_of_their_own(cases, department):
    """As a shop's database keeps them: keys with the time of the change, and a trigger that lists what was removed."""
    cases("create table support.deletions (table_name text, row_key text, deleted_at timestamp)")
    cases(
        "create function support.remember() returns trigger language plpgsql as $$ begin"
        " insert into support.deletions values (tg_table_name, old.case_id, '2017-12-31 12:00'); return old; end $$;"
        "create trigger remember after delete on support.cases for each row execute function support.remember()"
    )
    columns = [
        {"name": "table_name", "required": True},
        {"name": "row_key", "required": True},
        {"name": "deleted_at", "type": "timestamp", "required": True},
    ]
    deletions = {
        **{"name": "deletions", "load": "append", "table": "support.deletions", "cursor": "deleted_at"},
        **{"keys": ["table_name", "row_key", "deleted_at"], "columns": columns},
    }
    name = department("support", SQL_SOURCE, [{**SQL_APPEND, "keys": ["case_id", "changed_at"]}, deletions])
    land_department(name, FIRST)
    cases("update support.cases set cost_eur = 9, changed_at = '2017-12-31 09:00' where case_id = 1")
    cases("delete from support.cases where case_id = 2")
    land_department(name, SECOND)
    assert [row[:1] + row[2:4] for row in _cases(name)] == [
        ("1", "1.10", "2017-12-29 10:00:00"),
        ("2", "5.00", "2017-12-30 23:59:59"),
        ("3", None, "2017-12-31 00:00:00"),
        ("1", "9.00", "2017-12-31 09:00:00"),
    ]
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(f"select table_name, row_key, deleted_at from raw_{name}.deletions")
        assert cursor.fetchall() == [("cases", "2", "2017-12-31 12:00:00")]
    assert land_department(name, SECOND).batches == []


def test_a_long_table_lands_in_parts_once(cases, department, monkeypatch):
    monkeypatch.setattr(pulls, "ROWS_AT_ONCE", 300)
    cases(
        "insert into support.cases select n, 'x', 1, timestamp '2017-12-01' + n * interval '1 minute'"
        " from generate_series(10, 1009) n"
    )
    name = department("support", SQL_SOURCE, [SQL_APPEND])
    report = land_department(name, FIRST)
    assert [batch.row_count for batch in report.batches] == [300, 300, 300, 102]
    assert len({row[0] for row in _cases(name)}) == len(_cases(name)) == 1002
    assert land_department(name, FIRST).batches == []
    assert land_department(name, SECOND).row_count == 1


def test_where_raw_ends_stands_in_the_ledger(cases, department, monkeypatch):
    """Raw is looked through, which costs what the history costs, only for batches of an earlier version."""
    name = department("support", SQL_SOURCE, [SQL_APPEND])
    land_department(name, FIRST)
    with monkeypatch.context() as patch:
        patch.setattr("landing.ledger.highest_value", lambda *_: pytest.fail("raw was looked through"))
        assert land_department(name, FIRST).batches == []
        assert land_department(name, SECOND).row_count == 1
    with transaction("cx_landing") as connection, connection.cursor() as cursor:
        cursor.execute(f"alter table raw_{name}._batches drop column highest_cursor")
    assert land_department(name, SECOND).batches == []
    cases("insert into support.cases values (9, 'Eve', 2, '2018-01-01 08:00')")
    assert land_department(name, date(2018, 1, 1)).row_count == 1


def test_a_column_missing_in_the_database_refuses_the_batch(cases, department):
    cases("alter table support.cases rename cost_eur to cost")
    name = department("support", SQL_SOURCE, [SQL_APPEND])
    report = land_department(name, FIRST)
    assert report.count("refused") == 1
    assert "'cost_eur' (renamed to 'cost'?) is missing" in report.messages[0]
    cases("alter table support.cases rename cost to cost_eur")
    assert land_department(name, FIRST).count("landed") == 1


def test_a_database_that_cannot_be_reached_is_told_without_its_password(cases, department, monkeypatch):
    name = department("support", SQL_SOURCE, [SQL_APPEND])
    monkeypatch.setenv("CONTACT_CENTRE_URL", "postgresql://me:very-secret@127.0.0.1:1/contact_centre")
    with pytest.raises(SourceUnavailable) as told:
        land_department(name, FIRST)
    assert "CONTACT_CENTRE_URL" in str(told.value)
    assert "very-secret" not in str(told.value)
    monkeypatch.delenv("CONTACT_CENTRE_URL")
    with pytest.raises(SourceUnavailable, match="set CONTACT_CENTRE_URL to the URL"):
        land_department(name, FIRST)


class _Api(BaseHTTPRequestHandler):
    """Serves records in pages of two, wants a token, and answers the second request with 503."""

    records: list = []
    requests: list = []
    failures: set = set()

    def do_GET(self):  # noqa: N802 the name that http.server calls
        query = parse_qs(urlsplit(self.path).query)
        type(self).requests.append(query)
        if self.headers["Authorization"] != "Bearer open-sesame":
            return self._answer(401, {})
        if len(self.requests) in self.failures:
            return self._answer(503, {})
        page, since = int(query.get("page", ["1"])[0]), query.get("since", [""])[0].replace(" ", "T")
        found = [record for record in self.records if record["changed_at"] >= since]
        pages = -(-len(found) // 2)
        return self._answer(200, {"cases": found[2 * page - 2 : 2 * page], "pages": pages})

    def _answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Keep the test's output quiet."""


@pytest.fixture
def api(monkeypatch):
    """A real HTTP server on 127.0.0.1; yields its handler class, whose records a test may change."""
    _Api.requests, _Api.failures = [], {2}
    _Api.records = [
        {"case_id": n, "customer": f"person {n}", "cost_eur": 1.5, "changed_at": f"2017-12-{day}T09:00:00+01:00"}
        for n, day in ((1, 29), (2, 29), (3, 30), (4, 30), (5, 30), (6, 31))
    ]
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("CASES_API_URL", f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setenv("CASES_API_TOKEN", "open-sesame")
    yield _Api
    server.shutdown()
    server.server_close()
    thread.join()


REST_SOURCE = {"kind": "rest", "url_variable": "CASES_API_URL", "token_variable": "CASES_API_TOKEN"}
REST_APPEND = {
    "name": "cases",
    "load": "append",
    "endpoint": "cases",
    "records": "cases",
    "cursor": "changed_at",
    "cursor_parameter": "since",
    "paginator": {"type": "page_number", "base_page": 1, "total_path": "pages"},
}


def test_an_api_is_read_page_by_page_retried_and_then_from_the_cursor(api, department):
    name = department("cases_api", REST_SOURCE, [REST_APPEND])
    first = land_department(name, FIRST)
    assert first.row_count == 5
    assert len(api.requests) == 4, "three pages, one of them asked twice because of the 503"
    assert [row[0] for row in _cases(name)] == ["1", "2", "3", "4", "5"]
    assert _cases(name)[0][1:4] == ("person 1", "1.5", "2017-12-29T09:00:00+01:00")
    assert land_department(name, FIRST).batches == []
    api.records.append({**api.records[0], "case_id": 7, "changed_at": "2017-12-31T20:00:00+01:00", "mood": "glad"})
    second = land_department(name, SECOND)
    assert second.row_count == 2
    assert "since" in api.requests[-1]
    assert "has the new column 'mood'" in second.messages[0]
    assert [row[0] for row in _cases(name)] == ["1", "2", "3", "4", "5", "6", "7"]


def test_an_api_that_refuses_us_is_told_without_the_token(api, department, monkeypatch):
    name = department("cases_api", REST_SOURCE, [REST_APPEND])
    monkeypatch.setenv("CASES_API_TOKEN", "wrong-word")
    with pytest.raises(SourceUnavailable, match="cannot be read at cases: it answers 401") as told:
        land_department(name, FIRST)
    assert "wrong-word" not in str(told.value)
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(f"select count(*) from raw_{name}._landings")
        assert cursor.fetchone() == (0,), "an unfinished run does not count as complete"
    monkeypatch.setenv("CASES_API_TOKEN", "open-sesame")
    assert land_department(name, FIRST).row_count == 5
