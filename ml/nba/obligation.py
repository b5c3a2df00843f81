"""What has to be told: mandatory actions go to whoever may get them, before any choice and whatever they are worth.

Of the kinds of an action, `optional` is chosen freely; `transactional` too, but contact limits do not count it, because
it belongs to what the customer is doing with us; `mandatory` is not chosen at all. Policies, consents and cool-downs
hold for all three: they say who may get an action. The arm of such a decision is `mandatory`, so it is neither learned
from nor measured.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from ml.nba.choose import Choice

OPTIONAL, TRANSACTIONAL, MANDATORY = "optional", "transactional", "mandatory"
KINDS = (OPTIONAL, TRANSACTIONAL, MANDATORY)
FREE = -1


def mandatory_actions(actions: pd.DataFrame) -> list[str]:
    """Return the ids of the actions that have to be told."""
    return actions.loc[actions["kind"] == MANDATORY, "action_id"].tolist()


def obliged(is_mandatory: np.ndarray, value: np.ndarray, is_eligible: np.ndarray) -> np.ndarray:
    """Return the column (n) of the mandatory action (k) that a customer has to be told, or FREE.

    Of several that are eligible (n, k) the one with the highest value (n, k), of equal ones the first.
    """
    due = is_eligible & is_mandatory
    best = np.where(due, value, -np.inf).argmax(axis=1)
    return np.where(due.any(axis=1), best, FREE)


def with_obliged(choice: Choice, column: np.ndarray, number: np.ndarray) -> Choice:
    """Return the choice of all customers (n): `choice` for those who were free, the obliged `column` for the others."""
    free = column == FREE
    if free.all():
        return choice

    def spread(chosen: np.ndarray, else_: np.ndarray) -> np.ndarray:
        found = else_.copy()
        found[free] = chosen
        return found

    sure = (np.arange(choice.probability.shape[1]) == column[:, None]).astype(float)
    return replace(
        choice,
        action=spread(choice.action, column),
        number=spread(choice.number, number),
        probability=spread(choice.probability, sure),
        assigned=None if choice.assigned is None else spread(choice.assigned, column),
    )
