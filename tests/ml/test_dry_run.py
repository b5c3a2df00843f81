"""Other actions and rules on the last decided day: what would change, without writing; what cannot be is refused."""

from datetime import timedelta

import pandas as pd
import pytest

from ml.nba import __main__ as command
from ml.nba.dry_run import dry_run
from runtime.checksums import checksums
from tests.ml.company import AS_OF, CUSTOMERS, SEEDS

NEXT_WEEK = AS_OF + timedelta(days=7)


@pytest.fixture
def seed(tmp_path):
    """Write a seed file with some rows changed, and return its path."""

    def write(name: str, change) -> object:
        path = tmp_path / name
        change(pd.read_csv(SEEDS / name)).to_csv(path, index=False)
        return path

    return write


def test_the_rules_in_force_change_nothing(decided, seed):
    files = [seed(name, lambda rows: rows) for name in ("policy_versions.csv", "capacities.csv", "action_versions.csv")]
    found = dry_run(None, *files)
    assert (found.as_of, found.customers, found.changed) == (AS_OF, CUSTOMERS, 0)
    assert found.value_after_eur == found.value_before_eur > 0
    actions = pd.Series([row["action_id"] for row in decided]).value_counts()
    assert found.by_action["before"][found.by_action["before"] > 0].to_dict() == actions.to_dict()


def test_a_stricter_policy_says_who_loses_and_writes_nothing(decided, seed, capsys):
    def stricter(rows: pd.DataFrame) -> pd.DataFrame:
        nobody = rows[rows["policy_id"] == "call_only_valuable"].assign(
            policy_id="no_coupons", action_id="coupon_campaign_c", threshold=1e9
        )
        return pd.concat([rows, nobody], ignore_index=True)

    before = checksums(["decisions", "scores", "vocabulary"])
    path = seed("policy_versions.csv", stricter)
    found = dry_run(AS_OF, path, None)
    lost = found.by_action.loc["coupon_campaign_c"]
    assert lost["after"] == 0 < lost["before"] and found.changed >= lost["before"]
    assert found.value_after_eur < found.value_before_eur
    assert command.main(["dry-run", "--policies", str(path)]) == 0
    said = capsys.readouterr().out
    assert f"{found.changed} of {CUSTOMERS} customers" in said
    assert f"coupon_campaign_c: 0 instead of {lost['before']} customers" in said
    assert checksums(["decisions", "scores", "vocabulary"]) == before


def test_a_smaller_budget_says_what_it_costs(decided, seed):
    found = dry_run(AS_OF, capacities=seed("capacities.csv", lambda rows: rows.assign(maximum_per_day=2)))
    assert found.by_action.loc["no_action", "after"] >= CUSTOMERS - 8, "two euros pay for eight reminders at most"
    assert found.value_after_eur < found.value_before_eur


def test_what_is_announced_for_later_is_tried_today(decided, seed, capsys):
    """A dearer coupon from next week on: the row of today stays, another one says from when it is as it says."""

    def dearer(rows: pd.DataFrame) -> pd.DataFrame:
        coupon = rows[rows["action_id"] == "coupon_campaign_c"].assign(cost_eur=1000, valid_from=str(NEXT_WEEK))
        return pd.concat([rows, coupon], ignore_index=True)

    path = seed("action_versions.csv", dearer)
    found = dry_run(AS_OF, actions=path)
    assert found.rules_of == NEXT_WEEK and f"{AS_OF} by the rules of {NEXT_WEEK}" in found.lines()[0]
    assert found.by_action.loc["coupon_campaign_c", "after"] == 0 < found.by_action.loc["coupon_campaign_c", "before"]
    assert dry_run(AS_OF, actions=path, rules_of=AS_OF).changed == 0
    assert command.main(["dry-run", "--actions", str(path), "--rules-of", str(AS_OF)]) == 0
    assert "0 of 240 customers would get another action" in capsys.readouterr().out


def test_a_policy_that_ends_is_tried_without_it(decided, seed):
    def without(rows: pd.DataFrame) -> pd.DataFrame:
        ends = rows["policy_id"] == "remind_only_overdue"
        return rows.assign(valid_until=rows["valid_until"].where(~ends, str(AS_OF)))

    found = dry_run(AS_OF, seed("policy_versions.csv", without))
    assert found.by_action.loc["reminder_message", "after"] > found.by_action.loc["reminder_message", "before"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cost_eur": -1}, "costs less than nothing"),
        ({"response_basis": "guessed"}, "has a response_basis other than learned or assumed"),
        ({"assumed_response": 2}, "needs an assumed_response of 0 to 1"),
        ({"action_id": "call"}, "stands there twice for one valid_from"),
    ],
)
def test_actions_that_cannot_be_are_refused(decided, seed, capsys, change, message):
    path = seed("action_versions.csv", lambda rows: rows.assign(**change))
    assert command.main(["dry-run", "--actions", str(path)]) == 1
    assert message in capsys.readouterr().err


def test_a_file_without_a_column_is_refused_by_name(decided, seed, capsys):
    path = seed("action_versions.csv", lambda rows: rows.drop(columns="cost_eur"))
    assert command.main(["dry-run", "--actions", str(path)]) == 1
    assert "lacks the columns cost_eur" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: pd.concat([rows, rows.head(1)]), "contact_limit stands there twice"),
        (lambda rows: rows.assign(action_id="dance"), "is about dance, which is no action"),
        (lambda rows: rows.assign(rule="only_on_sundays"), "only_on_sundays, which nothing carries out"),
        (
            lambda rows: pd.concat(
                [rows, rows[rows["policy_id"] == "call_only_valuable"].assign(policy_id="other", threshold=10)]
            ),
            "other sets a minimum that another one sets too",
        ),
        (lambda rows: rows.assign(threshold=None), "call_only_valuable is a minimum without a threshold"),
        (
            lambda rows: pd.concat(
                [rows, rows[rows["rule"] == "consent_not_required"].assign(policy_id="c", rule="consent_required")]
            ),
            "consent to all purposes is asked for and not asked for",
        ),
        (lambda rows: rows.assign(parameter=rows["parameter"].replace("spend_eur_84d", "luck")), "luck"),
    ],
)
def test_rules_that_cannot_hold_are_refused(decided, seed, capsys, change, message):
    assert command.main(["dry-run", "--policies", str(seed("policy_versions.csv", change))]) == 1
    assert message in capsys.readouterr().err


def test_a_capacity_that_means_nothing_is_refused(decided, seed, capsys):
    for change in ({"unit": "hours"}, {"channel": "pigeon"}, {"maximum_per_day": -1}):
        path = seed("capacities.csv", lambda rows, change=change: rows.assign(**change))
        assert command.main(["dry-run", "--capacities", str(path)]) == 1
        assert "apacity" in capsys.readouterr().err
