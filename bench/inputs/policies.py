"""Read a logged file and the policy that is to be judged by it, in any of the forms in which people keep policies."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.inputs.tables import feature_matrix, lacking, read_table
from ml.ope.log import Log

PROBABILITIES = ("probability", "target_probability", "propensity", "propensity_score", "target_propensity", "target")


@dataclass(frozen=True)
class Logged:
    """A log with the names of its actions, the table it came from, and what its columns are called."""

    log: Log
    actions: list[str]
    frame: pd.DataFrame
    action: str
    reward: str
    propensity: str


@dataclass(frozen=True)
class Target:
    """The policy (n, k), or only what it gives to the drawn action (n); `form` says how the file was understood.

    `own_rewards`: what the target brought itself, if the file is a log of its own.
    """

    policy: np.ndarray | None
    drawn: np.ndarray
    form: str
    own_rewards: np.ndarray | None = None


def read_log(
    path: Path,
    action: str,
    reward: str,
    propensity: str,
    features: list[str] | None,
    customer: str | None,
    more_actions: list[str],
) -> Logged:
    """Read the log; actions are those drawn and those that the target names. Raises ValueError for what is no log."""
    frame = read_table(path)
    lacking(frame, path, action, reward, propensity, customer, *(features or []))
    names = frame[action].astype(str)
    actions = sorted({*names, *more_actions})
    used = {action, reward, propensity, customer}
    known, _ = feature_matrix(frame, features, used)
    codes = pd.Categorical(names, categories=actions).codes.astype(int)
    who = None if customer is None else frame[customer].astype(str).to_numpy()
    log = Log(
        codes, frame[reward].to_numpy(float), frame[propensity].to_numpy(float), len(actions), known, who
    )  # fmt: skip
    return Logged(log, actions, frame, action, reward, propensity)


def named_actions(target: pd.DataFrame, action: str) -> list[str]:
    """Return the actions that a target's file names in its column of actions."""
    return sorted(target[action].astype(str).unique()) if action in target else []


def read_target(target: pd.DataFrame, logged: Logged, by: list[str]) -> Target:
    """Understand a target: see the forms in `bench.ope`. Raises ValueError if it is none of them."""
    size, actions = len(logged.frame), logged.actions
    probability = next((name for name in (logged.propensity, *PROBABILITIES) if name in target), None)
    columns = {str(name): name for name in target}
    if len(target) == size and {*map(str, logged.frame[logged.action].unique())} <= set(columns):
        wide = np.column_stack([target[columns[name]] if name in columns else np.zeros(size) for name in actions])
        return _whole(wide.astype(float), logged, "probability of every action, by decision")
    if logged.action in target and logged.reward in target:
        shares = _shares(target, logged, by, None)
        return _whole(shares, logged, "a log of the target: shares of its actions", target[logged.reward].to_numpy())
    if logged.action in target and probability is not None and not _same_actions(target, logged):
        return _whole(_shares(target, logged, by, probability), logged, "probability of every action, by table")
    if len(target) == size and probability is not None:
        return Target(None, target[probability].to_numpy(float), "probability of the drawn action, by decision")
    if len(target) == size and logged.action in target:
        choice = pd.Categorical(target[logged.action].astype(str), categories=actions).codes
        return _whole(np.eye(len(actions))[choice], logged, "one action by decision")
    raise ValueError(
        f"The target has {len(target)} rows and the columns {', '.join(columns)}: no policy for {size} decisions."
    )


def _whole(policy: np.ndarray, logged: Logged, form: str, own: np.ndarray | None = None) -> Target:
    return Target(policy, logged.log.drawn(policy), form, own)


def _same_actions(target: pd.DataFrame, logged: Logged) -> bool:
    ours = logged.frame[logged.action].astype(str)
    return len(target) == len(ours) and (target[logged.action].astype(str).to_numpy() == ours.to_numpy()).all()


def _shares(target: pd.DataFrame, logged: Logged, by: list[str], probability: str | None) -> np.ndarray:
    """Return the policy (n, k) that a table gives per action and values of `by`; without probabilities its shares."""
    weight = 1.0 if probability is None else target[probability].astype(float)
    table = target.assign(weight=weight, action=target[logged.action].astype(str))
    wide = table.pivot_table("weight", index=by or (lambda _: 0), columns="action", aggfunc="sum", fill_value=0.0)
    wide = wide.reindex(columns=logged.actions, fill_value=0.0)
    total = wide.sum(axis=1)
    if probability is not None and not np.allclose(total, 1, atol=1e-3):
        raise ValueError(f"The target's probabilities sum to {total.min():.3f} to {total.max():.3f}, not to 1.")
    wide = wide.div(total, axis=0)
    if not by:
        return np.tile(wide.to_numpy()[0], (len(logged.frame), 1))
    keys = pd.MultiIndex.from_frame(logged.frame[by]) if len(by) > 1 else pd.Index(logged.frame[by[0]])
    found = wide.reindex(keys)
    if found.isna().any().any():
        raise ValueError(f"The target says nothing about some values of {', '.join(by)} in the log.")
    return found.to_numpy()
