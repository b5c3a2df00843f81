"""A steward lets in, repairs or closes what a gate kept back; every decision is kept, and nothing counts twice."""

import pytest

from expectations.__main__ import main
from tests.expectations.conftest import day

TILL = "raw.till"
SIGNED = ["--by", "Erika", "--reason", "the branch told us"]


def _lines(number: int, first: int = 100, **changes) -> list[dict]:
    return [{"basket_id": str(first + n), **changes} for n in range(number)]


@pytest.fixture
def broken(house):
    """A batch of three lines, accepted; row 2 waits because its quantity is no number. Returns its id."""
    batch = house.deliver("transactions", day(4), [{"basket_id": "1"}, {"basket_id": "2", "quantity": "x"}, {}])
    house.check(TILL, day(4))
    return batch


def _kept_out(house) -> list[tuple]:
    return house.rows("select batch_id, row_number from quarantine.kept_out order by 1, 2")


def _told(capsys, arguments: list[str]) -> str:
    """Run a command that is refused and return its message."""
    assert main(arguments) == 1
    return capsys.readouterr().err


def test_list_and_show_say_what_waits_and_why(house, broken, capsys):
    assert main(["quarantine", "list", "--department", "till"]) == 0
    shown = capsys.readouterr().out
    assert f"waiting   till {broken} 2: till/transactions_2017-12-04.csv row 2: quantity 'x' is not an integer" in shown
    assert "1 rows" in shown
    assert main(["quarantine", "show", "till", broken, "2"]) == 0
    shown = capsys.readouterr().out
    assert "quantity                 x" in shown
    assert "[type]" in shown


def test_a_repaired_row_goes_on_with_who_why_and_when_and_raw_stays_as_delivered(house, broken, capsys):
    assert _kept_out(house) == [(broken, 2)]
    assert main(["quarantine", "repair", "till", broken, "2", "quantity=3", *SIGNED]) == 0
    assert "the next build_warehouse takes it in, once" in capsys.readouterr().out
    assert _kept_out(house) == []
    assert house.rows("select quantity from raw_till.transactions where _row_number = 2") == [("x",)]
    ((record, fields, revision, who, why, as_of),) = house.rows(
        "select record, fields, revision, repaired_by, reason, as_of from quarantine.repairs"
    )
    assert (record["quantity"], record["basket_id"]) == ("3", "2")
    assert (fields, revision, who, why, as_of) == ("quantity", 1, "Erika", "the branch told us", day(4))
    assert (
        main(["quarantine", "repair", "till", broken, "2", "quantity=4", "week=5", *SIGNED, "--as-of", "2017-12-06"])
        == 0
    )
    assert house.rows("select record ->> 'quantity', fields, revision, as_of from quarantine.repairs") == [
        ("4", "quantity, week", 2, day(6))
    ]
    history = house.rows(
        "select action, row_number, fields, done_by, as_of from quarantine.steward_actions order by action_number"
    )
    assert history == [
        ("repair", 2, "quantity", "Erika", day(4)),
        ("repair", 2, "quantity, week", "Erika", day(6)),
    ]
    capsys.readouterr()
    main(["quarantine", "show", "till", broken, "2"])
    assert "2017-12-04 repair quantity by Erika: the branch told us" in capsys.readouterr().out
    house.check(TILL, day(4))
    assert _kept_out(house) == [], "the gate of the same day leaves the decision alone"


def test_a_repair_is_judged_by_the_contract_again(house, broken, capsys):
    refused = _told(capsys, ["quarantine", "repair", "till", broken, "2", "quantity=three", *SIGNED])
    assert "still not right" in refused
    assert "quantity 'three' is not an integer" in refused
    refused = _told(capsys, ["quarantine", "repair", "till", broken, "2", "quantity=3", "week=54", *SIGNED])
    assert "week '54' is above 53" in refused
    refused = _told(capsys, ["quarantine", "repair", "till", broken, "2", "qantity=3", *SIGNED])
    assert "transactions has no column qantity. Columns: household_id" in refused
    assert _kept_out(house) == [(broken, 2)]
    assert house.rows("select * from quarantine.steward_actions") == []


def test_a_repair_cannot_take_a_key_that_counts_already(house, broken, capsys):
    refused = _told(capsys, ["quarantine", "repair", "till", broken, "2", "quantity=3", "basket_id=1", *SIGNED])
    assert f"row 1 of {broken} has the same basket_id, product_id and counts already" in refused
    other = house.deliver("transactions", day(5), [{"basket_id": "8", "quantity": "y"}, {"basket_id": "9"}])
    house.check(TILL, day(5))
    assert main(["quarantine", "repair", "till", broken, "2", "quantity=3", "basket_id=50", *SIGNED]) == 0
    refused = _told(capsys, ["quarantine", "repair", "till", other, "1", "quantity=3", "basket_id=50", *SIGNED])
    assert f"row 2 of {broken} has the same basket_id, product_id" in refused


def test_a_corrected_delivery_after_the_repair_does_not_count_twice(house, broken):
    main(["quarantine", "repair", "till", broken, "2", "quantity=3", "basket_id=77", *SIGNED])
    again = house.deliver("transactions", day(5), [{"basket_id": "77", "quantity": "3"}, {"basket_id": "78"}])
    house.check(TILL, day(5))
    assert _kept_out(house) == [(again, 1)]
    assert f"same basket_id, product_id as row 2 of batch {broken}, repaired on 2017-12-04" in " ".join(house.reasons())


