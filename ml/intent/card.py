"""The model card: what the model is, on what it was measured, and what it must not be used for."""

from collections.abc import Mapping
from datetime import date

import pandas as pd

from ml.intent import frame as frames
from ml.intent.evaluate import Evaluation
from ml.intent.fit import OURS, RIVALS
from ml.intent.model import IntentModel, IntentSettings
from ml.splits import TimeSplit

_CARD = """# {name}, as of {as_of}

Probability that a customer will do something within {horizon} days after the as-of date, one calibrated classifier
({learner}) per intent: {intents}. Intents do not exclude each other.

- Knowledge cut: only facts that had happened *and* were known on {as_of}. Data hash `{data_hash}`.
- What serves is what was measured: the model is not fitted again on the held-out weeks.

## Weeks
{weeks}

## Held-out weeks: XGBoost, and its gain over the baselines in log-loss (positive = better; 95 % interval by customer)
{gains}

## Calibration
{calibrations}

## Abstention and segments
- A customer is read as wanting the most probable intent from a probability of {threshold:.3f} on, so that at most
  {risk:.0%} of such readings are wrong ({confidence:.0%} confidence, weeks that chose it). On the held-out weeks
  {share_read:.1%} of the customers were read, {share_wrong:.1%} of these readings were wrong.
- Groups of customers: metrics `segment/...` of the run, each against the group's own base rate.

## Must not be used
- to decide about credit, price, employment or access to a service, or about anyone under age;
- as a cause: it says what a customer is likely to do, not what would change if we contacted them;
- beyond {until} days after the as-of date, or for customers of other shops than those in the training data.

Contains no personal data: the input example is made of quantiles over all customers.
"""


def model_card(
    as_of: date,
    data_hash: str,
    frame: pd.DataFrame,
    split: TimeSplit,
    model: IntentModel,
    evaluation: Evaluation,
    kept: Mapping[str, float],
    settings: IntentSettings,
) -> str:
    """Write the card as Markdown."""
    return _CARD.format(
        name=settings.model,
        as_of=as_of,
        learner=model.learner,
        horizon=int((frame["known_date"] - frame["as_of_date"]).dt.days.max()),
        intents=", ".join(model.intents),
        data_hash=data_hash,
        weeks=_weeks(frame, split, model.intents),
        gains=_gains(evaluation),
        calibrations="\n".join(f"- {intent}: {model.calibrators[intent].method}" for intent in model.intents),
        threshold=model.abstain_below,
        **settings.abstention,
        share_read=kept["abstention/share_read"],
        share_wrong=kept["abstention/share_wrong"],
        until=settings.retrain_after_days * 2,
    )


def _weeks(frame: pd.DataFrame, split: TimeSplit, intents: list[str]) -> str:
    lines = [f"| part | snapshots | rows | customers | {' | '.join(intents)} |", "|---" * (4 + len(intents)) + "|"]
    for name, part in (("train", split.train), ("validation", split.validation), ("test", split.test)):
        rows = frame[part]
        rates = " | ".join(
            f"{frames.label_of(frames.rows_of(frame, part, intent), intent).mean():.3f}" for intent in intents
        )
        dates = f"{rows['as_of_date'].min():%Y-%m-%d} to {rows['as_of_date'].max():%Y-%m-%d}"
        lines.append(f"| {name} | {dates} | {len(rows)} | {rows['customer_id'].nunique()} | {rates} |")
    return "\n".join([*lines, "", "The figures under an intent are its base rates."])


def _gains(evaluation: Evaluation) -> str:
    lines = [
        "| intent | PR-AUC | log-loss | ECE | " + " | ".join(f"over {rival}" for rival in RIVALS) + " |",
        "|---" * 6 + "|",
    ]
    found = evaluation.figures
    for intent in [*evaluation.labels, "macro"]:
        own = " | ".join(f"{found[f'{intent}/{OURS}/{metric}']:.4f}" for metric in ("pr_auc", "log_loss", "ece"))
        over = [f"{intent}/gain_over_{rival}/log_loss" for rival in RIVALS]
        gains = " | ".join(
            f"{found[name]:.4f} [{found[f'{name}_low']:.4f}, {found[f'{name}_high']:.4f}]" for name in over
        )
        lines.append(f"| {intent} | {own} | {gains} |")
    return "\n".join(lines)
