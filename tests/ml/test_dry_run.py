"""Other rules on the last decided day: what would change, without writing; rules that cannot hold are refused."""

import pandas as pd
import pytest

from ml.nba import __main__ as command
from ml.nba.dry_run import dry_run
from runtime.checksums import checksums
from tests.ml.company import AS_OF, CUSTOMERS, SEEDS


@pytest.fixture
def seed(tmp_path):
    """Write a seed file with some rows changed, and return its path."""

    def write(name: str, change) -> object:
        path = tmp_path / name
        change(pd.read_csv(SEEDS / name)).to_csv(path, index=False)
        return path

    return write


def test_the_rules_in_force_change_nothing(decided, seed):
    found = dry_run(None, seed("policies.csv", lambda rows: rows), seed("capacities.csv", lambda rows: rows))
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
    path = seed("policies.csv", stricter)
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
    found = dry_run(AS_OF, None, seed("capacities.csv", lambda rows: rows.assign(maximum_per_day=2)))
    assert found.by_action.loc["no_action", "after"] >= CUSTOMERS - 8, "two euros pay for eight reminders at most"
    assert found.value_after_eur < found.value_before_eur


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
    assert command.main(["dry-run", "--policies", str(seed("policies.csv", change))]) == 1
    assert message in capsys.readouterr().err


def test_a_capacity_that_means_nothing_is_refused(decided, seed, capsys):
    for change in ({"unit": "hours"}, {"channel": "pigeon"}, {"maximum_per_day": -1}):
        path = seed("capacities.csv", lambda rows, change=change: rows.assign(**change))
        assert command.main(["dry-run", "--capacities", str(path)]) == 1
        assert "apacity" in capsys.readouterr().err