def test_release_lets_in_what_the_warehouse_can_read_and_nothing_else(house, capsys):
    batch = house.deliver(
        "transactions",
        day(4),
        [
            {"week": "99"},
            {"basket_id": "5", "quantity": "x"},
            {"basket_id": "6", "product_id": ""},
            {"basket_id": "7"},
            {},
        ],
    )
    house.check(TILL, day(4))
    assert main(["quarantine", "release", "till", batch, "1", *SIGNED]) == 0
    assert "repair it" in _told(capsys, ["quarantine", "release", "till", batch, "2", *SIGNED])
    assert "could not read its value" in _told(capsys, ["quarantine", "release", "till", batch, "2", *SIGNED])
    assert "no product_id, which tells rows apart" in _told(
        capsys, ["quarantine", "release", "till", batch, "3", *SIGNED]
    )
    assert "not in quarantine" in _told(capsys, ["quarantine", "release", "till", batch, "4", *SIGNED])
    assert "is released already" in _told(capsys, ["quarantine", "release", "till", batch, "1", *SIGNED])
    assert main(["quarantine", "discard", "till", batch, "2", *SIGNED]) == 0
    assert "is discarded already" in _told(capsys, ["quarantine", "repair", "till", batch, "2", "quantity=1", *SIGNED])
    house.run(
        "insert into raw_till._malformed_lines values (%s, 9, '7,1,2', 'the line has 3 fields')",
        (batch,),
        role="cx_landing",
    )
    house.check(TILL, day(4))
    assert "ask for a whole file" in _told(capsys, ["quarantine", "repair", "till", batch, "9", "week=1", *SIGNED])


def test_a_repeated_key_is_never_released(house, broken, capsys):
    again = house.deliver("transactions", day(5), [{"basket_id": "1"}, {"basket_id": "10"}])
    house.check(TILL, day(5))
    assert "would count twice" in _told(capsys, ["quarantine", "release", "till", again, "1", *SIGNED])
    assert main(["quarantine", "repair", "till", again, "1", "basket_id=11", *SIGNED]) == 0


def test_what_does_not_exist_is_told(house, broken, capsys):
    assert "There is no department tlil. Departments: crm" in _told(
        capsys, ["quarantine", "list", "--department", "tlil"]
    )
    assert "not in quarantine. See: python -m" in _told(capsys, ["quarantine", "show", "till", "nothing", "1"])
    assert "never run" in _told(capsys, ["quarantine", "discard", "crm", "x", "1", *SIGNED])
    assert "Say who decides" in _told(
        capsys, ["quarantine", "discard", "till", broken, "2", "--by", " ", "--reason", "x"]
    )
    with pytest.raises(SystemExit):
        main(["quarantine", "repair", "till", broken, "2", "quantity", *SIGNED])
    assert "'quantity' is not column=value" in capsys.readouterr().err


@pytest.fixture
def held(house):
    """A batch with too many broken rows, held. Returns its id."""
    batch = house.deliver("transactions", day(4), _lines(10, 200, quantity="abc") + _lines(90, 300))
    assert house.failed(TILL, day(4)) == {"few_rows_break_the_contract"}
    assert house.verdicts()[batch][0] == "held"
    return batch


def test_a_released_batch_is_accepted_by_every_later_run_and_holds_nobody(house, held, capsys):
    assert main(["release", "till", held, *SIGNED]) == 0
    assert "The next run of raw.till accepts it" in capsys.readouterr().out
    other = house.deliver("transactions", day(5), _lines(3, 500))
    assert not house.failed(TILL, day(5))
    assert house.verdicts() == {held: ["accepted", day(5), day(5)], other: ["accepted", day(5), day(5)]}
    assert house.status("till", day(5)) == ("fresh", day(5))
    before = house.left_behind()
    assert not house.failed(TILL, day(5))
    assert house.left_behind() == before
    assert len(_kept_out(house)) == 10, "its broken rows stay where they are"
    ((reason,),) = house.rows("select reason from quality.batch_verdicts where batch_id = %s", (held,))
    assert reason == "Released by a steward: the branch told us"
    ((who, why),) = house.rows("select released_by, reason from quality.batch_releases")
    assert (who, why) == ("Erika", "the branch told us")
    assert house.rows("select action, batch_id from quarantine.steward_actions") == [("release_batch", held)]


def test_only_a_held_batch_is_released(house, held, capsys):
    house.deliver("transactions", day(3), status="refused", reason="till/x.csv was refused: 'a' is missing.")
    refused = house.rows("select batch_id from raw_till._batches where status = 'refused'")[0][0]
    message = _told(capsys, ["release", "till", refused, *SIGNED])
    assert "was refused by landing" in message
    assert "delivered_as takes old and new name" in message
    assert f"till has no batch nothing. Held: {held}." in _told(capsys, ["release", "till", "nothing", *SIGNED])
    main(["release", "till", held, *SIGNED])
    assert "is released already" in _told(capsys, ["release", "till", held, *SIGNED])
    fresh = house.deliver("transactions", day(5), _lines(3, 500))
    assert "has not been judged yet" in _told(capsys, ["release", "till", fresh, *SIGNED])


def test_who_decided_is_not_shown_to_bi(house, held):
    import psycopg2

    from runtime.warehouse import transaction

    main(["release", "till", held, *SIGNED])
    for table in ("quality.batch_releases", "quarantine.steward_actions", "quarantine.repairs"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), transaction("cx_bi") as connection:
            connection.cursor().execute(f"select * from {table}")
