"""Has what an action brings changed? Compare what followed with what the ledger had foretold, batch by batch.

What was foretold before the outcome was known is an honest forecast. Where it misses by more than chance and a
tolerance allow, the older experience with that action is forgotten: a forecast from both halves would be wrong in both.
"""

from collections.abc import Mapping

import numpy as np

from ml.nba.experience import Experience


def forgotten(seen: Experience, actions: int, rules: Mapping[str, float]) -> np.ndarray:
    """Tell which decisions (n) were made before the youngest batch in which their action had drifted.

    Decisions of one `age_days` are a batch. `rules`: `z`, from how many standard errors on a miss is a drift;
    `tolerance`, the share by which forecasts may be off, as the chosen ones are those that were foretold too high.
    """
    found = np.zeros(len(seen), dtype=bool)
    ages = np.unique(seen.age_days)
    # Of the oldest batch nothing was known before: what misses there is the assumption.
    for age in ages[:-1]:
        now, before = seen.age_days == age, seen.age_days > age
        for happened, foretold in (
            (seen.responded.astype(float), seen.foretold_response),
            (seen.harm_eur, seen.foretold_harm_eur),
        ):
            drifted = np.abs(misses(seen.action[now], happened[now], foretold[now], actions, rules["tolerance"]))
            found |= before & (drifted > rules["z"])[seen.action]
    return found


def misses(
    action: np.ndarray, happened: np.ndarray, foretold: np.ndarray, actions: int, tolerance: float
) -> np.ndarray:
    """Return by how many standard errors (k) what happened (n) misses what was foretold (n), beyond the tolerance."""
    expected = np.bincount(action, weights=foretold, minlength=actions)
    observed = np.bincount(action, weights=happened, minlength=actions)
    # Counts of rare events vary as much as they are large; amounts as their largest single one.
    each = float(np.max(happened, initial=1.0))
    error = np.sqrt(each * np.maximum(expected, each))
    beyond = np.maximum(np.abs(observed - expected) - tolerance * expected, 0)
    return np.sign(observed - expected) * beyond / error
