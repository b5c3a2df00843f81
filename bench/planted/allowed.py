"""What may be done in the loop bench: the policies of Nordhaus, carried out by the platform's own policy code."""

from pathlib import Path

import numpy as np
import pandas as pd

from bench.planted.town import Monday
from ml.nba.complaints import AGE
from ml.nba.obligation import OPTIONAL
from ml.nba.policy import CONSENT, COOL_DOWN, apply_policies
from simulator.nordhaus import effects

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "nordhaus"
SERVICE = ("service_callback", "apology_voucher", "tutorial", "ask_missing_attribute")


def eligible(monday: Monday) -> np.ndarray:
    """Return what may be done (n, k). Contact limits and cool-downs are not asked: a week is a round."""
    policies = pd.read_csv(SEEDS / "policy_versions.csv")
    policies = policies[~policies["rule"].isin(["contact_limit", COOL_DOWN])]
    looked_at = policies.loc[policies["rule"] == "minimum_feature", "parameter"].unique()
    size, names = len(monday.person), np.array(effects.NAMES)
    rows = pd.DataFrame(
        {
            "action_id": np.tile(names, size),
            "channel": np.tile(effects.CHANNELS, size),
            "kind": OPTIONAL,
            "purpose": np.tile(np.where(np.isin(names, SERVICE), "service", "marketing"), size),
            "needs_departments": "",
            CONSENT: np.where(monday.truth.is_reachable.ravel(), "granted", "withdrawn"),
            AGE: np.nan,  # nobody reads messages in this replay
        }
    )
    for name in looked_at:
        rows[name] = np.repeat(monday.features[:, monday.names.index(name)], len(names))
    nothing = pd.DataFrame(columns=["channel", "window_days", "maximum_contacts"])
    verdict = apply_policies(rows, policies, nothing, {}, ["marketing", "service"], {})
    return verdict["dropped_by"].isna().to_numpy().reshape(size, len(names))
