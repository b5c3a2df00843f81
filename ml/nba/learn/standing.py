"""The standing challenger: linear Thompson sampling with a short window, judged against drift and never taken silently.

What the ledger expected is right until customers change; then a long memory is slow. So the challenger keeps the
champion's values and learns only what they missed in the last few answered days: per action a Bayesian regression of
the reward on the customer's features (Agrawal & Goyal, "Thompson Sampling for Contextual Bandits with Linear Payoffs",
ICML 2013). It decides by draws from the posterior, so its propensities are the mean over draws. Each time it is judged
off-policy, by the same days and rules as a challenger of the net values; the verdict goes to MLflow and the history.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ml import frames, history, registry, tracking
from ml.nba import rates
from ml.nba.learn.answered import actions_of, answered, candidates_of, outcomes_of, prices, window_of
from ml.nba.learn.challenge import Logged, logged, policy_of, read_capacities
from ml.nba.learn.fit import features_of
from ml.nba.learn.promote import judge_policy
from ml.nba.model import NbaSettings, nba_settings
from ml.nba.policy import NO_ACTION
from ml.nba.reward import Prices, net_value
from ml.ope.judge import Judgement, Trial
from ml.promotion import Verdict
from ml.registry import ModelVersion
from runtime import warehouse

# SquareCB at such a gamma takes the best action, as Thompson sampling does with each draw.
_GREEDY = 1e12
_REFUSED = "refused"


@dataclass(frozen=True)
class Missed:
    """What k actions brought beyond what was expected, linear in d standardised features and a constant.

    `mean` (k, d + 1) in EUR and `root` (k, d + 1, d + 1), a square root of its covariance, are the posterior; an action
    that was not drawn in the window keeps the prior, no_action is the zero from which the others are counted.
    """

    features: list[str]
    scale: tuple[np.ndarray, np.ndarray]
    mean: np.ndarray
    root: np.ndarray

    def draw(self, rows: pd.DataFrame, chance: np.random.Generator) -> np.ndarray:
        """Return what each action would bring beyond what is expected (n, k), by one draw of the posterior."""
        normal = chance.normal(size=self.mean.shape)
        return _inputs(rows, self.features, self.scale) @ (self.mean + np.einsum("kij,kj->ki", self.root, normal)).T


def judge_standing(as_of: date) -> Verdict:
    """Learn from the window, judge by the log after it, and write the verdict; nothing is promoted.

    Raises NotEnoughHistory or EmptyFrame if the ledger is too young (`ml.nba.learn.train.why_too_young`).
    """
    settings = nba_settings()
    rules = settings.net_value
    window = window_of(as_of, rules)
    since = window.learned_to - timedelta(days=settings.standing["learned_days"] - 1)
    with warehouse.transaction() as connection:
        actions, worth = actions_of(connection, as_of), prices(connection)
        seen = answered(connection, as_of, since, window.learned_to, rules)
        before = logged(seen, candidates_of(connection, since, window.learned_to), actions)
        rows = answered(connection, as_of, window.log_from, window.log_until, rules)
        log = logged(rows, candidates_of(connection, window.log_from, window.log_until), actions)
        capacities = read_capacities(connection, as_of)
    missed = learn(before, worth, settings)
    policy = thompson(log, missed, capacities, settings)
    found = judge_policy(policy, log, missed.features, worth, Trial(window.outcomes_until, window.log_from), settings)
    days = {"learned_from": since, **{name: getattr(window, name) for name in ("learned_to", "log_from", "log_until")}}
    return _told(found, as_of, {name: day.isoformat() for name, day in days.items()}, before, log, settings)


def learn(before: Logged, worth: tuple[float, Prices], settings: NbaSettings) -> Missed:
    """Return what the answered decisions brought beyond what the ledger had expected of the drawn action."""
    names = before.actions["action_id"].tolist()
    features = features_of(before.rows)
    scale = rates.standards(frames.as_numbers(before.rows, features).to_numpy(dtype=np.float32))
    inputs = _inputs(before.rows, features, scale)
    action = pd.Index(names).get_indexer(before.rows["action_id"])
    cost = before.actions["cost_eur"].to_numpy(dtype=float)[action]
    reward = net_value(outcomes_of(before.rows, worth[0]), cost, worth[1])
    # What happens anyway is learned from decisions to do nothing: it would drown what an action adds.
    nothing = action == names.index(NO_ACTION)
    anyway = _posterior(inputs[nothing], reward[nothing], settings.standing)[0]
    rest = reward - inputs @ anyway - before.value_eur[np.arange(len(action)), action]
    width = inputs.shape[1]
    mean, root = np.zeros((len(names), width)), np.zeros((len(names), width, width))
    for place, name in enumerate(names):
        if name != NO_ACTION:
            taken = action == place
            mean[place], root[place] = _posterior(inputs[taken], rest[taken], settings.standing)
    return Missed(features, scale, mean, root)


def thompson(log: Logged, missed: Missed, capacities: pd.DataFrame, settings: NbaSettings) -> np.ndarray:
    """Return the probabilities (n, k) of deciding by draws from the posterior, under the capacities of each day."""
    chance, greedy = np.random.default_rng(settings.seed), replace(settings, gamma=_GREEDY)
    draws = int(settings.standing["draws"])
    return (
        sum(policy_of(log, log.value_eur + missed.draw(log.rows, chance), capacities, greedy) for _ in range(draws))
        / draws
    )


def why_judged_already(as_of: date) -> str:
    """Say when it was judged last if that is less than `every_days` ago; empty if it is due."""
    standing = nba_settings().standing
    query = "select max(as_of_date) from scores.model_history where model_name = %s and as_of_date <= %s"
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(query, (standing["model"], as_of))
        (last,) = cursor.fetchone()
    is_fresh = last is not None and last < as_of and (as_of - last).days < standing["every_days"]
    return f"The standing challenger was judged on {last}." if is_fresh else ""


def _posterior(inputs: np.ndarray, outcome: np.ndarray, standing: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (d) and a square root (d, d) of the covariance of a regression with a normal prior around nothing.

    `prior_decisions` is how many decisions the prior weighs; the noise is that of the outcomes (n).
    """
    noise = max(float(outcome.var()), 1e-6) if len(outcome) > 1 else standing["noise_eur"] ** 2
    precision = inputs.T @ inputs + standing["prior_decisions"] * np.eye(inputs.shape[1])
    factor = np.linalg.cholesky(np.linalg.inv(precision))
    return np.linalg.solve(precision, inputs.T @ outcome), np.sqrt(noise) * factor


