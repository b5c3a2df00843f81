"""May a challenger decide from now on? Only if the log shows that it earns more and harms nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.ope.estimate import Estimate, difference
from ml.ope.interval import mean_interval
from ml.ope.log import Log
from ml.ope.reward_model import Foretold, cross_fit
from ml.ope.settings import OpeSettings


@dataclass(frozen=True)
class Trial:
    """What is known of a challenger beside its probabilities.

    `learned_until` is the last day whose outcomes it has seen, `log_from` the first day of the log that judges it;
    `tried` is how many challengers are judged by this log, this one included.
    """

    learned_until: date
    log_from: date
    tried: int = 1


@dataclass(frozen=True)
class Judgement:
    """The verdict with its reason and all figures, named for MLflow and the history of models."""

    is_promoted: bool
    reason: str
    gain: Estimate | None
    evidence: dict[str, float]


def judge(
    log: Log,
    challenger: np.ndarray,
    champion: np.ndarray | None,
    trial: Trial,
    settings: OpeSettings,
    guardrails: Mapping[str, np.ndarray] | None = None,
    groups: Mapping[str, np.ndarray] | None = None,
) -> Judgement:
    """Promote `challenger` (n, k) over `champion` (n, k, or LOGGED) if the lower bound of its gain is high enough.

    `guardrails`: per name whether it happened (n, 0 or 1), as complaint and opt_out, each with a limit in the settings;
    `groups`: per name the group (n) of each customer, none of which may lose for sure. With several challengers tried
    on one log, the best of them is lucky: the confidence rises to 1 - (1 - confidence) / tried (Bonferroni).
    """
    if trial.learned_until >= trial.log_from:
        return Judgement(False, f"refused: it has seen outcomes up to {trial.learned_until}, and the log begins on "
                         f"{trial.log_from}; nobody is judged by what it learned from", None, {})  # fmt: skip
    rules = settings.promotion
    stricter = settings.with_confidence(1 - (1 - settings.confidence) / trial.tried)
    foretold = cross_fit(log, settings)
    gain = difference(log, challenger, champion, foretold, stricter)
    evidence = {**gain.as_metrics("gain"), "tried": float(trial.tried)}
    objections = [f"the log is too little to judge by: {gain.refusal}"] if gain.is_refused else []
    if gain.interval.low <= rules["minimum_gain"]:
        found = f"gain {gain.interval.estimate:.4f} [{gain.interval.low:.4f}, {gain.interval.high:.4f}] per decision"
        objections.append(f"{found} does not lie above {rules['minimum_gain']:g}")
    for name, happened in (guardrails or {}).items():
        worst, figures = _worsening(log.paying(happened), challenger, champion, name, settings)
        evidence |= figures
        if worst > rules["maximum_increase"][name]:
            objections.append(f"{name} may rise by {worst:.4f}, more than {rules['maximum_increase'][name]:g}")
    coverage = action_coverage(log, challenger, champion, rules["used_above"])
    evidence["action_coverage"] = coverage
    if coverage < rules["minimum_coverage"]:
        objections.append(
            f"it uses {coverage:.0%} of the champion's actions, less than {rules['minimum_coverage']:.0%}"
        )
    for name, group in (groups or {}).items():
        lost, figures = _losers(log, challenger, champion, foretold, name, group, stricter)
        evidence |= figures
        objections += lost
    interval = f"[{gain.interval.low:.4f}, {gain.interval.high:.4f}]"
    reason = f"refused: {'; '.join(objections)}" if objections else f"promoted: gain per decision {interval}"
    return Judgement(not objections, reason, gain, evidence)


def action_coverage(log: Log, challenger: np.ndarray, champion: np.ndarray | None, used_above: float) -> float:
    """Return the share of the actions used by the champion that the challenger still uses."""
    drawn = np.bincount(log.action, minlength=log.actions) / len(log)
    before = drawn if champion is None else champion.mean(axis=0)
    used = before > used_above
    return float((challenger.mean(axis=0) > used_above)[used].mean())


def _worsening(
    log: Log, challenger: np.ndarray, champion: np.ndarray | None, name: str, settings: OpeSettings
) -> tuple[float, dict[str, float]]:
    """Return by how much something unwanted may rise (the upper bound), and the figures."""
    found = difference(log, challenger, champion, cross_fit(log, settings), settings)
    # What was never seen may still happen: nothing in n tries leaves 3 / n open (the rule of three).
    worst = max(found.interval.high, found.interval.estimate + 3 / max(found.overlap.ess, 1.0))
    return worst, {f"{name}_increase": found.interval.estimate, f"{name}_increase_high": worst}


def _losers(
    log: Log,
    challenger: np.ndarray,
    champion: np.ndarray | None,
    foretold: Foretold,
    name: str,
    group: np.ndarray,
    settings: OpeSettings,
) -> tuple[list[str], dict[str, float]]:
    """Return which groups lose for sure, with the figures of all."""
    gained = difference(log, challenger, champion, foretold, settings).per_decision
    lost, figures = [], {}
    for one in np.unique(group):
        rows = group == one
        customer = None if log.customer is None else log.customer[rows]
        found = mean_interval(gained[rows], customer, settings.confidence)
        figures[f"gain_{name}_{one}"] = found.estimate
        if found.high < -settings.promotion["maximum_group_loss"]:
            lost.append(f"customers with {name} {one} lose {-found.estimate:.4f} per decision")
    return lost, figures
