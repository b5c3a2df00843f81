"""Learn net values from answered decisions."""

import numpy as np
import pandas as pd

from ml import frames
from ml.nba.experience import Catalogue, Experience
from ml.nba.learn.answered import outcomes_of
from ml.nba.learn.values import LearnedValues, usual_eur
from ml.nba.model import NbaSettings
from ml.nba.net_value import NetValueModel
from ml.nba.policy import NO_ACTION
from ml.nba.reward import Prices

WEEK = 7
_NOT_FEATURES = (
    *("propensity", "age_days", "spend_eur", "opt_outs", "complaints"),
    *("foretold_response", "foretold_harm_eur"),
)


def features_of(rows: pd.DataFrame) -> list[str]:
    """Name the features of answered decisions."""
    return [name for name in frames.feature_names(rows) if name not in _NOT_FEATURES]


def fit(rows: pd.DataFrame, actions: pd.DataFrame, worth: tuple[float, Prices], settings: NbaSettings) -> LearnedValues:
    """Fit on answered decisions (`answered`); `actions` are those of the vocabulary, `worth` as `prices` gives it."""
    margin, costs = worth
    rules, names = settings.net_value, actions["action_id"].tolist()
    rows = rows[rows["action_id"].isin(names)].reset_index(drop=True)
    usual = usual_eur(rows, margin, np.nan)
    otherwise = float(np.nanmean(usual)) if np.isfinite(usual).any() else 1.0
    seen = experience(rows, names, usual_eur(rows, margin, otherwise), worth, settings)
    harm = rules.assumed_harm_share * costs.opt_out_eur
    catalogue = assumed(actions, seen, otherwise, harm)
    model = NetValueModel(catalogue, settings.learning, settings.seed, counts_anyway=True).fit(seen)
    counts = rows["action_id"].value_counts()
    known = [name for name in names if name != NO_ACTION and counts.get(name, 0) >= rules.minimum_action_decisions]
    return LearnedValues(model, features_of(rows), names, known, margin, otherwise)


def experience(
    rows: pd.DataFrame, actions: list[str], usual: np.ndarray, worth: tuple[float, Prices], settings: NbaSettings
) -> Experience:
    """Return the decisions as the model learns from them; those of one week are a batch.

    What was foretold counts only where this model foretold it: the response model means clicks, not purchases.
    """
    margin, costs = worth
    followed = outcomes_of(rows, margin)
    ours = (rows["model_name"] == settings.net_value.model).to_numpy()
    return Experience(
        features=frames.as_numbers(rows, features_of(rows)).to_numpy(dtype=np.float32),
        action=pd.Index(actions).get_indexer(rows["action_id"]),
        usual_eur=usual,
        responded=followed.responded,
        margin_eur=followed.margin_eur,
        harm_eur=followed.harm_eur(costs),
        age_days=(rows["age_days"] // WEEK * WEEK).to_numpy(dtype=float),
        foretold_response=np.where(ours, rows["foretold_response"], np.nan),
        foretold_harm_eur=np.where(ours, rows["foretold_harm_eur"], np.nan),
    )


def assumed(actions: pd.DataFrame, seen: Experience, usual: float, harm_eur: float) -> Catalogue:
    """Return what the catalogue assumes of the actions: worths as multiples of a usual basket, no answer unless said.

    An action that answers to an intent is assumed to add what is assumed of those who have it, to everybody: with
    fifty decisions this is forgotten.
    """
    cost = actions["cost_eur"].to_numpy(dtype=float)
    response = actions["assumed_response"].fillna(0).to_numpy(dtype=float)
    ratio = actions["response_value_eur"].to_numpy(dtype=float) / max(usual, 0.01)
    # Who buys without any action buys as usual.
    return Catalogue(cost, np.where(cost > 0, ratio, 1.0), np.where(cost > 0, response, 0.0),
                     np.where(cost > 0, harm_eur, 0.0))  # fmt: skip