def _inputs(rows: pd.DataFrame, features: list[str], scale: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    known = rates.standardised(frames.as_numbers(rows, features).to_numpy(dtype=np.float32), scale)
    return np.column_stack([np.ones(len(rows)), known]).astype(float)


def _told(
    found: Judgement, as_of: date, days: dict[str, str], before: Logged, log: Logged, settings: NbaSettings
) -> Verdict:
    """Write the run and the event; a verdict in favour calls for a person, and changes nothing by itself."""
    import mlflow

    name, hashed = settings.standing["model"], frames.content_hash(before.rows)
    evidence = {key: float(value) for key, value in found.evidence.items() if np.isfinite(value)}
    reason = found.reason if not found.is_promoted else found.reason.replace("promoted", "would earn more", 1)
    tags = {"as_of": as_of.isoformat(), "data_hash": hashed, "verdict_reason": reason, **days}
    tags["verdict"] = "better" if found.is_promoted else _REFUSED
    with tracking.run(name, {key: tags[key] for key in ("as_of", "data_hash")}, __doc__) as run:
        mlflow.set_tags(tags)
        mlflow.log_params({key: value for key, value in settings.standing.items() if key != "model"})
        mlflow.log_metrics({"decisions": len(before.rows), "judged_decisions": len(log.rows)})
        mlflow.log_metrics({f"judge/{key}": value for key, value in evidence.items()})
    version = ModelVersion(name, as_of.isoformat(), run.info.run_id, tags)
    alias = registry.CHALLENGER if found.is_promoted else _REFUSED
    with warehouse.transaction() as connection:
        history.append(connection, version, alias, as_of, "standing challenger", reason, {**evidence, **days})
    return Verdict(version, False, reason, evidence)
