"""From which probability on a customer is read as wanting something: at most a promised share of readings is wrong.

The reading "wants X" is wrong if X does not happen within its horizon. The bound is Clopper & Pearson's, thresholds are
tried from the strictest on (ml/messages/promise.py). A customer stands in several weeks, which are not independent: of
each customer one week counts, drawn by hash.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ml.intent.model import IntentModel
from ml.messages.promise import sure_from, upper_bound


def readings(frame: pd.DataFrame, part: pd.Series, model: IntentModel) -> pd.DataFrame:
    """Return one row per customer of `part`: probability of the top intent, and whether it came true.

    Rows whose top intent is undefined for the customer are left out. Columns: customer_id, probability, is_right.
    """
    rows = frame[part]
    order = pd.util.hash_pandas_object(rows["customer_id"] + "/" + rows["as_of_date"].astype(str), index=False)
    rows = rows.iloc[np.argsort(order.to_numpy(), kind="stable")].drop_duplicates("customer_id")
    probabilities = model.predict_proba(rows)
    top = probabilities.to_numpy().argmax(axis=1)
    happened = rows[[f"label:{intent}" for intent in model.intents]].to_numpy(dtype=float)
    came_true = happened[np.arange(len(rows)), top]
    found = pd.DataFrame(
        {
            "customer_id": rows["customer_id"].to_numpy(),
            "probability": probabilities.max(axis=1).to_numpy(),
            "is_right": came_true == 1,
        }
    )
    return found[~np.isnan(came_true)].reset_index(drop=True)


def threshold(frame: pd.DataFrame, part: pd.Series, model: IntentModel, promise: Mapping[str, float]) -> float:
    """Return the lowest probability that keeps `promise` (risk, confidence) on `part`; above 1 if none does."""
    found = readings(frame, part, model)
    return float(
        min(
            sure_from(
                found["probability"].to_numpy(), found["is_right"].to_numpy(), promise["risk"], promise["confidence"]
            ),
            2.0,
        )
    )


def kept(frame: pd.DataFrame, part: pd.Series, model: IntentModel, promise: Mapping[str, float]) -> dict[str, float]:
    """Measure the promise out of sample: what it said, how many are read, how many of these readings are wrong.

    `abstention/is_broken` is 1 if the share of wrong readings lies above the risk beyond doubt (the lower bound does).
    """
    found = readings(frame, part, model)
    read = found[found["probability"] >= model.abstain_below]
    wrong = int((~read["is_right"]).sum())
    share = wrong / len(read) if len(read) else 0.0
    low = 1 - upper_bound(len(read) - wrong, len(read), promise["confidence"]) if len(read) else 0.0
    return {
        "abstention/promised_risk": promise["risk"],
        "abstention/threshold": model.abstain_below,
        "abstention/customers_read": float(len(read)),
        "abstention/share_read": len(read) / max(len(found), 1),
        "abstention/share_wrong": share,
        "abstention/is_broken": float(low > promise["risk"]),
    }
