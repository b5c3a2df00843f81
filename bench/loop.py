"""Does the loop learn? Policies decide week by week in Nordhaus, whose truth says what every action is really worth.

`python -m bench.loop [--people 10000] [--rounds 12] [--seeds 5] [--drift ROUND]`

Ours is the platform's own code: net values learned from its ledger (`ml.nba.net_value`), SquareCB under the capacities
of letters and phone (`ml.nba.choose`), rewards by `ml.nba.reward`. It starts with nothing but assumptions. Beside it
play a copy that stops learning after `--frozen-after` rounds, one that sends what is answered most, rules, and a draw
among what is allowed. Before round `--drift` (default: the middle) customers change; 0 is never. The oracle knows the
truth and the same limits. `regret` is EUR per decision below the oracle, `share` of the gap oracle - random that a
policy earns, both among customers of the policy arm: hold-out and random arm (`nba.yml`) are the price of measuring.
`recovered_after_days`: when our share was back to within 0.05 of the mean of the three rounds before the drift.
`coverage`: how often the weekly interval of our value, doubly robust, covers the true one.
"""

import argparse
import json
import os
import time
from collections.abc import Callable

import numpy as np
from rich.progress import Progress
from rich.table import Table

from bench.planted.allowed import eligible
from bench.planted.contenders import FROZEN, OURS, contenders, limits_for, usual
from bench.planted.town import WEEK, Monday, Town
from ml.nba import explore
from ml.nba.assign import assign
from ml.nba.measure import value_of_decisions
from ml.nba.model import NbaSettings, nba_settings
from runtime.progress import console
from simulator.nordhaus.catalogue import date_of

ORACLE = "oracle"
BACK = 0.05  # a share that is so near to what it was before the drift has recovered
LAST = 3


