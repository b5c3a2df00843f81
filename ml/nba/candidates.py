"""Lay out every action for every customer, with what it would bring and whether it may be done."""

from datetime import date

import pandas as pd

from ml import frames
from ml.nba.circumstances import Circumstances
from ml.nba.complaints import AGE
from ml.nba.learn.values import LearnedValues
from ml.nba.model import NbaSettings, ResponseModel
from ml.nba.policy import CONSENT, NO_ACTION, TAKEN_DAYS, apply_policies
from ml.nba.value import LEARNED, by_decisions, expected_net_value, response_probability

PART = 50_000  # customers that are laid out, or written, at a time: with 20 actions about a gigabyte
KEPT = (
    *("customer_id", "as_of_date", "action_id", "channel", "is_eligible", "dropped_by", "dropped_reason"),
    *("response_basis", "response_probability", "response_value_eur", "lever", "cost_eur", "expected_harm_eur"),
    *("serves_intent", "intent_probability", "expected_net_value_eur"),
)


def lay_out(
    given: Circumstances, model: ResponseModel, settings: NbaSettings, values: LearnedValues | None = None
) -> pd.DataFrame:
    """Return one row per customer and action, by customer_id and action_id, ready to be chosen from.

    Columns: the action's, the features, `response_probability`, `expected_harm_eur`, `expected_net_value_eur`,
    `dropped_by`, `dropped_reason`, `is_eligible`. What `values` knows of an action takes the place of what the
    response model and the catalogue say of it; `response_basis` tells whose word it is. Raises EmptyFrame if customers
    have features but no score or contact count.
    """
    intents = given.scores.pivot(index="customer_id", columns="intent", values="probability")
    customers = given.features.merge(
        intents.add_prefix("intent_probability:"), left_on="customer_id", right_index=True, how="left"
    )
    unscored = customers["customer_id"][~customers["customer_id"].isin(intents.index)]
    if len(unscored):
        raise frames.EmptyFrame(
            f"{len(unscored)} customers have features but no intent scores. Run score_intent first."
        )
    rows = customers.merge(given.actions, how="cross").sort_values(["customer_id", "action_id"], ignore_index=True)
    rows["intent_probability"] = _of_served_intent(rows)
    rows["learned_response"] = float("nan")
    learned = rows["response_basis"] == LEARNED
    rows.loc[learned, "learned_response"] = model.predict_proba(rows[learned])
    rows["response_probability"] = response_probability(rows)
    rows["expected_harm_eur"] = 0.0
    if values is not None:
        rows = by_decisions(rows, values.candidates(customers))
    rows["expected_net_value_eur"] = expected_net_value(rows)
    rows = _with_contacts(rows, given.contacts)
    rows[CONSENT] = consent_of(rows, given.consents)
    rows[AGE] = rows["customer_id"].map(given.complaints.set_index("customer_id")[AGE])
    rows[TAKEN_DAYS] = _taken_days(rows, given.taken)
    verdict = apply_policies(
        *(rows, given.policies, given.limits, given.departments),
        *(settings.purposes, settings.touches_only, given.silent_days),
    )
    rows = rows.join(verdict)
    return rows.assign(is_eligible=rows["dropped_by"].isna())


def lay_out_all(
    given: Circumstances, model: ResponseModel, settings: NbaSettings, values: LearnedValues | None = None
) -> pd.DataFrame:
    """Return what `lay_out` gives for any number of customers, with the columns alone that a decision needs.

    A part of the customers at a time: features times actions of a million would not fit into memory.
    """
    parts = [_kept(lay_out(part, model, settings, values)) for part in given.parts(PART)]
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)


def _kept(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[*KEPT, *(name for name in rows if name.endswith(frames.AGE_SUFFIX))]]


def _of_served_intent(rows: pd.DataFrame) -> pd.Series:
    found = pd.Series(float("nan"), index=rows.index)
    for intent in rows["serves_intent"].dropna().unique():
        serves = rows["serves_intent"] == intent
        if f"intent_probability:{intent}" in rows:
            found[serves] = rows.loc[serves, f"intent_probability:{intent}"]
    return found


def _with_contacts(rows: pd.DataFrame, contacts: pd.DataFrame) -> pd.DataFrame:
    """Add `channel_contacts_<window>d`, the contacts on the action's channel; no_action's channel has none."""
    counts = {name: f"channel_{name}" for name in contacts if name.startswith("contacts_")}
    joined = rows.merge(
        contacts[["customer_id", "channel", *counts]].rename(columns=counts),
        on=["customer_id", "channel"],
        how="left",
        validate="many_to_one",
    )
    uncounted = joined[[*counts.values()]].isna().any(axis=1) & (joined["action_id"] != NO_ACTION)
    if uncounted.any():
        lost = ", ".join(sorted(joined.loc[uncounted, "channel"].unique()))
        raise frames.EmptyFrame(f"marts.contact_pressure lacks customers ({lost}). Run build_warehouse first.")
    return joined.fillna(dict.fromkeys(counts.values(), 0))


def _taken_days(rows: pd.DataFrame, taken: pd.DataFrame) -> pd.Series:
    """Return the days (n) since each customer had the action last; missing where no cool-down asks or it never was."""
    days = taken.set_index(["customer_id", "action_id"])[TAKEN_DAYS].astype(float)
    asked = rows["action_id"].isin(taken["action_id"].unique())
    found = pd.Series(float("nan"), index=rows.index)
    found[asked] = days.reindex(pd.MultiIndex.from_frame(rows.loc[asked, ["customer_id", "action_id"]])).to_numpy()
    return found


def consent_of(rows: pd.DataFrame, consents: pd.DataFrame) -> pd.Series:
    """Return what each customer said last of the action's purpose on its channel or any: granted, withdrawn, missing.

    Of two words of the same moment the withdrawal counts.
    """
    asked = rows[["customer_id", "purpose", "channel"]].assign(row=rows.index)
    told = asked.merge(consents, on=["customer_id", "purpose"], suffixes=("", "_told"))
    told = told[(told["channel_told"] == told["channel"]) | (told["channel_told"] == "any")]
    told = told.sort_values(["changed_at", "is_granted"], ascending=[True, False]).drop_duplicates("row", keep="last")
    return told.set_index("row")["is_granted"].map({True: "granted", False: "withdrawn"}).reindex(rows.index)


def valid_dates(as_of: date, settings: NbaSettings) -> tuple[date, date]:
    """Return the first and the last day on which a decision of `as_of` may be carried out."""
    first = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    return first.date(), (first + pd.Timedelta(days=settings.validity_days - 1)).date()
