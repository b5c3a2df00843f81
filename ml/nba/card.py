"""The model card of the response model."""

from datetime import date

import pandas as pd

from ml.nba.evaluate import Evaluation
from ml.nba.fit import BASE_RATE, Fitted
from ml.nba.model import NbaSettings

NOT_UPLIFT = (
    "Campaigns were not sent at random: the company chose whom to contact. This is the propensity of those who were "
    "contacted to respond, not an uplift: it does not say what the contact changed."
)

_CARD = """# {name}, as of {as_of}

P(customer redeems a coupon of the campaign | contacted with a campaign of this type).

**{not_uplift}**

- Knowledge cut: only campaigns that had ended, and facts that were known, on {as_of}. Data hash `{data_hash}`.
- Chosen by foretelling campaigns from those that had ended before: **{chosen}** (log-loss {losses}).
- Registered: **{serving}**. The chosen learner is registered only if it beats the base rate of the actions on the
  held-out campaigns; else the base rate is.
- What serves is what was measured: the model is not fitted again on the held-out campaigns.

## Campaigns
{parts}

## Held-out campaigns
{figures}

{verdict}

## Must not be used
- as evidence that contacting a customer pays: only the comparison with the hold-out arm can tell;
- for customers unlike those who were contacted, without the random arm to check it;
- to decide about credit, price, employment or access to a service.

Contains no personal data: the input example is made of quantiles over all customers.
"""


def model_card(
    as_of: date,
    data_hash: str,
    past: pd.DataFrame,
    held_out: pd.DataFrame,
    fitted: Fitted,
    evaluation: Evaluation,
    serving: str,
    settings: NbaSettings,
) -> str:
    """Write the card as Markdown."""
    return _CARD.format(
        name=settings.model,
        as_of=as_of,
        not_uplift=NOT_UPLIFT,
        data_hash=data_hash,
        chosen=fitted.chosen,
        serving=serving,
        losses=", ".join(f"{name} {loss:.4f}" for name, loss in fitted.foretold_losses.items()),
        parts=_parts({"train": past, "foretold": past[fitted.foretold], "held out": held_out}),
        figures=_figures(evaluation),
        verdict=_verdict(evaluation),
    )


def _parts(parts: dict[str, pd.DataFrame]) -> str:
    lines = ["| part | campaigns | starts | contacts | response rate |", "|---|---|---|---|---|"]
    for name, rows in parts.items():
        starts = f"{rows['starts_date'].min():%Y-%m-%d} to {rows['starts_date'].max():%Y-%m-%d}"
        rate = rows["responded"].mean()
        lines.append(f"| {name} | {rows['campaign_id'].nunique()} | {starts} | {len(rows)} | {rate:.3f} |")
    return "\n".join(lines)


def _figures(evaluation: Evaluation) -> str:
    metrics = ("pr_auc", "roc_auc", "log_loss", "brier", "ece")
    lines = [f"| learner | {' | '.join(metrics)} |", "|---" * (len(metrics) + 1) + "|"]
    for name in evaluation.probabilities:
        values = " | ".join(f"{evaluation.figures[f'response/{name}/{metric}']:.4f}" for metric in metrics)
        lines.append(f"| {name} | {values} |")
    return "\n".join(lines)


def _verdict(evaluation: Evaluation) -> str:
    """Say in words whether each learner beats the base rate of the actions on campaigns it has never seen."""
    sentences = []
    for name in evaluation.probabilities:
        if name == BASE_RATE:
            continue
        gain = f"{name}/gain_over_{BASE_RATE}/log_loss"
        point, low, high = (evaluation.figures[gain + end] for end in ("", "_low", "_high"))
        says = "beats" if low > 0 else "is worse than" if high < 0 else "does not clearly beat"
        sentences.append(f"{name} {says} the base rate: gain in log-loss {point:.4f} [{low:.4f}, {high:.4f}].")
    return " ".join(sentences)
