"""Each department of Nordhaus lands from its own kind of source and passes its gate; each format has its failures."""

from datetime import date, timedelta

import psycopg2
import pytest

from expectations.delivery_rules import delivery_rules
from expectations.gate import suite_and_table
from expectations.raw_gate import check_raw
from landing import ledger
from landing.columns import FORMATS as KNOWN_FORMATS
from landing.contracts import Contract, load_contract
from landing.land import land_department
from runtime import bootstrap
from runtime.settings import ROOT, settings
from runtime.warehouse import transaction
from tests.landing import well_formed
from tests.landing.paged_api import TOKEN, serving

DAY = date(2025, 6, 29)
TEN = sorted(path.stem for path in (ROOT / "landing" / "departments" / "nordhaus").glob("*.yml"))
ROWS = 7


@pytest.fixture
def nordhaus(house, monkeypatch, tmp_path):
    """The fresh warehouse with the ten departments of Nordhaus."""
    monkeypatch.setenv("CX_DATASET", "nordhaus")
    monkeypatch.setenv("CX_EXPORTS_DIR", str(tmp_path))
    bootstrap.prepare_warehouse(settings())
    house.exports = tmp_path
    return house


def _deliver(nordhaus, contract: Contract, monkeypatch, api) -> None:
    kind = contract.source.kind
    if kind == "file":
        for entity in contract.entities:
            well_formed.drop_file(nordhaus.exports, entity, DAY, well_formed.rows(entity, ROWS, DAY))
    if kind == "sql":
        url = settings().warehouse_url
        monkeypatch.setenv(contract.source.url_variable, url)
        connection = psycopg2.connect(url)
        with connection, connection.cursor() as cursor:
            well_formed.lay_out_database(cursor.execute, contract, DAY, ROWS)
        connection.close()
    if kind == "rest":
        monkeypatch.setenv(contract.source.url_variable, api.url)
        monkeypatch.setenv(contract.source.token_variable, TOKEN)
        for entity in contract.entities:
            # An endpoint without a paginator answers with one page.
            count = ROWS if entity.paginator else api.page_size
            api.records[entity.endpoint] = well_formed.rows(entity, count, DAY)
            api.list_key[entity.endpoint] = entity.records
            if (entity.paginator or {}).get("type") == "cursor":
                api.by_cursor.add(entity.endpoint)


@pytest.mark.parametrize("department", TEN)
def test_every_department_lands_and_passes_its_gate(nordhaus, monkeypatch, department):
    contract = load_contract(department)
    with serving() as api:
        _deliver(nordhaus, contract, monkeypatch, api)
        report = land_department(department, DAY)
        again = land_department(department, DAY)
    assert report.count("landed") == len(contract.entities), report.messages
    assert again.batches == []
    assert report.messages == []
    result = check_raw(department, DAY)
    assert result.failed == 0, result.findings
    # A name such as last_name-0629-3 keeps the contract's form, and is marked as no name to be believed.
    assert {finding.expectation for finding in result.failures("warning")} <= {"values_are_to_be_believed"}
    assert nordhaus.reasons() == []
    assert nordhaus.status(department, DAY) == ("fresh", DAY)
    assert {rest[0] for rest in nordhaus.verdicts().values()} == {"accepted"}


def test_a_department_without_a_module_is_judged_by_its_contract():
    assert suite_and_table("raw.bakery") == (delivery_rules, "raw_bakery._batches")
    assert suite_and_table("raw.crm")[0].__module__ == "expectations.raw.crm"


def _land_hour(nordhaus, day: date, hour: str, row_count: int, status: str = "landed", reason: str = "") -> str:
    """Put an hour of the website into the ledger without its rows."""
    batch_id = f"events/{day}/{hour}/{status}"
    nordhaus.run(
        "insert into raw_web._batches values (%s, 'events', %s, %s, 1, %s, %s, %s, %s, %s, %s)",
        (batch_id, f"events_{day}T{hour}.jsonl", batch_id, row_count, day, day, day, status, reason or None),
        role="cx_landing",
    )
    return batch_id


@pytest.fixture
def web(nordhaus):
    """The website's raw tables."""
    with transaction("cx_landing") as connection:
        ledger.prepare(connection, load_contract("web"))
    return nordhaus


def test_an_hour_is_compared_with_the_same_hour_of_other_weeks(web):
    for weeks in (3, 2, 1):
        for hour, count in (("03", 600), ("20", 9000)):
            _land_hour(web, DAY - timedelta(7 * weeks), hour, count)
        check_raw("web", DAY - timedelta(7 * weeks))
    _land_hour(web, DAY, "03", 590)
    assert not web.failed("raw.web", DAY), "a night hour is short beside the evening, not beside other nights"
    _land_hour(web, DAY, "20", 590)
    assert web.failed("raw.web", DAY) == {"files_have_the_usual_number_of_rows"}


