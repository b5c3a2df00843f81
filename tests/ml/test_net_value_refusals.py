"""Who may not decide by the ledger: the worse, the biased, who learned from its judge, and the luckiest of many."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from ml import promotion, registry
from ml.nba.experience import Catalogue, Experience
from ml.nba.learn.answered import answered, candidates_of, outcomes_of, prices, window_of
from ml.nba.learn.challenge import logged, policy_of, values_of
from ml.nba.learn.fit import features_of, fit
from ml.nba.learn.promote import judge_values, promote_net_value
from ml.nba.learn.standing import judge_standing, learn, thompson, why_judged_already
from ml.nba.learn.train import register
from ml.nba.learn.values import LearnedValues
from ml.nba.model import nba_settings
from ml.nba.net_value import NetValueModel
from ml.nba.reward import net_value
from ml.ope.estimate import doubly_robust
from ml.ope.judge import Trial
from ml.ope.log import Log
from ml.ope.reward_model import cross_fit
from ml.ope.settings import ope_settings
from ml.promotion import Verdict
from runtime import warehouse as runtime_warehouse
from tests.ml import planted_ledger
from tests.ml.company import AS_OF
from tests.ml.planted_ledger import REMINDER, TWINS

MODEL = "cx_net_value"
SETTINGS = nba_settings()
WINDOW = window_of(AS_OF, SETTINGS.net_value)
NOISY = 100
FEW_TREES = {"rounds": 1, "max_depth": 2, "eta": 0.01}  # noise is noise, and a hundred models are fitted


@pytest.fixture(scope="module")
def ledger(warehouse, mlflow_store):
    """What training reads of the planted ledger: decisions to learn from, later ones, actions and prices."""
    planted_ledger.found(SETTINGS)
    rules = SETTINGS.net_value
    with runtime_warehouse.transaction() as connection:
        seen = answered(connection, AS_OF, WINDOW.learned_from, WINDOW.learned_to, rules)
        later = answered(connection, AS_OF, WINDOW.log_from, WINDOW.log_until, rules)
        candidates = candidates_of(connection, WINDOW.log_from, WINDOW.log_until)
        worth = prices(connection)
    given = planted_ledger.circumstances(AS_OF)
    yield {
        **{"seen": seen, "later": later, "actions": given.actions, "worth": worth},
        **{"capacities": given.capacities, "log": logged(later, candidates, given.actions)},
    }
    planted_ledger.close()


def learned(ledger: dict, rows: pd.DataFrame) -> LearnedValues:
    return fit(rows, ledger["actions"], ledger["worth"], SETTINGS)


def challenge(ledger: dict, values: LearnedValues, name: str, window=WINDOW) -> tuple[registry.ModelVersion, Verdict]:
    """Register values as training does, and let them be judged."""
    tags = {"as_of": AS_OF.isoformat(), "data_hash": name}
    version = register(values, ledger["seen"], ledger["later"], window, tags, SETTINGS)
    promotion.announce(version, AS_OF, {})
    return version, promote_net_value(AS_OF)


def assert_refused(version: registry.ModelVersion, verdict: Verdict, reason: str) -> None:
    """The reason stands in the verdict, in MLflow and in the history; nobody decides by it, and it waits no longer."""
    assert not verdict.is_promoted and verdict.reason.startswith("refused: ") and reason in verdict.reason
    run = MlflowClient().get_run(version.run_id).data
    assert run.tags["verdict"] == "refused" and run.tags["verdict_reason"] == verdict.reason
    with runtime_warehouse.transaction() as connection:
        told = runtime_warehouse.read_frame(
            connection,
            "select reason from scores.model_history where model_name = %s and version = %s and alias = 'refused'",
            (MODEL, version.version),
        )
    assert told["reason"].tolist() == [verdict.reason]
    assert registry.aliased(MODEL, registry.CHAMPION) is None
    assert registry.aliased(MODEL, registry.CHALLENGER) is None
    assert promote_net_value(AS_OF) is None


def test_a_worse_challenger_is_refused(ledger):
    """It takes a coupon for what the reminders did, and so pays for what changes nothing."""
    swapped = {REMINDER: TWINS[1], TWINS[1]: REMINDER}
    rows = ledger["seen"].assign(action_id=ledger["seen"]["action_id"].replace(swapped))
    assert_refused(*challenge(ledger, learned(ledger, rows), "worse"), "does not lie above 0")


def test_a_challenger_that_earns_by_taking_from_one_group_is_refused(ledger):
    """It cannot see the age bands, so it reminds everybody: two bands bring more than the third loses."""
    blind = learned(ledger, ledger["seen"].drop(columns=["age_band_ordinal"]))
    version, verdict = challenge(ledger, blind, "biased")
    assert_refused(version, verdict, "customers with age_band_ordinal 3 lose")
    assert verdict.evidence["gain"] > 0, "it earns more over all"
    assert verdict.evidence["gain_age_band_ordinal_1"] > 0 > verdict.evidence["gain_age_band_ordinal_3"]


def test_who_learned_from_the_log_is_refused(ledger):
    """Its window says what it is: outcomes were seen up to a day of the log."""
    peeking = replace(WINDOW, learned_to=WINDOW.log_from, outcomes_until=WINDOW.log_from + timedelta(days=14))
    both = pd.concat([ledger["seen"], ledger["later"]], ignore_index=True)
    assert_refused(
        *challenge(ledger, learned(ledger, both), "peeked", peeking), "nobody is judged by what it learned from"
    )


def test_the_luckiest_of_many_challengers_of_no_merit_is_refused(ledger):
    """Each sees differences between coupons that are alike; judged alone the luckiest would be promoted."""
    noisy = [noise(ledger, seed) for seed in range(NOISY)]
    luckiest = np.argsort([-z_of_gain(ledger, values) for values in noisy])[:5]
    alone = Trial(WINDOW.outcomes_until, WINDOW.log_from)
    given = ledger["log"], ledger["capacities"], ledger["worth"]
    lucky = next(noisy[one] for one in luckiest if judge_values(noisy[one], *given, alone, SETTINGS).is_promoted)
    first = register(noisy[0], ledger["seen"], ledger["later"], WINDOW, {"as_of": AS_OF.isoformat(), "data_hash": "n0"},
                     SETTINGS)  # fmt: skip
    info = MlflowClient().get_model_version(MODEL, first.version)
    for number in range(1, NOISY - 1):
        MlflowClient().create_model_version(
            MODEL, info.source, first.run_id, tags={**first.tags, "data_hash": f"n{number}"}
        )
    version, verdict = challenge(ledger, lucky, "lucky")
    assert verdict.evidence["tried"] >= NOISY
    assert_refused(version, verdict, "does not lie above 0")
    assert f"{verdict.evidence['tried']:.0f} challengers were tried on this log" in verdict.reason


def noise(ledger: dict, seed: int) -> LearnedValues:
    """Values of two coupons from answers that chance gave: a few customers answered one, a few the other.

    An answer is worth 7 EUR, so that both are worth on average what the ledger says: about nothing.
    """
    random, names, size = np.random.default_rng(seed), ledger["actions"]["action_id"].tolist(), 2000
    rows = ledger["seen"].sample(size, random_state=seed)
    action = np.where(random.random(size) < 0.5, names.index(TWINS[1]), names.index(TWINS[2]))
    answers = random.random(size) < planted_ledger.ANSWERED
    features, nothing = rows[features_of(rows)].to_numpy(dtype=np.float32), np.zeros(size)
    seen = Experience(features, action, np.full(size, 7.0), answers.astype(float), 7.0 * answers, nothing,
                      np.full(size, 7.0), nothing + np.nan, nothing + np.nan)  # fmt: skip
    cost = ledger["actions"]["cost_eur"].to_numpy(dtype=float)
    catalogue = Catalogue(cost, np.ones(len(cost)), np.full(len(cost), planted_ledger.ANSWERED), np.zeros(len(cost)))
    # What is known of each coupon in the mean stays: they would only prefer one to the other.
    sure = {"prior_contacts": 1e6, "trees": FEW_TREES}
    few = {name: {**SETTINGS.learning[name], **sure} for name in ("response", "harm")}
    learning = {**SETTINGS.learning, **few, "worth_trees": FEW_TREES}
    model = NetValueModel(catalogue, learning, seed).fit(seen)
    return LearnedValues(model, features_of(rows), names, TWINS[1:], 7 / planted_ledger.BASKET_EUR, 7.0)


def z_of_gain(ledger: dict, values: LearnedValues) -> float:
    """By how many standard errors the log seems to speak for a challenger."""
    log = ledger["log"]
    policy = policy_of(log, values_of(log, values), ledger["capacities"], SETTINGS)
    judged = (log.rows["arm"] == "policy").to_numpy()
    taken, rewards = foretold(ledger)
    gained = doubly_robust(taken, policy[judged], rewards) - doubly_robust(taken, log.propensity[judged], rewards)
    return float(gained.mean() / gained.std())


def foretold(ledger: dict) -> tuple[Log, np.ndarray]:
    """The judged log and its rewards by any reward model, worked out once."""
    if "foretold" not in ledger:
        log = ledger["log"]
        rows = log.rows[log.rows["arm"] == "policy"].reset_index(drop=True)
        action = pd.Index(ledger["actions"]["action_id"]).get_indexer(rows["action_id"])
        cost = ledger["actions"]["cost_eur"].to_numpy(dtype=float)[action]
        margin, costs = ledger["worth"]
        reward = net_value(outcomes_of(rows, margin), cost, costs)
        features = rows[features_of(rows)].to_numpy(dtype=np.float32)
        taken = Log(action, reward, rows["propensity"].to_numpy(), len(ledger["actions"]), features)
        ledger["foretold"] = taken, cross_fit(taken, ope_settings()).rewards
    return ledger["foretold"]


def test_the_standing_challenger_is_judged_and_told_and_never_taken(ledger):
    verdict = judge_standing(AS_OF)
    assert not verdict.is_promoted and verdict.reason.startswith(("refused: ", "would earn more: "))
    run = MlflowClient().get_run(verdict.version.run_id).data
    assert run.tags["verdict_reason"] == verdict.reason and run.metrics["judge/gain"] == verdict.evidence["gain"]
    assert run.tags["learned_to"] < run.tags["log_from"]
    assert judge_standing(AS_OF).reason == verdict.reason
    with runtime_warehouse.transaction() as connection:
        told = runtime_warehouse.read_frame(
            connection, "select version, alias, reason from scores.model_history where model_name = 'cx_standing'"
        )
    assert told.values.tolist() == [[AS_OF.isoformat(), told["alias"][0], verdict.reason]]
    assert told["alias"][0] in ("refused", "challenger"), "a run twice is one event, and nobody became champion"
    assert registry.aliased("cx_standing", registry.CHAMPION) is None
    assert why_judged_already(AS_OF) == "", "a day that is run twice does the same twice"
    assert str(AS_OF) in why_judged_already(AS_OF + timedelta(days=6))
    assert why_judged_already(AS_OF + timedelta(days=7)) == ""


def test_the_standing_challenger_learns_what_the_values_missed_lately(ledger):
    """Customers change: whoever gets the first coupon in the window brings 60 EUR of margin more than before."""
    with runtime_warehouse.transaction() as connection:
        since = WINDOW.learned_to - timedelta(days=SETTINGS.standing["learned_days"] - 1)
        candidates = candidates_of(connection, since, WINDOW.learned_to)
    rows = ledger["seen"]
    rows = rows[rows["decided_date"] >= pd.Timestamp(since)].reset_index(drop=True)
    names, twin = ledger["actions"]["action_id"].tolist(), TWINS[0]
    changed = rows["spend_eur"] + 60 / ledger["worth"][0] * (rows["action_id"] == twin)
    policies, missed = [], []
    for window in (rows, rows.assign(spend_eur=changed)):
        found = learn(logged(window, candidates, ledger["actions"]), ledger["worth"], SETTINGS)
        missed.append(found.mean[:, 0])
        policies.append(thompson(ledger["log"], found, ledger["capacities"], SETTINGS))
    before, after = policies
    for policy in policies:
        assert np.allclose(policy.sum(axis=1), 1) and not policy[~ledger["log"].is_eligible].any()
    assert missed[1][names.index(twin)] - missed[0][names.index(twin)] > 5
    judged = (ledger["log"].rows["arm"] == "policy").to_numpy()
    share = [policy[judged, names.index(twin)].mean() for policy in (before, after)]
    assert share[1] > share[0] + 0.2
    assert not missed[1][names.index("no_action")]
