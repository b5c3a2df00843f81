"""The global choice under capacity and budget: how fast for a million customers, how far from the exact optimum.

`python -m bench.assignment [--customers 1000000] [--actions 20] [--exact 5000] [--rounds 3]`

Values are synthetic: a response probability per customer and action times its worth, less its cost. Limits: contacts
on three channels and one budget, all short. The exact side is the whole assignment as one mixed-integer program by
HiGHS, at `--exact` customers, as a million do not fit. `gap` is the value missing to it; `certified_gap`, at the full
size, is what may be missing at most to the dual bound. The whole day is measured too: prices, assignment, rationed
probabilities and the balanced draw.
"""

import argparse
import json
import os
import resource
import statistics
import time

import numpy as np
from rich.table import Table

from ml.nba import explore
from ml.nba.assign import assign, exact
from ml.nba.capacity import Limits
from ml.nba.model import nba_settings
from ml.nba.ration import draw_within, ration
from runtime.progress import console

CHANNELS = 4  # three with limited contacts, and one without
COSTS = np.array([0.25, 0.7, 5.0, 0.0])
SHORT = np.array([0.1, 0.02, 0.002])  # contacts per customer and day on the limited channels
BUDGET = 0.045  # EUR per customer and day: all channels in full would cost 0.049


def day(customers: int, actions: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, Limits]:
    """Return values in EUR (n, k), who is eligible (n, k), and limits; the first action is nothing."""
    chance = np.random.default_rng(seed)
    channel = np.arange(actions) % CHANNELS
    response = chance.beta(1.2, 15, (customers, actions))
    worth = chance.uniform(5, 40, actions) * np.where(COSTS[channel] > 1, 6, 1)  # a call is for what is worth it
    value = (response * worth - COSTS[channel]).round(4)
    value[:, 0] = 0
    is_eligible = chance.random((customers, actions)) < 0.6
    is_eligible[:, 0] = True
    of_channel = (channel[:, None] == np.arange(CHANNELS - 1)) * 1.0
    usage = np.column_stack([of_channel, COSTS[channel]])
    usage[0] = 0
    names = ["contacts by e-mail", "contacts by letter", "contacts by phone", "budget in EUR"]
    return value, is_eligible, Limits(names, usage, np.floor(np.append(SHORT, BUDGET) * customers))


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--actions", type=int, default=20)
    parser.add_argument("--exact", type=int, default=5_000, help="customers at which the exact optimum is computed")
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many runs is told")
    given = parser.parse_args()
    result = {**against_exact(given.exact, given.actions), **at_size(given.customers, given.actions, given.rounds)}
    result["peak_rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    table = Table(title=f"Global choice (load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores)")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, figure in result.items():
        table.add_row(name, f"{figure:,.6g}" if isinstance(figure, float) else str(figure))
    console.print(table)
    print(json.dumps(result))


def against_exact(customers: int, actions: int) -> dict:
    """Compare with the whole program solved at once."""
    value, is_eligible, limits = day(customers, actions)
    begun = time.perf_counter()
    found = assign(value, is_eligible, limits, limits.maximum)
    ours = time.perf_counter() - begun
    begun = time.perf_counter()
    best = exact(np.where(is_eligible, value, -np.inf), limits, limits.maximum, tolerance=1e-5)
    theirs = time.perf_counter() - begun
    most = float(value[np.arange(customers), best].sum())
    return {
        "exact_customers": customers,
        "gap": (most - found.value) / most,
        "seconds_at_exact": round(ours, 2),
        "exact_seconds": round(theirs, 2),
    }


def at_size(customers: int, actions: int, rounds: int) -> dict:
    """Time the assignment alone and the whole day, and count what goes beyond a limit."""
    value, is_eligible, limits = day(customers, actions)
    settings = nba_settings()
    arms = np.full(customers, explore.POLICY, dtype=object)
    arms[: customers // 20] = explore.HOLDOUT
    arms[customers // 20 : customers // 14] = explore.RANDOM
    alone, whole, over = [], [], 0
    for number in range(rounds):
        begun = time.perf_counter()
        found = assign(value, is_eligible, limits, limits.maximum)
        alone.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        rationed = ration(arms, value, is_eligible, limits, 0, settings.gamma, settings.reward_scale_eur, 0.1)
        chance = np.random.default_rng(number)
        numbers = draw_within(rationed.probability, limits, chance.random(customers), chance)
        action = explore.pick(rationed.probability, numbers)
        whole.append(time.perf_counter() - begun)
        over += int((limits.used(action) > limits.maximum + 1e-6).sum())
        console.print(f"  round {number + 1}: assignment {alone[-1]:.1f} s, whole day {whole[-1]:.1f} s")
    return {
        "customers": customers,
        "actions": actions,
        "seconds": round(statistics.median(alone), 2),
        "day_seconds": round(statistics.median(whole), 2),
        "certified_gap": found.gap,
        "limits_exceeded": over,
        "limits_used": [round(float(share), 4) for share in limits.used(action) / limits.maximum],
    }


if __name__ == "__main__":
    main()
