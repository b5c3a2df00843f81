"""The model that is registered as cx_net_value: what each action that it knows adds for a customer."""

import numpy as np
import pandas as pd

from ml.frames import as_numbers
from ml.learners import ACTION
from ml.nba.net_value import NetValueModel

# What a customer usually brings at once: the margin of a basket of the last twelve weeks.
SPEND, BASKETS = "spend_eur_84d", "baskets_84d"


class LearnedValues:
    """A fitted NetValueModel with the features and actions (k) it was fitted on, and which of these it `known`s.

    `margin` is that of a euro spent, `usual_eur` what a customer brings of whom no basket is known.
    """

    def __init__(
        self,
        model: NetValueModel,
        features: list[str],
        actions: list[str],
        known: list[str],
        margin: float,
        usual_eur: float,
    ) -> None:
        self.model, self.features, self.actions, self.known = model, features, actions, known
        self.margin, self.usual_eur = margin, usual_eur

    def inputs(self, customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the features (n, d) and what each customer usually brings in EUR (n). Raises EmptyFrame."""
        features = as_numbers(customers, self.features).to_numpy(dtype=np.float32)
        return features, usual_eur(customers, self.margin, self.usual_eur)

    def foretell(self, customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return P(response), the worth of a response in EUR and the harm in EUR that each action adds, each (n, k)."""
        return self.model.foretell(*self.inputs(customers))

    def foretell_anyway(self, customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return P(response) and the expected harm in EUR without any action (n)."""
        return self.model.foretell_anyway(self.inputs(customers)[0])

    def candidates(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Return customer_id, action_id and the three figures of `foretell` for every action that is known."""
        columns = [self.actions.index(action) for action in self.known]
        shape = (len(customers), len(columns))
        figures = ("added_response", "learned_worth_eur", "learned_harm_eur")
        return pd.DataFrame(
            {
                "customer_id": np.repeat(customers["customer_id"].to_numpy(), shape[1]),
                ACTION: np.tile(np.array(self.known, dtype=object), shape[0]),
                **{
                    name: found[:, columns].ravel()
                    for name, found in zip(figures, self.foretell(customers), strict=True)
                },
            }
        )

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the probability of a response that the action of each row adds (n)."""
        column = pd.Index(self.actions).get_indexer(frame[ACTION])
        if (column < 0).any():
            unknown = ", ".join(sorted(set(frame[ACTION]) - set(self.actions)))
            raise ValueError(f"The model was fitted without {unknown}.")
        return self.foretell(frame)[0][np.arange(len(frame)), column]


def usual_eur(customers: pd.DataFrame, margin: float, otherwise: float) -> np.ndarray:
    """Return the margin in EUR of a usual basket (n), `otherwise` for who bought nothing lately."""
    spend, baskets = (customers[name].to_numpy(dtype=float) for name in (SPEND, BASKETS))
    with np.errstate(divide="ignore", invalid="ignore"):
        usual = margin * spend / baskets
    return np.where((baskets > 0) & (usual > 0), usual, otherwise)
