"""Find columns that know the outcome: filled in only after it, so that a model learns to read the answer.

Two marks, both measured on the rows to learn from. *It tells too much*: one column alone orders the outcomes better
than anything that is known before them does. *It is filled by the outcome*: whether it is filled follows the outcome,
and on the newest day, whose outcomes have not happened, it is hardly filled at all (a column that was told to everybody
at any time is filled on that day, too). Kaufman et al., "Leakage in data mining", TKDD 6(4), 2012.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

# Of 20,000 rows an AUC has a standard error below 0.005; more rows only take time.
_ROWS = 20_000


class LeakFound(ValueError):
    """A column knows the outcome; the message names it and says by which mark."""


@dataclass(frozen=True)
class Leak:
    """A column, the intent whose outcome it knows, and the figure that shows it."""

    column: str
    intent: str
    why: str


def strongest(frame: pd.DataFrame, labels: Mapping[str, np.ndarray], features: list[str]) -> tuple[str, str, float]:
    """Return (column, intent, AUC either way) of the single column that orders outcomes best."""
    found = [(column, intent, _auc(frame[column], label)) for intent, label in labels.items() for column in features]
    return max(found, key=lambda each: each[2])


def leaks(
    frame: pd.DataFrame,
    labels: Mapping[str, np.ndarray],
    newest: pd.DataFrame,
    features: list[str],
    limits: Mapping[str, float],
) -> Iterator[Leak]:
    """Yield the columns among `features` of `frame` (n rows to learn from) that know an outcome.

    `labels` has 0/1 (n) per intent, NaN where undefined; `newest` the features of a day without outcomes. `limits`:
    highest_auc, filled_auc, emptied_share (ml/intent/intent.yml says what they mean).
    """
    rows = np.random.default_rng(0).permutation(len(frame))[:_ROWS]
    drawn = frame.iloc[rows]
    for column in features:
        values = drawn[column].astype(float)
        is_filled = (values.notna() & (values != 0)).to_numpy()
        before = is_filled.mean()
        now = float((newest[column].notna() & (newest[column].astype(float) != 0)).mean()) if len(newest) else before
        is_emptied = now < limits["emptied_share"] * before
        by_intent = {intent: _auc(values, label[rows]) for intent, label in labels.items()}
        intent = max(by_intent, key=by_intent.__getitem__)
        filled = _auc(pd.Series(is_filled.astype(float)), labels[intent][rows])
        if by_intent[intent] >= limits["highest_auc"]:
            yield Leak(column, intent, f"alone it tells the outcome with AUC {by_intent[intent]:.3f}")
        elif is_emptied and filled >= limits["filled_auc"]:
            why = f"filled on {before:.1%} of past rows and {now:.1%} of today's, and that follows the outcome"
            yield Leak(column, intent, f"{why} (AUC {filled:.3f})")


def refuse_leaks(found: list[Leak]) -> None:
    """Raise LeakFound if there are any."""
    if found:
        told = "; ".join(f"{leak.column} knows {leak.intent}: {leak.why}" for leak in found)
        raise LeakFound(f"Nothing is trained on columns that know the outcome. {told}. Take them out of the features.")


def _auc(values: pd.Series, label: np.ndarray) -> float:
    """Area under the ROC curve, whichever way the column points; a missing value is lower than all."""
    known = ~np.isnan(label)
    said, number = label[known] == 1, values.to_numpy(dtype=float)[known]
    ones, zeros = int(said.sum()), int((~said).sum())
    if not ones or not zeros:
        return 0.5
    ranks = rankdata(np.where(np.isnan(number), -np.inf, number))
    area = (ranks[said].sum() - ones * (ones + 1) / 2) / (ones * zeros)
    return float(max(area, 1 - area))
