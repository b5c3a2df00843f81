"""What is written about a decision, so that anybody can question it and replay it from the row alone."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ml.nba import explore, ration
from ml.nba.choose import RATIONED, Choice
from ml.nba.circumstances import Circumstances
from ml.nba.complaints import AGE
from ml.nba.maturity import noted
from ml.nba.model import NbaSettings

_CANDIDATE = {  # column -> key in the ledger
    "action_id": "action_id",
    "channel": "channel",
    "is_eligible": "is_eligible",
    "dropped_by": "dropped_by",
    "dropped_reason": "dropped_reason",
    "response_basis": "basis",
    "response_probability": "response_probability",
    "response_value_eur": "response_value_eur",
    "cost_eur": "cost_eur",
    "expected_harm_eur": "expected_harm_eur",
    "serves_intent": "intent",
    "intent_probability": "intent_probability",
    "expected_net_value_eur": "expected_net_value_eur",
    "propensity": "propensity",
}


def decision_id(customer_id: str, as_of: date, revision: int = 0) -> str:
    """Return the id of the one decision per customer, day and revision; it tells nothing about the customer."""
    named = ["decision", customer_id, as_of.isoformat(), *([str(revision)] if revision else [])]
    return hashlib.sha256("\x1f".join(named).encode()).hexdigest()[:32]


def candidate_texts(rows: pd.DataFrame, actions: int) -> list[str]:
    """Return per customer the JSON of all candidates; `rows` has `actions` rows per customer."""
    columns = {key: _plain(rows[column]) for column, key in _CANDIDATE.items()}
    records = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [_json(records[start : start + actions]) for start in range(0, len(records), actions)]


def fact_texts(
    given: Circumstances, customers: pd.Series, settings: NbaSettings, models: Mapping[str, str]
) -> list[str]:
    """Return per customer the JSON of what the policies and reasons looked at.

    That is features, contacts, departments, the model ("name/version") behind each basis of a candidate, and where a
    policy asks for it what the customer said about consent and for how many days a complaint has waited.
    """
    looked_at = given.policies.loc[given.policies["rule"] == "minimum_feature", "parameter"]
    names = sorted({*looked_at, *settings.reason_facts, *settings.touches_only.values()} & set(given.features))
    features = given.features.set_index("customer_id").loc[customers, names]
    counts = [name for name in given.contacts if name.startswith("contacts_")]
    wide = given.contacts.pivot(index="customer_id", columns="channel", values=counts).loc[customers]
    contact_names = [f"{channel}_{count.removeprefix('contacts_')}" for count, channel in wide.columns]
    consents = _consent_facts(given, customers)
    waits = _complaint_facts(given, customers)
    return [
        _json(
            {
                "features": dict(zip(names, of_customer, strict=True)),
                "contacts": dict(zip(contact_names, seen, strict=True)),
                "departments": given.departments,
                "models": dict(models),
                **said,
                **waiting,
            }
        )
        for of_customer, seen, said, waiting in zip(
            zip(*(_plain(features[name]) for name in names), strict=True),
            wide.astype(int).to_numpy().tolist(),
            consents,
            waits,
            strict=True,
        )
    ]


def _consent_facts(given: Circumstances, customers: pd.Series) -> list[dict[str, Any]]:
    """Return per customer {"consents": {"marketing/email": granted or not}}; nothing where no policy asks."""
    if not (given.policies["rule"] == "consent_required").any():
        return [{} for _ in customers]
    told = given.consents
    by_customer: dict[str, dict[str, bool]] = {}
    for customer, purpose, channel, granted in zip(
        told["customer_id"], told["purpose"], told["channel"], told["is_granted"].astype(bool), strict=True
    ):
        by_customer.setdefault(customer, {})[f"{purpose}/{channel}"] = bool(granted)
    return [{"consents": by_customer.get(customer, {})} for customer in customers]


def _complaint_facts(given: Circumstances, customers: pd.Series) -> list[dict[str, Any]]:
    """Return per customer {"complaint_age_days": days or None}; nothing where no policy asks."""
    if not (given.policies["rule"] == "unanswered_complaint").any():
        return [{} for _ in customers]
    waits = dict(zip(given.complaints["customer_id"], given.complaints[AGE].astype(int).tolist(), strict=True))
    return [{AGE: waits.get(customer)} for customer in customers]


def exploration_texts(choice: Choice, vocabulary: pd.DataFrame, as_of: date, settings: NbaSettings) -> list[str]:
    """Return per customer the JSON of how was drawn: the settings, and under limits what these made of it.

    That is `maturity`, how many may get a new action, `assigned`, the action that the global choice gave, `prices` in
    EUR per action and `shares` of exploration, where they are not 0 and 1.
    """
    actions = vocabulary["action_id"].tolist()
    how = {name: getattr(settings, name) for name in ("gamma", "reward_scale_eur", "holdout_share", "random_share")}
    how = {"method": choice.method, **how, "maturity": noted(vocabulary, as_of, settings.maturity)}
    if choice.assigned is None:
        return [_json(how)] * len(choice.action)
    how |= {
        "explored_share": settings.explored_share,
        "prices": {action: each for action, each in zip(actions, choice.price.tolist(), strict=True) if each != 0},
        "shares": {action: each for action, each in zip(actions, choice.share.tolist(), strict=True) if each != 1},
    }
    by_action = [_json({**how, "assigned": action}) for action in actions]
    return [by_action[column] for column in choice.assigned.tolist()]


def replay(row: dict[str, Any]) -> tuple[str, str, dict[str, float]]:
    """Return (arm, chosen action, probability by action) as they follow from one ledger row and nothing else.

    Without limits the number drawn follows from seed, customer and day. Under limits the draws of a day hang together,
    so the one that the row keeps is taken.
    """
    candidates, how = row["candidates"], row["exploration"]
    actions = [candidate["action_id"] for candidate in candidates]
    arm = explore.arm(row["customer_id"], row["as_of_date"], how["holdout_share"], how["random_share"])
    value = np.array([[candidate["expected_net_value_eur"] for candidate in candidates]], dtype=float)
    given = (np.array([[candidate["is_eligible"] for candidate in candidates]]),)
    default, scale = actions.index("no_action"), (how["gamma"], how["reward_scale_eur"])
    if how["method"] == RATIONED:
        price, share = (
            np.array([how[name].get(action, usual) for action in actions], dtype=float)
            for name, usual in (("prices", 0), ("shares", 1))
        )
        assigned = np.array([actions.index(how["assigned"])])
        probability = ration.propensities(np.array([arm]), value - price, *given, assigned, share, default, *scale)
        drawn = row["draw"]
    else:
        probability = explore.propensities(np.array([arm]), value, *given, default, *scale)
        drawn = explore.draw(row["seed"], row["customer_id"], row["as_of_date"])
    chosen = explore.pick(probability, np.array([drawn]))[0]
    return arm, actions[chosen], dict(zip(actions, probability[0].tolist(), strict=True))


def _plain(column: pd.Series) -> list[Any]:
    """Return the values as Python objects, None where missing; probabilities keep all their digits."""
    return [None if pd.isna(value) else value for value in column.tolist()]


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
