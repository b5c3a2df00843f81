"""Decide the next best action of every customer, and write each decision to the ledger."""

import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ml import frames, registry
from ml.clock import scored_at
from ml.nba import explore, ledger
from ml.nba.candidates import lay_out, valid_dates
from ml.nba.circumstances import Circumstances, read_circumstances
from ml.nba.model import NbaSettings, nba_settings
from ml.nba.policy import NO_ACTION
from ml.registry import ModelVersion
from runtime import warehouse
from runtime.settings import settings as runtime_settings


def decide(as_of: date) -> int:
    """Append one decision per customer with features on `as_of` and return how many were new.

    The ledger is append-only: a decision that was made stands, so a second run adds only customers without one.
    Raises RegistryError without a champion, EmptyFrame if a step before has not run for `as_of`.
    """
    settings = nba_settings()
    version = registry.champion(settings.model)
    with warehouse.transaction() as connection:
        given = read_circumstances(connection, as_of)
        known = warehouse.read_frame(
            connection, "select customer_id from decisions.decision_ledger where as_of_date = %s", (as_of,)
        )
        undecided = given.features[~given.features["customer_id"].isin(known["customer_id"])]
        if undecided.empty:
            return 0
        rows = decisions(_only(given, undecided), version, registry.load(version), as_of, settings)
        return warehouse.copy_frame(connection, rows, "decisions.decision_ledger")


def decisions(
    given: Circumstances, version: ModelVersion, model: Any, as_of: date, settings: NbaSettings
) -> pd.DataFrame:
    """Return the ledger rows, one per customer: laid out, drawn and explained."""
    candidates = lay_out(given, model, settings)
    actions = given.actions["action_id"].tolist()
    if NO_ACTION not in actions:
        raise ValueError("vocabulary.actions lacks no_action, which must always be possible.")
    shape = (len(given.features), len(actions))
    customers = candidates["customer_id"].iloc[:: len(actions)].reset_index(drop=True)
    seed = runtime_settings().exploration_seed
    arms = np.array([explore.arm(who, as_of, settings.holdout_share, settings.random_share) for who in customers])
    drawn = np.array([explore.draw(seed, who, as_of) for who in customers])
    probability = explore.propensities(
        arms,
        candidates["expected_net_value_eur"].to_numpy().reshape(shape),
        candidates["is_eligible"].to_numpy().reshape(shape),
        actions.index(NO_ACTION),
        settings.gamma,
        settings.reward_scale_eur,
    )
    candidates["propensity"] = probability.ravel()
    chosen = candidates.iloc[np.arange(shape[0]) * shape[1] + explore.pick(probability, drawn)].reset_index(drop=True)
    intents = given.scores.iloc[0]
    valid_from, valid_until = valid_dates(as_of, settings)
    how = {name: getattr(settings, name) for name in ("gamma", "reward_scale_eur", "holdout_share", "random_share")}
    return pd.DataFrame(
        {
            "decision_id": [ledger.decision_id(who, as_of) for who in customers],
            "customer_id": customers,
            "as_of_date": as_of,
            "arm": arms,
            "candidates": ledger.candidate_texts(candidates, len(actions)),
            "facts": ledger.fact_texts(given, customers, settings),
            "exploration": json.dumps({"method": "squarecb", **how}),
            "seed": seed,
            "draw": drawn,
            "action_id": chosen["action_id"],
            "channel": chosen["channel"],
            "propensity": chosen["propensity"],
            "expected_net_value_eur": chosen["expected_net_value_eur"],
            "valid_from": valid_from,
            "valid_until": valid_until,
            "data_as_of": frames.data_as_of(chosen).dt.date,
            "policy_version": settings.policy_version,
            "model_name": version.name,
            "model_version": version.version,
            "intent_model_name": intents["model_name"],
            "intent_model_version": intents["model_version"],
            "scored_at": scored_at(chosen["as_of_date"]),
        }
    )


def _only(given: Circumstances, features: pd.DataFrame) -> Circumstances:
    """Narrow the circumstances down to the customers of `features`."""
    own = {name: getattr(given, name) for name in ("actions", "policies", "limits", "departments")}
    wanted = set(features["customer_id"])
    return Circumstances(
        features=features.sort_values("customer_id", ignore_index=True),
        scores=given.scores[given.scores["customer_id"].isin(wanted)],
        contacts=given.contacts[given.contacts["customer_id"].isin(wanted)],
        consents=given.consents[given.consents["customer_id"].isin(wanted)],
        **own,
    )
