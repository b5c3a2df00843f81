"""New actions begin small: of everybody only so many get one, until it is mature.

The ramp is a capacity like any other (`ml.nba.capacity`): an action that is offered for `age` days may be taken by
`starts_at + (1 - starts_at) * age / days` of all customers, so that what is unknown is dealt out to those for whom it
promises most, explored by ration, and every probability stays what is logged. The habit is Pega's ("model maturity":
a new action reaches 2 % of its base first), which counts answers where this counts days.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ml.nba.capacity import Limits
from ml.nba.obligation import MANDATORY
from ml.nba.policy import NO_ACTION


def shares(actions: pd.DataFrame, as_of: date, maturity: Mapping[str, float]) -> dict[str, float]:
    """Return by action that is not mature on `as_of` the share of all customers, 0 to 1, that may get it."""
    # A later version is no new action. Of a logged day before the first one nobody could have got it.
    age = (pd.Timestamp(as_of) - pd.to_datetime(actions["offered_since"])).dt.days.clip(lower=0)
    share = maturity["starts_at"] + (1 - maturity["starts_at"]) * age / maturity["days"]
    young = (age < maturity["days"]) & (actions["action_id"] != NO_ACTION) & (actions["kind"] != MANDATORY)
    return dict(zip(actions.loc[young, "action_id"], share[young].astype(float).tolist(), strict=True))


def ramp(actions: pd.DataFrame, as_of: date, customers: int, maturity: Mapping[str, float]) -> Limits:
    """Return the limits of a day on actions (k) that are not mature: so many whole customers of all of them."""
    young = shares(actions, as_of, maturity)
    usage = np.array([actions["action_id"].eq(name).to_numpy(dtype=float) for name in young])
    # A hair more than a whole customer is that customer: 0.29 * 100 is less than 29.
    maximum = np.floor(np.array(list(young.values())) * customers + 1e-9)
    return Limits([f"ramp of {name}" for name in young], usage.reshape(len(young), len(actions)).T, maximum)


def noted(actions: pd.DataFrame, as_of: date, maturity: Mapping[str, float]) -> dict[str, Any]:
    """Return what the ledger keeps of the ramp: its settings, and the share of each action that is not mature."""
    return {**maturity, "shares": shares(actions, as_of, maturity)}
