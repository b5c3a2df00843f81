"""Values that keep their type and are still not to be believed: marked with a reason, and their rows go on."""

from datetime import date

import pytest

from expectations.batches import gather, lay_out_views
from expectations.gate import gate_transaction
from expectations.quarantine import quarantine
from expectations.stewardship import suspect_values
from expectations.suspicion import mark_suspects
from landing import ledger
from landing.contracts import Contract, load_contract
from runtime import warehouse
from tests.expectations.conftest import day

DAY = day(4)
HOUSES = {"town": "Hamburg", "postcode": "20095"}


def contract(*columns: dict, checks: list | None = None) -> Contract:
    """A department of one entity with the given columns beside its key."""
    entity = {
        "name": "visits",
        "load": "append",
        "path": "crm/visits_{date}.csv",
        "format": "csv",
        "keys": ["visit_no"],
        "freshness": {"warn_after_days": 1, "hold_after_days": 3},
        "columns": [{"name": "visit_no", "required": True}, *columns],
        "checks": checks or [],
    }
    head = {"department": "crm", "owner": "Stores", "description": "Visits", "time_zone": "UTC"}
    return Contract.model_validate(head | {"source": {"kind": "file"}, "retention_days": 9, "entities": [entity]})


@pytest.fixture
def marked(house):
    """Land rows by a contract and return what is marked: (row, field, rule), and all reasons."""
    batches = []

    def mark(own: Contract, rows: list[dict], delivered: date = DAY) -> tuple[set, str]:
        names = own.entity("visits").column_names
        batch = f"visits/{delivered}/{len(batches)}"
        batches.append(batch)
        with warehouse.transaction("cx_landing") as connection, connection.cursor() as cursor:
            ledger.prepare(connection, own)
            cursor.execute(
                "insert into raw_crm._batches values (%s, 'visits', 'visits.csv', %s, 1, %s, %s, %s, %s, 'landed')",
                (batch, batch, len(rows), delivered, delivered, delivered),
            )
            for number, row in enumerate(rows, 1):
                values = [row.get(name, f"{batch}{number}" if name == "visit_no" else None) for name in names]
                cursor.execute(
                    f"insert into raw_crm.visits ({', '.join(names)}, _batch_id, _row_number)"
                    f" values ({', '.join(['%s'] * len(names))}, %s, %s)",
                    (*values, batch, number),
                )
        for _ in range(2):  # running it again changes nothing
            with gate_transaction() as (_, connection):
                gather(connection, own, delivered)
                quarantine(connection, own, delivered)
                lay_out_views(connection, own, delivered)
                mark_suspects(connection, own, delivered)
        found = house.rows(
            "select row_number, field, rule, reason from quality.suspect_values where batch_id = %s", (batch,)
        )
        assert house.rows("select count(*) from quarantine.rejected_rows") == [(0,)]
        return {row[:3] for row in found}, " ".join(row[3] for row in found)

    return mark


@pytest.mark.parametrize(
    ("column", "rule", "bad", "good"),
    [
        ({"wanted": True}, "empty", ["", " ", None], ["x"]),
        ({"placeholders": ["n/a", "000000"]}, "placeholder", ["N/A", " 000000 "], ["0", "", None]),
        ({"pattern": r"\d{5}|-"}, "pattern", ["1234", "123456", "1234S"], ["12345", "-", "", None]),
        ({"values": ["de", "en"]}, "not_listed", ["DE", "fr"], ["de", " en ", ""]),
        ({"checksum": "luhn"}, "checksum", ["4539578763621487", "45395787636214B6"], ["4539578763621486", "18", ""]),
        ({"tidy": "text"}, "blanks", [" x", "x ", "a  b"], ["a b", "x", ""]),
        ({"tidy": "text"}, "encoding", ["MÃ¼ller", "GroÃŸ", "it\u2019s â€œ", "caf\ufffd"], ["Müller", "Groß", "Ärger"]),
        ({"tidy": "name"}, "letter_case", ["MÜLLER", "müller"], ["Müller", "Bo", "von Ähn", "123"]),
        (
            {"type": "date", "format": "DD.MM.YYYY", "plausible": {"minimum": day(1), "maximum": day(9)}},
            "implausible",
            ["30.11.2017", "10.12.2017"],
            ["01.12.2017", "09.12.2017", "", None],
        ),
        ({"type": "integer", "plausible": {"maximum": 9}}, "implausible", ["10"], ["9", "-4", None]),
    ],
)
def test_a_check_on_one_value_marks_what_breaks_it_and_nothing_else(marked, column, rule, bad, good):
    own = contract({"name": "value", **column})
    found, _ = marked(own, [{"value": value} for value in [*bad, *good]])
    assert found == {(number, "value", rule) for number in range(1, len(bad) + 1)}


def test_a_placeholder_is_not_marked_once_more_for_its_form(marked):
    own = contract({"name": "value", "placeholders": ["n/a"], "pattern": r"\d+", "values": ["1"], "checksum": "luhn"})
    assert marked(own, [{"value": "N/A"}])[0] == {(1, "value", "placeholder")}