def test_a_refused_hour_is_not_healed_by_another_hour(web):
    _land_hour(web, DAY, "03", 0, "refused", "cut off")
    _land_hour(web, DAY, "04", 10)
    assert web.failed("raw.web", DAY) == {"every_delivered_file_could_be_read"}
    _land_hour(web, DAY, "03", 10)
    assert not web.failed("raw.web", DAY)


def test_a_database_that_was_refused_is_healed_by_the_next_reading_which_takes_what_was_missed(nordhaus):
    with transaction("cx_landing") as connection:
        ledger.prepare(connection, load_contract("shop"))

    def read(day, status, count):
        nordhaus.run(
            "insert into raw_shop._batches values (%s, 'orders', 'shop.orders', %s, 1, %s, %s, %s, %s, %s, 'renamed')",
            (f"orders/{day}/{status}", f"{day}{status}", count, day, day, day, status),
            role="cx_landing",
        )

    read(DAY, "refused", 0)
    assert "every_delivered_file_could_be_read" in nordhaus.failed("raw.shop", DAY)
    read(DAY + timedelta(1), "landed", 5)
    assert "every_delivered_file_could_be_read" not in nordhaus.failed("raw.shop", DAY + timedelta(1))


FORMATS = {
    ("date", "DD.MM.YYYY"): (["31.01.2025", " 29.02.2024 "], ["31.02.2025", "1.2.2025", "2025-02-01", "01.01.1900x"]),
    ("timestamp", "DD.MM.YYYY HH24:MI"): (
        ["30.03.2025 23:59"],
        ["30.03.2025", "30.03.2025 24:30", "30.03.2025 7:05", "31.04.2025 10:00"],
    ),
    ("timestamp", "YYYYMMDDHH24MISS"): (["20250228235959"], ["20250229120000", "202502281200", "20250228 120000", "x"]),
    ("timestamp", "epoch_seconds"): (["1735689600"], ["1735689600.5", "-1", "2025-01-01", "173568960000000"]),
    ("timestamp", "epoch_milliseconds"): (["1735689600123"], ["1735689600.123", "", "17356896001230000"]),
    ("decimal", "decimal_comma"): (
        ["1234,5", "1.234,56", "-0,99", "7", "1.234.567"],
        ["1,234.5", "1.23,4", "12.34", "1 234,5", ",5", "NaN"],
    ),
    ("boolean", "J/N"): (["J", "N"], ["j", "ja", "true", "0"]),
}
CASES = [
    (kind, form, written, is_good)
    for (kind, form), lists in FORMATS.items()
    for is_good, values in zip((True, False), lists, strict=True)
    for written in values
]


@pytest.mark.parametrize(("kind", "form"), FORMATS)
def test_a_format_takes_its_own_values_and_quarantines_all_others(nordhaus, kind, form):
    """The column is one of a small contract, so that each format is tried with the same rule."""
    contract = load_contract("feedback").model_dump()
    entity = contract["entities"][0]
    entity["columns"] = [
        {"name": "answer_id", "required": True},
        {"name": "given", "type": kind, "format": form, "required": True},
    ]
    entity["cursor"] = None
    contract = Contract.model_validate(contract)
    written = [(text, is_good) for k, f, text, is_good in CASES if (k, f) == (kind, form)]
    with transaction("cx_landing") as connection:
        ledger.prepare(connection, contract)
    nordhaus.run(
        "insert into raw_feedback._batches values"
        " ('b', 'answers', 'answers_2025-06-29.csv', '', 1, %s, %s, %s, %s, 'landed')",
        (len(written), DAY, DAY, DAY),
        role="cx_landing",
    )
    for number, (text, _) in enumerate(written, 1):
        nordhaus.run(
            "insert into raw_feedback.answers (answer_id, given, _batch_id, _row_number) values (%s, %s, 'b', %s)",
            (str(number), text, number),
            role="cx_landing",
        )
    nordhaus.sort_out("feedback", DAY, contract)
    found = dict(nordhaus.rows("select row_number, reason from quarantine.rejected_rows"))
    assert sorted(found) == [n for n, (_, is_good) in enumerate(written, 1) if not is_good]
    for number, reason in found.items():
        text = written[number - 1][0]
        assert (f"written as {form}" in reason and f"'{text}'" in reason) or (not text and "is missing" in reason)


def test_every_format_of_a_contract_has_cases():
    assert {(kind, form) for form, kind in KNOWN_FORMATS.items()} == set(FORMATS)
