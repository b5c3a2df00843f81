"""What is learned from: decisions whose outcomes are known, and what was assumed of the actions before."""

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Catalogue:
    """What is known of k actions before anybody did them: their cost, P(response), and the harm expected, in EUR.

    `response_value_eur` (k) is the worth of a response. The action that costs nothing is no_action.
    """

    cost_eur: np.ndarray
    response_value_eur: np.ndarray
    assumed_response: np.ndarray
    assumed_harm_eur: np.ndarray

    def __len__(self) -> int:
        return len(self.cost_eur)


@dataclass(frozen=True)
class Experience:
    """n decisions with known outcome, all arrays of length n but `features` (n, d).

    `action` is the column of the catalogue, `usual_eur` what the customer usually brings at once (1 if that is not
    known), `responded` whether they answered, `margin_eur` the margin of it, `harm_eur` the cost of complaints and
    opt-outs (`ml.nba.reward`), `age_days` how long ago it was decided, `foretold_response` and `foretold_harm_eur` what
    the ledger expected the action to add (missing where another kind of model had decided).
    """

    features: np.ndarray
    action: np.ndarray
    usual_eur: np.ndarray
    responded: np.ndarray
    margin_eur: np.ndarray
    harm_eur: np.ndarray
    age_days: np.ndarray
    foretold_response: np.ndarray
    foretold_harm_eur: np.ndarray

    def __len__(self) -> int:
        return len(self.action)

    def part(self, rows: np.ndarray) -> "Experience":
        """Return some of the decisions, given as a mask or positions."""
        return Experience(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})

    @staticmethod
    def together(parts: list["Experience"]) -> "Experience":
        """Return all decisions of several parts."""
        names = [one.name for one in fields(Experience)]
        return Experience(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
