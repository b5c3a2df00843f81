"""What another policy would have brought, from any logged file, and how far such estimates can be trusted.

`python -m bench.ope --log F --action COL --reward COL --propensity COL --target F`

Files are CSV, TSV (also compressed) or Parquet. The target may be
- a table as long as the log with a column per action: the probability of every action in every decision;
- a table with the columns of action and probability, and perhaps those named by `--by`: a policy that depends on these;
- a log of the target itself (columns of action and reward): its shares of actions are taken, by `--by` if given;
- a table as long as the log with the probability of the drawn action (then SNIPS only), or with one chosen action.
Columns of the log that are not named are features (`--features a,b` names them: nothing that came after the decision).

`python -m bench.ope --worlds 200 --logs 5000` plays worlds of known truth: how often the interval covers it, how often
an equally good challenger is promoted, and how often one that is a tenth better.

Without arguments: Open Bandit, campaign "all", where it stands beside the project.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
from rich.table import Table

from bench.inputs.policies import Logged, Target, named_actions, read_log, read_target
from bench.inputs.tables import lacking, read_table
from bench.planted.policies import World
from ml.ope.estimate import LOGGED, difference, self_normalised, value
from ml.ope.interval import mean_interval
from ml.ope.overlap import objection, overlap
from ml.ope.reward_model import cross_fit
from ml.ope.settings import ope_settings
from runtime.progress import console

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "datasets" / "nba" / "open_bandit"
OPEN_BANDIT = {"action": "item_id", "reward": "click", "propensity": "propensity_score"}
# Inverse propensity weighting on these 10,000 rows, as the authors of the data show it (github.com/st-tech/zr-obp).
PUBLISHED_IPW = 0.00455
SETTINGS = ope_settings()
# A champion is worth four fifths of the best that its exploration allows, a challenger a tenth more.
CHAMPION_SHARE, GAIN = 0.8, 0.1


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, help="logged decisions")
    parser.add_argument("--action", help="column of what was drawn")
    parser.add_argument("--reward", help="column of what came of it")
    parser.add_argument("--propensity", help="column of the probability with which it was drawn")
    parser.add_argument("--target", type=Path, help="the policy to be judged")
    parser.add_argument("--by", default="", help="columns on which the target depends, separated by commas")
    parser.add_argument("--features", help="columns known before the decision (default: every other one)")
    parser.add_argument("--customer", help="column that says whose decision it is: one customer's are not independent")
    parser.add_argument("--worlds", type=int, help="play so many worlds of known truth instead")
    parser.add_argument("--logs", type=int, default=5000, help="decisions in each world")
    given = parser.parse_args()
    if given.worlds is not None:
        play(given.worlds, given.logs)
        return
    if given.log is None:
        if not BESIDE.exists():
            parser.exit(0, f"No data set stands in {BESIDE}; name a log with --log, or play --worlds 200.\n")
        given.log, given.target, given.by = BESIDE / "random/all.csv.gz", BESIDE / "bts/all.csv.gz", "position"
        given.action, given.reward, given.propensity = OPEN_BANDIT.values()
    elif None in (given.action, given.reward, given.propensity, given.target):
        parser.error("--log needs --action, --reward, --propensity and --target")
    by = [name for name in given.by.split(",") if name]
    features = None if given.features is None else [name for name in given.features.split(",") if name]
    try:
        target = read_table(given.target)
        lacking(target, given.target, *by)
        more = named_actions(target, given.action)
        logged = read_log(given.log, given.action, given.reward, given.propensity, features, given.customer, more)
        result = measure(logged, read_target(target, logged, by))
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    if given.log.is_relative_to(BESIDE):
        result["published_ipw"] = PUBLISHED_IPW
    show(result)
    print(json.dumps(result))


def measure(logged: Logged, target: Target) -> dict:
    """Estimate the target's value and its difference to what the log brought; nothing is estimated if refused."""
    log = logged.log
    weight = target.drawn / log.propensity
    seen = overlap(weight, log.reward, log.customer)
    refusal = objection(seen, SETTINGS)
    snips = mean_interval(self_normalised(log, weight), log.customer, SETTINGS.confidence)
    own = mean_interval(log.reward, log.customer, SETTINGS.confidence)
    if target.policy is None:
        found, method = snips, "snips"
        gained = mean_interval(self_normalised(log, weight) - log.reward, log.customer, SETTINGS.confidence)
    else:
        foretold = cross_fit(log, SETTINGS)
        found = value(log, target.policy, foretold, SETTINGS).interval
        gained = difference(log, target.policy, LOGGED, foretold, SETTINGS).interval
        method = f"doubly robust ({foretold.learner})"
    result = {
        "estimate": found.estimate,
        "low": found.low,
        "high": found.high,
        "ess": seen.ess,
        "refused": refusal is not None,
        "refusal": refusal,
        "method": method,
        "target_form": target.form,
        "decisions": len(log),
        "snips": snips.estimate,
        "snips_low": snips.low,
        "snips_high": snips.high,
        "ips": float(np.mean(weight * log.reward)),
        "logged": own.estimate,
        "difference": gained.estimate,
        "difference_low": gained.low,
        "difference_high": gained.high,
        "significant": bool(refusal is None and (gained.low > 0 or gained.high < 0)),
        **{name: number for name, number in seen.as_metrics().items() if name != "ess"},
    }
    if refusal is not None:
        result |= dict.fromkeys(name for name in result if name.startswith(("estimate", "low", "high", "snips")))
        result |= dict.fromkeys(("ips", "difference", "difference_low", "difference_high"))
    if target.own_rewards is not None:
        on_policy = mean_interval(target.own_rewards.astype(float), None, SETTINGS.confidence)
        result |= {"on_policy": on_policy.estimate, "on_policy_low": on_policy.low, "on_policy_high": on_policy.high}
    return result