def test_a_value_of_a_person_stays_out_of_the_reason(marked):
    own = contract({"name": "seen", "values": ["x"]}, {"name": "hidden", "values": ["x"], "personal_data": True})
    found, words = marked(own, [{"seen": "told", "hidden": "secret"}])
    assert len(found) == 2
    assert "'told'" in words and "value withheld" in words and "secret" not in words


def test_a_rare_value_a_keystroke_from_a_frequent_one_is_a_typing_error(marked):
    own = contract({"name": "town", "typos": True})
    towns = ["Hamburg"] * 20 + ["Hambrug", "Hamburgg", "hamurg", "Hamborg", "Bremen", "Humbug"]
    found, _ = marked(own, [{"town": town} for town in towns])
    assert found == {(number, "town", "typo") for number in (21, 22, 23, 24)}
    later, _ = marked(own, [{"town": "Hamburh"}, {"town": "Hamburg"}], day(5))
    assert later == {(1, "town", "typo")}, "what came before is frequent, and is not marked again"


def test_one_column_determines_another_where_rows_agree(marked):
    own = contract({"name": "postcode"}, {"name": "town"}, checks=[{"determines": ["town"], "by": ["postcode"]}])
    rows = [HOUSES] * 4 + [HOUSES | {"town": "Bremen"}, HOUSES | {"town": ""}]
    unsure = [{"postcode": "1", "town": "A"}] * 3 + [{"postcode": "1", "town": "B"}]  # 3 to 1 is no rule yet
    found, words = marked(own, rows + unsure)
    assert found == {(5, "town", "determined")}
    assert "4 rows with the same postcode" in words


def test_names_that_stand_in_each_others_column_are_swapped(marked):
    own = contract({"name": "first"}, {"name": "last"}, checks=[{"not_swapped": ["first", "last"]}])
    rows = [{"first": "Anna", "last": "Weber"}] * 12 + [
        {"first": "Weber", "last": "Anna"},
        {"first": "Jan", "last": "Odd"},
    ]
    assert marked(own, rows)[0] == {(13, "first", "swapped")}


def test_columns_of_a_row_are_compared(marked):
    moments = [{"name": name, "type": "timestamp"} for name in ("opened_at", "closed_at")]
    checks = [{"ordered": ["opened_at", "closed_at"]}, {"one_filled": ["opened_at", "closed_at"]}]
    early, late = "2017-12-01 10:00", "2017-12-01 11:00"
    rows = [(early, late), (late, early), (early, early), (early, None), (None, None)]
    found, _ = marked(
        contract(*moments, checks=checks), [dict(zip(("opened_at", "closed_at"), row, strict=True)) for row in rows]
    )
    assert found == {(2, "closed_at", "order"), (5, "opened_at", "none_filled")}


def test_a_moment_long_before_its_delivery_is_late_but_not_in_the_history(marked):
    own = contract({"name": "told_on", "type": "date", "late_after_days": 1})
    rows = [{"told_on": str(day(number))} for number in (1, 3, 4)]
    assert marked(own, rows, day(4))[0] == set(), "the first delivery is the history"
    assert marked(own, rows, day(5))[0] == {(1, "told_on", "late"), (2, "told_on", "late")}


@pytest.mark.parametrize(
    ("column", "checks", "said"),
    [
        ({"pattern": "("}, [], "no regular expression"),
        ({"placeholders": [0]}, [], "in quotation marks"),
        ({"plausible": {"maximum": 3}}, [], "type text cannot be compared"),
        ({"late_after_days": 1}, [], "needs type date or timestamp"),
        ({}, [{"determines": ["nobody"], "by": ["value"]}], "there is no column nobody"),
        ({}, [{"ordered": ["visit_no", "value"]}], "must have the same type"),
        ({}, [{"unlike": ["value"]}], "a check has one of the keys"),
    ],
)
def test_a_check_that_cannot_be_carried_out_is_told_when_the_contract_is_read(column, checks, said):
    with pytest.raises(ValueError, match=said):
        contract({"name": "value", **column}, checks=checks)


def test_the_gate_warns_of_marked_values_and_accepts_their_rows(house, monkeypatch):
    till = load_contract("till")
    house.deliver("transactions", day(4), [{}])
    assert house.check("raw.till", day(4)).warned == 0
    entity = till.entities[0].model_dump()
    for column in entity["columns"]:
        column |= {"values": ["31", "32"]} if column["name"] == "store_id" else {}
    changed = Contract.model_validate(till.model_dump() | {"entities": [entity]})
    monkeypatch.setattr("expectations.raw_gate.load_contract", lambda _: changed)
    batch = house.deliver("transactions", day(5), [{"basket_id": "8", "store_id": "99"}])
    (warning,) = house.check("raw.till", day(5)).failures("warning")
    assert warning.expectation == "values_are_to_be_believed"
    assert "transactions.store_id not_listed: 1 of 1 new rows" in warning.message
    ((place, rule, values, example),) = suspect_values("till")
    assert (place, rule, values) == ("till.transactions.store_id", "not_listed", 1)
    assert "row 1: store_id '99' is not in the contract's list" in example
    assert house.verdicts()[batch][0] == "accepted"
