"""New actions begin small and grow: true propensities all the while, and none of it once they are mature."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.nba import explore
from ml.nba.capacity import Limits
from ml.nba.choose import RATIONED, SQUARECB, choose
from ml.nba.maturity import noted, ramp, shares
from ml.nba.versions import in_force

BEGUN = date(2025, 6, 2)
ACTIONS = pd.DataFrame(
    {
        "action_id": ["no_action", "old", "new"],
        "kind": "optional",
        "offered_since": pd.to_datetime(["2025-01-01", "2025-01-01", BEGUN]),
    }
)
MATURITY = {"starts_at": 0.02, "days": 28}
NOTHING = Limits([], np.zeros((3, 0)), np.zeros(0))


def chosen(age: int, customers: int = 600, seed: int = 0, maturity=MATURITY):
    """A day on which the new action is the best for most, `age` days after it took effect."""
    chance = np.random.default_rng(seed)
    value = np.column_stack([np.zeros(customers), chance.normal(1, 1, customers), chance.normal(3, 1, customers)])
    is_eligible = np.column_stack([np.ones(customers, bool), chance.random((customers, 2)) < 0.9])
    arms = chance.choice([explore.POLICY, explore.RANDOM, explore.HOLDOUT], customers, p=[0.9, 0.05, 0.05])
    limits = NOTHING.beside(ramp(ACTIONS, BEGUN + timedelta(days=age), customers, maturity)).binding(is_eligible)
    choice = choose(arms, value.round(4), is_eligible, chance.random(customers), limits, 0, 800, 10, 0.1, [seed])
    return choice, is_eligible


@settings(max_examples=25)
@given(st.integers(0, 40), st.integers(40, 400), st.integers(0, 1000), st.floats(0.0, 1.0))
def test_propensities_sum_to_one_and_no_more_get_it_than_its_share(age, customers, seed, starts_at):
    maturity = {"starts_at": starts_at, "days": 28}
    choice, is_eligible = chosen(age, customers, seed, maturity)
    share = shares(ACTIONS, BEGUN + timedelta(days=age), maturity).get("new", 1.0)
    assert np.allclose(choice.probability.sum(axis=1), 1, atol=1e-9) and (choice.probability >= 0).all()
    assert (choice.probability[~is_eligible] == 0).all()
    assert (choice.action == 2).sum() <= share * customers + 1e-6
    assert choice.probability[:, 2].sum() <= share * customers + 1e-6


@given(st.integers(0, 60), st.integers(1, 90), st.floats(0.0, 1.0), st.integers(0, 10_000))
def test_the_ramp_only_grows(age, days, starts_at, customers):
    maturity = {"starts_at": starts_at, "days": days}
    today, tomorrow = (ramp(ACTIONS, BEGUN + timedelta(days=one), customers, maturity) for one in (age, age + 1))
    share = shares(ACTIONS, BEGUN + timedelta(days=age), maturity).get("new", 1.0)
    assert starts_at <= share <= 1 or share == 1
    if tomorrow.names:
        assert today.names == tomorrow.names == ["ramp of new"] and (today.maximum <= tomorrow.maximum).all()


def test_its_expected_share_grows_with_its_age_until_nothing_holds_it_back():
    expected = [chosen(age)[0].probability[:, 2].mean() for age in (0, 7, 14, 21, 28)]
    assert (np.diff(expected) > 0).all() and expected[0] <= 0.02 and expected[-1] > 0.7


def test_a_mature_action_is_drawn_as_if_there_were_no_ramp():
    young, mature = (chosen(age)[0] for age in (21, 28))
    assert (young.method, mature.method) == (RATIONED, SQUARECB)
    assert shares(ACTIONS, BEGUN + timedelta(days=28), MATURITY) == {}


def test_it_goes_to_those_for_whom_it_promises_most():
    choice, _ = chosen(0, 2000)
    got = choice.assigned == 2
    assert 0 < got.sum() <= 40


def test_doing_nothing_is_never_new_and_the_ledger_keeps_the_ramp():
    new = ACTIONS.assign(offered_since=pd.Timestamp(BEGUN))
    assert noted(new, BEGUN, MATURITY) == {**MATURITY, "shares": {"old": 0.02, "new": 0.02}}
    assert ramp(new, BEGUN, 1000, MATURITY).maximum.tolist() == [20, 20]
    assert not ramp(new.assign(offered_since=pd.Timestamp("2025-01-01")), BEGUN, 1000, MATURITY)


def test_whole_customers_are_not_lost_to_rounding():
    share = {"starts_at": 0.29, "days": 28}
    assert ramp(ACTIONS, BEGUN, 100, share).maximum.tolist() == [29]


def test_a_later_version_of_an_action_is_no_new_action():
    versions = pd.DataFrame(
        {"action_id": ["call", "call", "call", "visit"], "kind": "optional", "cost_eur": [5, 6, 7, 9],
         "valid_from": ["2025-01-01", "2025-06-15", "2025-06-20", "2025-06-20"]}
    )  # fmt: skip
    today, later = (in_force(versions, "action_id", date(2025, 6, day)) for day in (19, 20))
    assert today[["action_id", "cost_eur"]].values.tolist() == [["call", 6]]
    assert later[["action_id", "cost_eur"]].values.tolist() == [["call", 7], ["visit", 9]]
    assert shares(later, date(2025, 6, 20), MATURITY) == {"visit": 0.02}
