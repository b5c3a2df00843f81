"""The model card of the net values, and its pictures."""

from collections.abc import Iterator
from datetime import date

import pandas as pd
from matplotlib.figure import Figure

from ml import figures
from ml.nba.learn.answered import Window
from ml.nba.learn.evaluate import Evaluation
from ml.nba.learn.values import LearnedValues
from ml.nba.model import NbaSettings

MEANING = (
    "What an action adds within {days} days to what would have followed no action that day, the later decisions going "
    "on as usual: probability of a purchase x its margin - harm - cost, in EUR. Learned from decisions that were drawn "
    "with known probabilities; a promotion rests on the doubly-robust comparison, not on this model."
)

_CARD = """# {name}, as of {as_of}

{meaning}

- Learned from {decisions} decisions of {learned_from} to {learned_to}; outcomes were seen until {outcomes_until}.
- Judged by decisions of {log_from} to {log_until}, which it has not seen. Data hash `{data_hash}`.
- Knows {known}. Every other action keeps its value of before.
- Margin of a euro spent: {margin} EUR. What an action brings after the window is not seen.

## Foretold and happened, on the decisions that judge it
{figures}

## Must not be used
- for customers or actions that the policies have always forbidden: nobody knows what would have followed;
- as the worth of a customer: it is the difference that one contact makes;
- to decide about credit, price, employment or access to a service.

Contains no personal data: the input example is made of quantiles over all customers.
"""


def model_card(
    as_of: date, data_hash: str, window: Window, decisions: int, values: LearnedValues, found: Evaluation,
    settings: NbaSettings,
) -> str:  # fmt: skip
    """Write the card as Markdown."""
    return _CARD.format(
        name=settings.net_value.model,
        as_of=as_of,
        meaning=MEANING.format(days=settings.net_value.outcome_days),
        decisions=decisions,
        data_hash=data_hash,
        known=", ".join(values.known) or "no action well enough",
        margin=values.margin,
        figures=_table(found.by_action),
        **{name: getattr(window, name) for name in Window.__dataclass_fields__},
    )


def plots(found: Evaluation) -> Iterator[tuple[str, Figure]]:
    """Yield (artifact name, figure): reliability, and foretold beside happened by action."""
    yield "plots/reliability.png", figures.reliability("Does it keep its promise?", found.label, found.probabilities)
    columns = {"foretold": "foretold_response", "happened": "happened_response"}
    yield (
        "plots/by_action.png",
        figures.bars(
            "Purchases within the window, held-out decisions",
            "share of decisions",
            {name: found.by_action[column].to_dict() for name, column in columns.items()},
        ),
    )


def _table(by_action: pd.DataFrame) -> str:
    names = list(by_action)
    lines = [f"| action | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for action, line in by_action.iterrows():
        lines.append(f"| {action} | {' | '.join(f'{line[name]:.4g}' for name in names)} |")
    return "\n".join(lines)
