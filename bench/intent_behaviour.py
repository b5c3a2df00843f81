"""What customers do next: ours beside rules, regression, BG/NBD and the best that is possible.

`python -m bench.intent_behaviour --people N` plays Nordhaus, builds its warehouse as the DAGs do, trains and judges on
later weeks: recency and frequency, a logistic regression, XGBoost, and the Bayes-optimal score (the share of futures in
which it happens, lived from the true state of everybody on that evening; bench/nordhaus/futures.py). Nobody sees that
state, so there is "reachable" as well: the same features, told the true chances (bench/peers). `--built` takes the
warehouse that the settings name as it stands. With `CX_DATASET=complete_journey` it is real people: XGBoost beside
BG/NBD and the regression on whether somebody buys again within 28 days.
"""

import argparse
import json
import os
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from rich.table import Table

from bench.peers.bg_nbd import repeat_purchase
from bench.peers.told_the_truth import reachable
from ml import metrics
from ml.calibration import choose_calibrator
from ml.comparison import gains
from ml.frames import as_numbers
from ml.intent import abstain, fit
from ml.intent import frame as labelled
from ml.intent.model import IntentModel, IntentSettings, intent_settings
from ml.splits import TimeSplit
from runtime.progress import console
from runtime.settings import settings
from runtime.warehouse import read_frame, transaction

BY_INTENT = {"buy": ("purchases", True), "lapse": ("purchases", False), "contact_service": ("tickets", True)} | {
    "return_order": ("returns", True)
}
RATIO_INTENT, RATIO = "trade_up", 1.25


def main() -> None:
    """Measure, print a table, and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000, help="people of Nordhaus (default: 10,000)")
    parser.add_argument("--futures", type=int, default=200, help="futures per evening (default: 200)")
    parser.add_argument("--built", action="store_true", help="take the warehouse of the settings as it stands")
    given = parser.parse_args()
    if given.built:
        results = measured(given.futures)
    else:
        from bench.warehouse import LAST, a_day, company

        with (
            tempfile.TemporaryDirectory(prefix="cxloop-bench-") as folder,
            company(Path(folder) / "home", given.people, keep=False) as home,
        ):
            a_day(home, LAST)
            results = measured(given.futures)
    print(json.dumps(results))


def measured(futures: int) -> dict[str, float]:
    """Train on the warehouse's newest day and judge on its held-out weeks."""
    chosen = intent_settings()
    with transaction() as connection:
        as_of = read_frame(connection, "select max(as_of_date) as day from features.customer_features")["day"][0].date()
        frame = labelled.labelled_frame(connection, as_of)
    split = labelled.split(frame, as_of, chosen)
    models = fit.fit(frame, split, chosen).models
    if settings().dataset == "complete_journey":
        return against_bg_nbd(frame, split, models, as_of, chosen)
    return against_the_optimum(frame, split, models, futures, chosen)


def against_the_optimum(
    frame: pd.DataFrame, split: TimeSplit, models: dict[str, IntentModel], futures: int, chosen: IntentSettings
) -> dict[str, float]:
    """Measure all learners and the optimum on the customers whose people are known; both see the same rows."""
    best = optimum(frame[split.test], futures)
    ours = models[fit.OURS]
    lines, found = {}, []
    for intent in ours.intents:
        rows = labelled.rows_of(frame, split.test, intent)
        rows = rows[best.loc[rows.index, intent].notna()]
        label = labelled.label_of(rows, intent)
        probability = {name: model.predict_proba(rows)[intent].to_numpy() for name, model in models.items()}
        probability["optimum"] = best.loc[rows.index, intent].to_numpy()
        probability["reachable"] = reachable(
            as_numbers(rows, ours.features),
            probability["optimum"],
            rows["customer_id"],
            {"random_state": chosen.seed, **chosen.xgboost},
        )
        lines[intent] = {name: metrics.evaluate(label, each) for name, each in probability.items()}
        found.append(
            {f"{name}_{metric}": value for name, each in lines[intent].items() for metric, value in each.items()}
        )
    mean = pd.DataFrame(found).mean()
    show("Intents of Nordhaus on later weeks", lines)
    ours.abstain_below = abstain.threshold(frame, split.validation, ours, chosen.abstention)
    result = {
        "pr_auc": mean["xgboost_pr_auc"],
        "baseline_pr_auc": mean["recency_frequency_pr_auc"],
        "logistic_pr_auc": mean["logistic_pr_auc"],
        "optimum_pr_auc": mean["optimum_pr_auc"],
        "reachable_pr_auc": mean["reachable_pr_auc"],
        "ece": mean["xgboost_ece"],
        "optimum_ece": mean["optimum_ece"],
        **{f"{name}_log_loss": mean[f"{key}_log_loss"] for name, key in {"baseline": fit.BASELINE}.items()},
        **{f"{name}_log_loss": mean[f"{name}_log_loss"] for name in (fit.OURS, "logistic", "optimum")},
        **{
            name.replace("/", "_"): value
            for name, value in abstain.kept(frame, split.test, ours, chosen.abstention).items()
        },
        "customers": int(frame["customer_id"].nunique()),
        "rows_to_learn_from": int(split.train.sum()),
        "rows_judged_on": int(split.test.sum()),
    }
    # Futures are not calibrated, and whoever is told their chances is not either: there only the ranking is compared.
    for metric, end in (("pr_auc", "optimum"), ("log_loss", "optimum"), ("pr_auc", "reachable")):
        base = mean[f"{fit.BASELINE}_{metric}"]
        way = mean[f"{end}_{metric}"] - base
        result[f"{metric}_share_of_the_way_to_{end}"] = (mean[f"{fit.OURS}_{metric}"] - base) / way
    return {name: round(float(value), 4) for name, value in result.items()}


