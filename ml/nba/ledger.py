"""What is written about a decision, so that anybody can question it and replay it from the row alone."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ml.nba import explore, json_text, ration
from ml.nba.choose import RATIONED, Choice
from ml.nba.circumstances import Circumstances
from ml.nba.complaints import AGE
from ml.nba.maturity import noted
from ml.nba.model import NbaSettings
from ml.nba.obligation import FREE, mandatory_actions, obliged
from ml.nba.policy import COOL_DOWN, TAKEN_DAYS

_CANDIDATE = {  # column -> key in the ledger
    "action_id": "action_id",
    "channel": "channel",
    "is_eligible": "is_eligible",
    "dropped_by": "dropped_by",
    "dropped_reason": "dropped_reason",
    "response_basis": "basis",
    "response_probability": "response_probability",
    "response_value_eur": "response_value_eur",
    "lever": "lever",
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


def candidate_texts(rows: pd.DataFrame, actions: int) -> pa.Array:
    """Return per customer the JSON of all candidates; `rows` has `actions` rows per customer."""
    each = json_text.objects({key: json_text.values(rows[column]) for column, key in _CANDIDATE.items()})
    return json_text.lists(each, np.full(len(rows) // actions, actions))


def fact_texts(
    given: Circumstances, customers: pd.Series, settings: NbaSettings, models: Mapping[str, str]
) -> pa.Array:
    """Return per customer the JSON of what the policies and reasons looked at.

    That is features, contacts, departments, the model ("name/version") behind each basis of a candidate, and where a
    policy asks for it what the customer said about consent, for how many days a complaint has waited, and how many days
    ago an action was decided.
    """
    rules = set(given.policies["rule"])
    looked_at = given.policies.loc[given.policies["rule"] == "minimum_feature", "parameter"]
    names = sorted({*looked_at, *settings.reason_facts, *settings.touches_only.values()} & set(given.features))
    features = given.features.set_index("customer_id").loc[customers, names]
    facts = {
        "features": json_text.objects({name: json_text.values(features[name]) for name in names}),
        "contacts": _contact_facts(given, customers),
        "departments": _alike(given.departments, len(customers)),
        "models": _alike(models, len(customers)),
    }
    if "consent_required" in rules:
        facts["consents"] = _consent_facts(given, customers)
    if "unanswered_complaint" in rules:
        age = given.complaints.set_index("customer_id")[AGE].astype("Int64")
        facts[AGE] = json_text.values(age.reindex(customers).astype(float))
    if COOL_DOWN in rules:
        facts[TAKEN_DAYS] = _taken_facts(given, customers)
    return json_text.objects(facts)


def _alike(content: Mapping[str, Any], count: int) -> pa.Array:
    return pa.repeat(pa.scalar(_json(dict(content)), pa.large_string()), count)


def _contact_facts(given: Circumstances, customers: pd.Series) -> pa.Array:
    """Return per customer {"email_7d": contacts, ...}."""
    counts = [name for name in given.contacts if name.startswith("contacts_")]
    wide = given.contacts.pivot(index="customer_id", columns="channel", values=counts).loc[customers].astype(int)
    return json_text.objects(
        {f"{channel}_{name.removeprefix('contacts_')}": json_text.values(wide[name, channel]) for name, channel in wide}
    )


def _consent_facts(given: Circumstances, customers: pd.Series) -> pa.Array:
    """Return per customer {"marketing/email": granted or not}: the last word on each, of two at once the withdrawal."""
    told = given.consents.assign(place=pd.Index(customers).get_indexer(given.consents["customer_id"]))
    told = told[told["place"] >= 0].sort_values(["place", "purpose", "channel", "changed_at", "is_granted"],
                                                ascending=[True, True, True, True, False])  # fmt: skip
    told = told.drop_duplicates(["place", "purpose", "channel"], keep="last").reset_index(drop=True)
    named = json_text.values(told["purpose"] + "/" + told["channel"])
    separator = pa.scalar(":", pa.large_string())
    members = pc.binary_join_element_wise(named, json_text.values(told["is_granted"].astype(bool)), separator)
    return json_text.lists(members, np.bincount(told["place"], minlength=len(customers)), "{}")


def _taken_facts(given: Circumstances, customers: pd.Series) -> pa.Array:
    """Return per customer {action: days since it was decided last}."""
    told = given.taken.assign(place=pd.Index(customers).get_indexer(given.taken["customer_id"]))
    told = told[told["place"] >= 0].sort_values(["place", "action_id"], ignore_index=True)
    days = json_text.values(told[TAKEN_DAYS].astype(int))
    members = pc.binary_join_element_wise(json_text.values(told["action_id"]), days, pa.scalar(":", pa.large_string()))
    return json_text.lists(members, np.bincount(told["place"], minlength=len(customers)), "{}")


def exploration_texts(
    choice: Choice, must: np.ndarray, vocabulary: pd.DataFrame, as_of: date, settings: NbaSettings
) -> pa.Array:
    """Return per customer the JSON of how was drawn: the settings, and under limits what these made of it.

    That is `maturity`, how many may get a new action, `assigned`, the action that the global choice gave, `prices` in
    EUR per action and `shares` of exploration, where they are not 0 and 1; and `mandatory`, the actions that have to be
    told if there are any: `must` (n) is the column of the one that a customer is told, or FREE.
    """
    texts = _exploration(choice, vocabulary, as_of, settings)
    if (must == FREE).all():
        return texts
    sure = _json({**_settings_of(vocabulary, as_of, settings), "method": explore.MANDATORY})
    return pc.if_else(pa.array(must == FREE), texts, pa.scalar(sure, pa.large_string()))


def _settings_of(vocabulary: pd.DataFrame, as_of: date, settings: NbaSettings) -> dict[str, Any]:
    how = {name: getattr(settings, name) for name in ("gamma", "reward_scale_eur", "holdout_share", "random_share")}
    mandatory = mandatory_actions(vocabulary)
    how |= {"mandatory": mandatory} if mandatory else {}
    return {**how, "maturity": noted(vocabulary, as_of, settings.maturity)}


def _exploration(choice: Choice, vocabulary: pd.DataFrame, as_of: date, settings: NbaSettings) -> pa.Array:
    actions = vocabulary["action_id"].tolist()
    how = {"method": choice.method, **_settings_of(vocabulary, as_of, settings)}
    if choice.assigned is None:
        return _alike(how, len(choice.action))
    how |= {
        "explored_share": settings.explored_share,
        "prices": {action: each for action, each in zip(actions, choice.price.tolist(), strict=True) if each != 0},
        "shares": {action: each for action, each in zip(actions, choice.share.tolist(), strict=True) if each != 1},
    }
    by_action = pa.array([_json({**how, "assigned": action}) for action in actions], pa.large_string())
    return by_action.take(pa.array(choice.assigned))


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
    must = obliged(np.isin(actions, how.get("mandatory", [])), value, *given)[0]
    if must != FREE:
        return explore.MANDATORY, actions[must], {action: float(action == actions[must]) for action in actions}
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


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