def main() -> None:
    """Play, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--drift", type=int, help="the round before which customers change (default: the middle; 0: never)"
    )
    parser.add_argument("--frozen-after", type=int, default=2, help="rounds that the frozen copy learns from")
    parser.add_argument("--history", type=int, default=360, help="days that the company lived before")
    given = parser.parse_args()
    if given.drift is None:
        given.drift = given.rounds // 2
    begun = time.monotonic()
    with Progress(console=console) as progress:
        shown = progress.add_task("rounds", total=given.seeds * given.rounds)
        played = [play(seed, given, lambda: progress.advance(shown)) for seed in range(given.seeds)]
    result = summary(played, given.drift)
    result |= {name: getattr(given, name) for name in ("people", "rounds", "seeds", "drift", "frozen_after", "history")}
    result["seconds"] = round(time.monotonic() - begun, 1)
    show(result)
    print(json.dumps(result))


def play(seed: int, given: argparse.Namespace, advance: Callable[[], None]) -> dict:
    """Play one world; return the true value per decision (R) by policy, and what was reported of ours (R, 3)."""
    settings = nba_settings()
    town = Town(seed, given.people, given.history, given.drift - 1 if given.drift else None)
    players = contenders(settings, given.rounds, given.frozen_after)
    chance = np.random.default_rng(seed)
    values: dict[str, list[float]] = {player.name: [] for player in players} | {ORACLE: []}
    reported, exceeded = [], 0
    for number in range(1, given.rounds + 1):
        monday = town.monday()
        allowed, arms = eligible(monday), arms_of(monday, settings)
        numbers = chance.random(len(arms))
        judged = arms == explore.POLICY
        limits = limits_for(len(arms))
        best = assign(monday.truth.value_eur[judged], allowed[judged], limits, limits.maximum)
        values[ORACLE].append(best.value / judged.sum())
        for player in players:
            foretold = player.model.value(monday.features, usual(monday)) if player.name == OURS else None
            choice = player.choose(monday, allowed, arms, numbers)
            exceeded += int((limits.used(choice.action) > limits.maximum + 1e-6).sum())
            truth = float((choice.probability * monday.truth.value_eur)[judged].sum(axis=1).mean())
            values[player.name].append(truth)
            reward = player.learn(number, monday, choice, town)
            if player.name == OURS:
                found = value_of_decisions(
                    reward[judged], choice.action[judged], choice.probability[judged], foretold[judged]
                )
                reported.append([found.low, found.estimate, found.high])
        town.week()
        advance()
    return {"values": {name: np.array(column) for name, column in values.items()}, "reported": np.array(reported),
            "limits_exceeded": exceeded}  # fmt: skip


def summary(played: list[dict], drift: int) -> dict:
    """Return regret per round and policy (mean over the worlds), shares of the gap, recovery and coverage."""
    names = [name for name in played[0]["values"] if name != ORACLE]
    values = {name: np.array([world["values"][name] for world in played]) for name in [*names, ORACLE]}
    regret = {name: values[ORACLE] - values[name] for name in names}
    gap = values[ORACLE] - values["random"]
    share = {name: 1 - regret[name] / gap for name in names}
    ours = regret[OURS]
    fall = ours[:, -LAST:].mean(axis=1) - ours[:, :LAST].mean(axis=1)
    truth, reported = values[OURS], np.array([world["reported"] for world in played])
    covered = (reported[:, :, 0] <= truth) & (truth <= reported[:, :, 2])
    return {
        "regret": {name: [round(float(one), 4) for one in regret[name].mean(axis=0)] for name in names},
        "share": {name: [round(float(one), 3) for one in share[name].mean(axis=0)] for name in names},
        "share_all": {name: round(float(1 - regret[name].sum() / gap.sum()), 4) for name in names},
        "share_last": {
            name: round(float(1 - regret[name][:, -LAST:].sum() / gap[:, -LAST:].sum()), 4) for name in names
        },
        "regret_change": round(float(fall.mean()), 4),
        "regret_change_high": round(float(fall.mean() + 1.645 * fall.std(ddof=1) / np.sqrt(len(fall))), 4)
        if len(fall) > 1
        else None,
        "last_regret_of_frozen": round(float(ours[:, -LAST:].mean() / regret[FROZEN][:, -LAST:].mean()), 4),
        "recovered_after_days": recovery(share[OURS].mean(axis=0), drift) if drift else None,
        "recovered_after_days_by_world": [recovery(one, drift) for one in share[OURS]] if drift else None,
        "coverage": round(float(covered.mean()), 4),
        "interval_width": round(float((reported[:, :, 2] - reported[:, :, 0]).mean()), 4),
        "value": round(float(truth.mean()), 4),
        "oracle_value": round(float(values[ORACLE].mean()), 4),
        "limits_exceeded": sum(world["limits_exceeded"] for world in played),
    }


def recovery(share: np.ndarray, drift: int) -> int | None:
    """Return how many days after the drift the share (R) was back, None if it never was."""
    if drift == 1:
        return None
    before = share[max(drift - 1 - LAST, 0) : drift - 1].mean()
    back = np.flatnonzero(share[drift - 1 :] >= before - BACK)
    return int(back[0]) * WEEK if len(back) else None


def arms_of(monday: Monday, settings: NbaSettings) -> np.ndarray:
    """Return the arm (n) of everybody, by the hash that the platform uses."""
    day = date_of(monday.day)
    return np.array(
        [explore.arm(str(who), day, settings.holdout_share, settings.random_share) for who in monday.person.tolist()]
    )


def show(result: dict) -> None:
    """Print what is in the result, policies side by side."""
    names = list(result["regret"])
    table = Table(title=f"Regret in EUR per decision (load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores)")
    for name in ("round", *names):
        table.add_column(name, justify="right")
    for number in range(len(result["regret"][OURS])):
        table.add_row(str(number + 1), *(f"{result['regret'][name][number]:.3f}" for name in names))
    table.add_section()
    for title, key in (("gap earned", "share_all"), ("in the last", "share_last")):
        table.add_row(title, *(f"{result[key][name]:.3f}" for name in names))
    console.print(table)
    for name, figure in result.items():
        if name not in ("regret", "share", "share_all", "share_last"):
            console.print(f"  {name}: {figure}")


if __name__ == "__main__":
    main()
