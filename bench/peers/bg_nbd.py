"""BG/NBD: people buy at Gamma-distributed rates and may leave after each purchase with Beta-distributed chances.

Fader, Hardie & Lee, "Counting your customers the easy way", Marketing Science 24(2), 2005. Fitted here, by maximum
likelihood: four parameters are a page, and the bench then needs no package that the platform does not.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, gammaln


def repeat_purchase(bought: pd.DataFrame, rows: pd.DataFrame, fitted_on: pd.Timestamp, days: int = 28) -> np.ndarray:
    """Return P(at least one purchase day in the next `days`) for `rows` (customer_id, as_of_date).

    `bought`: customer_id, sold_date, known_date of every purchase day. The four parameters are fitted on everybody as
    of `fitted_on`. Who has not bought yet has the share of nobody: 0.
    """
    customers = pd.DataFrame({"customer_id": bought["customer_id"].unique(), "as_of_date": fitted_on})
    known = recency_frequency(bought, customers)
    parameters = fit(*(known.loc[known["age"] > 0, name].to_numpy() for name in ("repeats", "recency", "age")))
    found = recency_frequency(bought, rows)
    has_bought = found["age"].notna().to_numpy()
    probability = np.zeros(len(rows))
    told = [found.loc[has_bought, name].to_numpy() for name in ("repeats", "recency", "age")]
    probability[has_bought] = buys_within(*told, parameters, days)
    return probability


def recency_frequency(bought: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return repeats (purchase days after the first), recency and age (days since the first) by row, as known then."""
    parts = []
    for day, part in rows.groupby("as_of_date", sort=False):
        seen = bought[(bought["sold_date"] <= day) & (bought["known_date"] <= day)]
        of = seen.groupby("customer_id")["sold_date"].agg(["min", "max", "nunique"]).reindex(part["customer_id"])
        of.index = part.index
        parts.append(
            pd.DataFrame(
                {
                    "repeats": of["nunique"] - 1,
                    "recency": (of["max"] - of["min"]).dt.days,
                    "age": (day - of["min"]).dt.days,
                }
            )
        )
    return pd.concat(parts).loc[rows.index]


def fit(repeats: np.ndarray, recency: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Return (r, alpha, a, b), the maximum of the likelihood (equation 6 of the paper)."""

    def loss(logs: np.ndarray) -> float:
        r, alpha, a, b = np.exp(logs)
        shared = gammaln(r + repeats) - gammaln(r) + r * np.log(alpha)
        alive = betaln(a, b + repeats) - betaln(a, b) - (r + repeats) * np.log(alpha + age)
        left = betaln(a + 1, b + np.maximum(repeats, 1) - 1) - betaln(a, b) - (r + repeats) * np.log(alpha + recency)
        return -float(np.mean(shared + np.where(repeats > 0, np.logaddexp(alive, left), alive)))

    tried = [minimize(loss, start, method="L-BFGS-B", bounds=[(-10, 10)] * 4) for start in (np.zeros(4), np.ones(4))]
    return np.exp(min(tried, key=lambda each: each.fun).x)


def buys_within(
    repeats: np.ndarray, recency: np.ndarray, age: np.ndarray, parameters: np.ndarray, days: int
) -> np.ndarray:
    """Return P(a purchase in the next `days`): alive, and not silent for so long at the rate that the past suggests."""
    r, alpha, a, b = parameters
    odds = (
        a / (b + np.maximum(repeats, 1) - 1) * np.exp((r + repeats) * (np.log(alpha + age) - np.log(alpha + recency)))
    )
    alive = 1 / (1 + np.where(repeats > 0, odds, 0))
    silent = np.exp((r + repeats) * (np.log(alpha + age) - np.log(alpha + age + days)))
    return alive * (1 - silent)