def play(worlds: int, logs: int) -> None:
    """Play worlds: coverage of the value and of the difference, false promotions of equals, power at a tenth more."""
    counts = dict.fromkeys(("coverage", "snips_coverage", "difference_coverage", "false_promotions", "power"), 0)
    shares, gains, refused = [], [], 0
    for number in range(worlds):
        world = World(number)
        best = world.value(world.policy(world.sample, 0), world.sample)
        blur = world.blur_of(CHAMPION_SHARE * best)
        thinner = world.blur_of((1 + GAIN) * CHAMPION_SHARE * best)
        people, champion, log = world.log(logs, blur)
        foretold = cross_fit(log, SETTINGS)
        truth, before = (
            world.value(world.policy(world.everybody, of), world.everybody) for of in (thinner, blur)
        )  # fmt: skip
        challenger = world.policy(people, thinner)
        alone = value(log, challenger, foretold, SETTINGS)
        paired = difference(log, challenger, champion, foretold, SETTINGS)
        equal = difference(log, world.policy(people, blur, preferred_twin=1), champion, foretold, SETTINGS)
        counts["coverage"] += alone.interval.low <= truth <= alone.interval.high
        counts["snips_coverage"] += alone.snips.low <= truth <= alone.snips.high
        counts["difference_coverage"] += paired.interval.low <= truth - before <= paired.interval.high
        counts["power"] += paired.interval.low > 0 and not paired.is_refused
        counts["false_promotions"] += equal.interval.low > 0 and not equal.is_refused
        refused += alone.is_refused
        shares.append(alone.overlap.ess_share)
        gains.append(truth / before - 1)
        if (number + 1) % 20 == 0:
            console.print(f"  {number + 1} of {worlds} worlds ...")
    result = {name: round(count / worlds, 4) for name, count in counts.items()}
    result |= {"worlds": worlds, "logs": logs, "refused": refused, "true_gain": round(float(np.mean(gains)), 4)}
    result["ess_share"] = round(float(np.median(shares)), 4)
    show(result)
    print(json.dumps(result))


def show(result: dict) -> None:
    """Print the figures."""
    table = Table(title=f"Off-policy evaluation (load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores)")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, figure in result.items():
        table.add_row(name, f"{figure:,.6g}" if isinstance(figure, float) else str(figure))
    console.print(table)


if __name__ == "__main__":
    main()
