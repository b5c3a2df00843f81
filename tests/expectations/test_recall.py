"""A steward takes a batch out again that was let in; it stays out until the recall is lifted."""

import pytest

from expectations.__main__ import main
from tests.expectations.conftest import day

TILL = "raw.till"
SIGNED = ["--by", "Erika", "--reason", "the branch had sent test sales"]


@pytest.fixture
def accepted(house) -> str:
    """A batch that was accepted on its day."""
    batch = house.deliver("transactions", day(4), [{"basket_id": str(n)} for n in range(3)])
    house.check(TILL, day(4))
    assert house.verdicts()[batch][0] == "accepted"
    return batch


def entered(house) -> list[tuple]:
    return house.rows("select batch_id, known_date from quality.accepted_batches where department = 'till'")


def test_a_recalled_batch_leaves_the_warehouse_and_no_later_run_lets_it_in(house, accepted, capsys):
    assert main(["recall", "till", accepted, *SIGNED]) == 0
    assert f"python -m ml models saw till --batch {accepted}" in capsys.readouterr().out
    assert entered(house) == []
    for number in (4, 5):
        house.check(TILL, day(number))
        assert house.verdicts()[accepted][0] == "recalled" and entered(house) == []
    assert house.status("till", day(5))[1] is None, "nothing that counts was delivered"
    assert house.rows("select count(*) from raw_till.transactions") == [(3,)], "raw stays as it came"
    assert house.rows("select action, batch_id, done_by, reason from quarantine.steward_actions") == [
        ("recall_batch", accepted, SIGNED[1], SIGNED[3])
    ]


def test_what_comes_in_its_place_may_carry_the_same_keys(house, accepted):
    main(["recall", "till", accepted, *SIGNED])
    again = house.deliver("transactions", day(5), [{"basket_id": str(n), "quantity": "2"} for n in range(3)])
    house.check(TILL, day(5))
    assert house.verdicts()[again][0] == "accepted" and house.reasons() == []


def test_a_file_that_came_again_under_its_name_leaves_the_recall_as_it_is(house, accepted):
    main(["recall", "till", accepted, *SIGNED])
    house.deliver("transactions", day(4), [{"basket_id": "1", "quantity": "2"}], landed=day(5), replaces=accepted)
    house.check(TILL, day(5))
    assert house.verdicts()[accepted][0] == "recalled"


def test_no_day_is_compared_with_recalled_values(house, accepted):
    profiles = "select count(*) from quality.value_profiles where delivered_date = %s"
    assert house.rows(profiles, (day(4),))[0][0] > 0
    main(["recall", "till", accepted, *SIGNED])
    assert house.rows(profiles, (day(4),)) == [(0,)]


def test_a_lifted_recall_is_judged_again_and_known_from_that_day(house, accepted, capsys):
    main(["recall", "till", accepted, *SIGNED])
    assert main(["recall", "till", accepted, "--lift", *SIGNED]) == 0
    assert entered(house) == []
    house.check(TILL, day(6))
    assert entered(house) == [(accepted, day(6))]
    assert main(["recall", "till", accepted, "--lift", *SIGNED]) == 1
    assert "is accepted, not recalled" in capsys.readouterr().err


def test_only_what_is_there_is_recalled(house, accepted, capsys):
    main(["recall", "till", accepted, *SIGNED])
    for batch, told in ((accepted, "is recalled already"), ("nothing", "has no judged batch nothing")):
        assert main(["recall", "till", batch, *SIGNED]) == 1
        assert told in capsys.readouterr().err