def optimum(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return P(intent) given the whole truth, a column per intent, by the index of `rows`; NaN for who is unknown."""
    from bench.nordhaus.futures import day_number, evenings, futures

    persons = people_of_customers()
    found = pd.DataFrame(np.nan, index=rows.index, columns=[*BY_INTENT, RATIO_INTENT])
    days = {day_number(day.to_datetime64()): day for day in rows["as_of_date"].unique()}
    for number, world in evenings(settings().demo_people, list(days)):
        here = rows[rows["as_of_date"] == days[number]]
        who = here["customer_id"].map(persons).dropna()
        owner = np.repeat(np.arange(len(who)), [len(each) for each in who])
        person = np.concatenate(who.to_list()).astype(int)
        before = here.loc[who.index, "spend_eur_28d"].to_numpy()
        happens = {intent: np.zeros(len(who)) for intent in found}
        for future in futures(world, count, 28):
            told = {
                name: np.bincount(owner, getattr(future, name)[person], minlength=len(who))
                for name in ("purchases", "tickets", "returns", "spend_eur")
            }
            for intent, (name, is_any) in BY_INTENT.items():
                happens[intent] += (told[name] > 0) == is_any
            happens[RATIO_INTENT] += told["spend_eur"] >= RATIO * np.where(before > 0, before, np.inf)
        for intent, times in happens.items():
            # Half a future more on each side: what never happened in any of them is not impossible.
            found.loc[who.index, intent] = (times + 0.5) / (count + 1)
        console.print(f"  {days[number]:%Y-%m-%d}: {len(who):,} of {len(here):,} customers, {count} futures lived")
    return found


def people_of_customers() -> pd.Series:
    """The persons behind each customer_id, by the truth about accounts and contacts."""
    from bench.warehouse import people_of

    files = sorted((settings().home / "nordhaus" / "truth" / "records").glob("*.parquet"))
    truth = pd.concat(people_of(file) for file in files).groupby(level=0).first()
    with transaction() as connection:
        entities = read_frame(
            connection,
            "select source_key, customer_id from identity.entity_customers where entity_kind in ('account', 'contact')",
        )
    entities["person"] = entities["source_key"].map(truth)
    return entities.dropna().groupby("customer_id")["person"].unique()


def against_bg_nbd(
    frame: pd.DataFrame, split: TimeSplit, models: dict[str, IntentModel], as_of: date, chosen: IntentSettings
) -> dict[str, float]:
    """Measure who buys again within 28 days; the gains with their 95 % intervals by customer."""
    with transaction() as connection:
        bought = read_frame(
            connection,
            "select customer_id, sold_date, known_date from marts.customer_days where purchase_days > 0"
            " and known_date <= %(as_of)s",
            {"as_of": as_of},
        )
    intent = "lapse"
    rows = {name: labelled.rows_of(frame, getattr(split, name), intent) for name in ("train", "validation", "test")}
    guessed = {name: repeat_purchase(bought, part, rows["train"]["as_of_date"].max()) for name, part in rows.items()}
    again = {name: 1 - labelled.label_of(part, intent) for name, part in rows.items()}
    later = rows["validation"]["as_of_date"]
    is_later = (later > later.drop_duplicates().sort_values().iloc[(later.nunique() - 1) // 2]).to_numpy()
    calibrator, _ = choose_calibrator(guessed["validation"], again["validation"], is_later)
    label = again["test"]
    probability = {name: 1 - model.predict_proba(rows["test"])[intent].to_numpy() for name, model in models.items()}
    probability["bg_nbd"] = calibrator.transform(guessed["test"])
    show("Buys again within 28 days", {"buy": {name: metrics.evaluate(label, p) for name, p in probability.items()}})
    weights = metrics.customer_weights(rows["test"]["customer_id"].to_numpy(), chosen.bootstrap_draws, chosen.seed)
    of = {name: metrics.evaluate(label, each) for name, each in probability.items()}
    result = {
        "pr_auc": of[fit.OURS]["pr_auc"],
        "baseline_pr_auc": of["bg_nbd"]["pr_auc"],
        "logistic_pr_auc": of["logistic"]["pr_auc"],
        "recency_frequency_pr_auc": of[fit.BASELINE]["pr_auc"],
        "ece": of[fit.OURS]["ece"],
        "roc_auc": of[fit.OURS]["roc_auc"],
        "baseline_roc_auc": of["bg_nbd"]["roc_auc"],
        "customers": int(rows["test"]["customer_id"].nunique()),
    }
    for rival in ("bg_nbd", "logistic"):
        for metric, gain in gains(label, probability[fit.OURS], probability[rival], weights).items():
            result |= gain.as_metrics(f"gain_over_{rival}_{metric}")
    return {name: round(float(value), 4) for name, value in result.items()}


def show(title: str, lines: dict[str, dict[str, dict[str, float]]]) -> None:
    """Print PR-AUC, log-loss and calibration error by intent and learner."""
    table = Table(title=f"{title} (load {os.getloadavg()[0]:.1f})")
    for name in ("intent", "learner", "PR-AUC", "ROC-AUC", "log-loss", "ECE"):
        table.add_column(name, justify="left" if name in ("intent", "learner") else "right")
    for intent, learners in lines.items():
        for name, figures in learners.items():
            told = [f"{figures[metric]:.4f}" for metric in ("pr_auc", "roc_auc", "log_loss", "ece")]
            table.add_row(intent, name, *told)
    console.print(table)


if __name__ == "__main__":
    main()
