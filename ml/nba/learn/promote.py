"""Promote the waiting net values if the ledger of later days shows that they earn more and harm nobody."""

from datetime import date
from typing import Any

import numpy as np

from ml import promotion, registry, tracking
from ml.frames import as_numbers
from ml.nba import explore
from ml.nba.learn.answered import actions_of, answered, candidates_of, outcomes_of, prices
from ml.nba.learn.challenge import Logged, groups_of, logged, policy_of, read_capacities, values_of
from ml.nba.learn.values import LearnedValues
from ml.nba.model import NbaSettings, nba_settings
from ml.nba.reward import Prices, net_value
from ml.ope.judge import Judgement, Trial, judge
from ml.ope.log import Log
from ml.ope.settings import ope_settings
from ml.promotion import Verdict
from ml.registry import ModelVersion
from runtime import warehouse


def promote_net_value(as_of: date, promoted_by: str = "promotion rule") -> Verdict | None:
    """Judge the challenger by the log that its training held out, and carry out the verdict.

    The log and what was known of its outcomes are those of the day of training, so that a challenger has one verdict.
    One that is refused waits no longer. Returns None if nobody waits.
    """
    settings = nba_settings()
    challenger = registry.aliased(settings.net_value.model, registry.CHALLENGER)
    if challenger is None:
        return None
    found = _judged(challenger, settings)
    evidence = {name: float(value) for name, value in found.evidence.items() if np.isfinite(value)}
    verdict = Verdict(challenger, found.is_promoted, found.reason, {**evidence, **_days(challenger)})
    tags = {"verdict": "promoted" if found.is_promoted else "refused", "verdict_reason": found.reason}
    tracking.note(challenger.run_id, tags, {f"judge/{name}": value for name, value in evidence.items()})
    promotion.carry_out(verdict, as_of, promoted_by)
    if not found.is_promoted:
        registry.drop_alias(challenger, registry.CHALLENGER)
    return verdict


def tried_on_its_log(challenger: ModelVersion) -> int:
    """Return how many challengers up to this one, itself included, are judged by days of its log."""
    ours = _days(challenger)
    return sum(
        theirs["log_from"] <= ours["log_until"] and ours["log_from"] <= theirs["log_until"]
        for version in registry.versions(challenger.name)
        if int(version.version) <= int(challenger.version)
        for theirs in [_days(version)]
    )


def _judged(challenger: ModelVersion, settings: NbaSettings) -> Judgement:
    days = {name: date.fromisoformat(day) for name, day in _days(challenger).items()}
    known_on = date.fromisoformat(challenger.tags["as_of"])
    with warehouse.transaction() as connection:
        log_days = days["log_from"], days["log_until"]
        rows = answered(connection, known_on, *log_days, settings.net_value)
        log = logged(rows, candidates_of(connection, *log_days), actions_of(connection, known_on))
        capacities, worth = read_capacities(connection, known_on), prices(connection)
    trial = Trial(days["outcomes_until"], days["log_from"], tried_on_its_log(challenger))
    return judge_values(registry.load(challenger), log, capacities, worth, trial, settings)


def judge_values(
    values: LearnedValues,
    log: Logged,
    capacities: Any,
    worth: tuple[float, Prices],
    trial: Trial,
    settings: NbaSettings,
) -> Judgement:
    """Compare deciding by `values` with what was decided, on the decisions of the policy arm.

    The reward is all that followed within the window: margin, less cost, complaints and opt-outs.
    """
    policy = policy_of(log, values_of(log, values), capacities, settings)
    return judge_policy(policy, log, values.features, worth, trial, settings)


def judge_policy(
    policy: np.ndarray,
    log: Logged,
    features: list[str],
    worth: tuple[float, Prices],
    trial: Trial,
    settings: NbaSettings,
) -> Judgement:
    """Compare a policy (n, k) with what was decided; `features` are what the reward model of the judge looks at."""
    judged = (log.rows["arm"] == explore.POLICY).to_numpy()
    rows = log.rows[judged].reset_index(drop=True)
    followed = outcomes_of(rows, worth[0])
    action = log.actions.set_index("action_id").index.get_indexer(rows["action_id"])
    taken = Log(
        action=action,
        reward=net_value(followed, log.actions["cost_eur"].to_numpy(dtype=float)[action], worth[1]),
        propensity=rows["propensity"].to_numpy(dtype=float),
        actions=len(log.actions),
        features=as_numbers(rows, features).to_numpy(dtype=np.float32),
        customer=rows["customer_id"].to_numpy(),
    )
    guardrails = {"complaint": followed.complained > 0, "opt_out": followed.opted_out > 0}
    groups = groups_of(rows, settings.net_value.judged_groups)
    found = judge(taken, policy[judged], log.propensity[judged], trial, ope_settings(), guardrails, groups)
    if trial.tried == 1:
        return found
    reason = f"{found.reason}; {trial.tried} challengers were tried on this log"
    return Judgement(found.is_promoted, reason, found.gain, found.evidence)


def _days(version: ModelVersion) -> dict[str, str]:
    return {name: version.tags[name] for name in ("log_from", "log_until", "outcomes_until")}
