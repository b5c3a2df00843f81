"""What may not be done for a customer today, and by which rule. The rules and their numbers are rows of vocabulary.

Kinds of rule are in RULES. A rule without action_id is for every action. The purpose of an action is checked against
the purposes of the installation before all of them. Whether a purpose needs consent must be said for each: by
`consent_required` or `consent_not_required` with the purpose as parameter (empty: all); silence is an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from ml.nba.complaints import AGE
from ml.nba.obligation import OPTIONAL

NO_ACTION = "no_action"
PURPOSE_RULE = "purpose_not_allowed"
# The order in which rules are asked, and so which one is recorded: on stale data the contact counts mean nothing.
RULES = (
    *("data_stale", "consent_required", "consent_not_required"),
    *("unanswered_complaint", "contact_limit", "cool_down", "minimum_intent_probability", "minimum_feature"),
)
COOL_DOWN = "cool_down"
CONSENT = "consent"  # column of the candidates: granted, withdrawn, or missing
TAKEN_DAYS = "taken_days"  # column of the candidates: days since the action was decided last, where a cool-down asks
UNUSABLE = ("stale", "held", "unchecked")

Objection = tuple[pd.Series, str]  # whom a rule drops, and why in words


class UnknownRule(ValueError):
    """vocabulary.policies has a kind of rule that nothing carries out; ignoring it would break a promise silently."""


def apply_policies(
    candidates: pd.DataFrame,
    policies: pd.DataFrame,
    limits: pd.DataFrame,
    departments: Mapping[str, str],
    purposes: Sequence[str],
    touches_only: Mapping[str, str],
    silent_days: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """Return `dropped_by` (policy_id) and `dropped_reason` per candidate (n), both missing where it is eligible.

    `candidates`: one row per customer and action with the action's columns, the customer's features,
    `channel_contacts_<window>d` on the action's channel, `consent` to its purpose on its channel (granted, withdrawn or
    missing), `complaint_age_days`, `taken_days` and `intent_probability:<intent>`. `departments`: status of each
    department today, `silent_days`: how many days one owes; what it would have told counts as a contact a day.
    The first rule that drops a candidate is the one recorded; no_action is never dropped.
    """
    unknown = policies.loc[~policies["rule"].isin(RULES), "rule"]
    if len(unknown):
        raise UnknownRule(f"vocabulary.policies has rules that nothing carries out: {', '.join(unknown)}.")
    verdict = pd.DataFrame({"dropped_by": None, "dropped_reason": None}, index=candidates.index, dtype=object)
    contacting = candidates["action_id"] != NO_ACTION
    foreign = candidates["purpose"].notna() & ~candidates["purpose"].isin(list(purposes))
    exempt = _purposes(candidates, policies, "consent_not_required")
    undecided = contacting & ~foreign & ~exempt & ~_purposes(candidates, policies, "consent_required")
    if undecided.any():
        purposes_of = ", ".join(sorted(candidates.loc[undecided, "purpose"].fillna("none").unique()))
        raise UnknownRule(f"vocabulary.policies does not say whether these purposes need consent: {purposes_of}.")
    objections = [(PURPOSE_RULE, foreign, f"not for one of the purposes allowed here: {', '.join(purposes)}")]
    for rule in policies.sort_values(["rule", "policy_id"], key=_by_order).itertuples():
        concerned = contacting & (pd.isna(rule.action_id) | (candidates["action_id"] == rule.action_id))
        if rule.rule == "data_stale":
            found = _stale(candidates, departments, touches_only)
        elif rule.rule == "consent_required":
            found = _without_consent(candidates, rule, exempt)
        elif rule.rule == "consent_not_required":
            found = ()
        elif rule.rule == "unanswered_complaint":
            found = _complaining(candidates, rule)
        elif rule.rule == "contact_limit":
            found = _contacted_enough(candidates, limits, silent_days or {})
        elif rule.rule == COOL_DOWN:
            found = ((candidates[TAKEN_DAYS] < rule.threshold, f"decided less than {rule.threshold:g} days ago"),)
        else:
            found = _below_minimum(candidates, rule)
        objections += [(rule.policy_id, concerned & where, reason) for where, reason in found]
    for policy_id, where, reason in objections:
        first = contacting & where & verdict["dropped_by"].isna()
        verdict.loc[first, ["dropped_by", "dropped_reason"]] = [policy_id, reason]
    return verdict


def _stale(
    candidates: pd.DataFrame, departments: Mapping[str, str], touches_only: Mapping[str, str]
) -> Iterator[Objection]:
    for department, status in departments.items():
        if status in UNUSABLE:
            touched = _needs(candidates, department) & _touches(candidates, touches_only.get(department))
            yield touched, f"data of {department} is {status}"


def _without_consent(candidates: pd.DataFrame, rule: Any, exempt: pd.Series) -> Iterator[Objection]:
    """Yield whom nothing allows it: silence is no consent."""
    concerned = ~exempt & _has_purpose(candidates, rule.parameter)
    for purpose, channel in candidates.loc[concerned, ["purpose", "channel"]].drop_duplicates().itertuples(index=False):
        asked = concerned & candidates["purpose"].eq(purpose) & candidates["channel"].eq(channel)
        yield asked & candidates[CONSENT].eq("withdrawn"), f"consent to {purpose} by {channel} is withdrawn"
        yield asked & ~candidates[CONSENT].eq("granted"), f"no consent to {purpose} by {channel}"
    yield concerned & candidates["purpose"].isna(), "an action without purpose cannot be consented to"


def _complaining(candidates: pd.DataFrame, rule: Any) -> Iterator[Objection]:
    """Yield who complained in the last `threshold` days and still waits: on no channel is that the time to sell."""
    waits = candidates[AGE] < rule.threshold
    yield waits & _has_purpose(candidates, rule.parameter), "a complaint waits for its answer"


def _purposes(candidates: pd.DataFrame, policies: pd.DataFrame, rule: str) -> pd.Series:
    """Tell which candidates' purposes a kind of rule names."""
    named = pd.Series(False, candidates.index)
    for purpose in policies.loc[policies["rule"] == rule, "parameter"]:
        named |= _has_purpose(candidates, purpose)
    return named


def _has_purpose(candidates: pd.DataFrame, purpose: Any) -> pd.Series:
    return pd.Series(True, candidates.index) if pd.isna(purpose) else candidates["purpose"].eq(purpose)


def _contacted_enough(
    candidates: pd.DataFrame, limits: pd.DataFrame, silent_days: Mapping[str, int]
) -> Iterator[Objection]:
    """Yield who has been contacted as often as allowed; a day of which nobody has told may have been another time."""
    for limit in limits.itertuples():
        tellers = [] if pd.isna(limit.told_by) else limit.told_by.split()
        untold = min(max((silent_days.get(name, 0) for name in tellers), default=0), limit.window_days)
        seen = candidates[f"channel_contacts_{limit.window_days}d"] + untold
        full = (candidates["channel"] == limit.channel) & (seen >= limit.maximum_contacts)
        full &= candidates["kind"] == OPTIONAL
        reached = f"{limit.maximum_contacts} contacts by {limit.channel} in {limit.window_days} days reached"
        yield full, reached + (f", counting {untold} days not told yet" if untold else "")


def _below_minimum(candidates: pd.DataFrame, rule: Any) -> Iterator[Objection]:
    """Yield whoever is below the minimum or unknown: what is not known of a customer is no ground to contact them."""
    column = rule.parameter if rule.rule == "minimum_feature" else f"intent_probability:{rule.parameter}"
    if column not in candidates:
        raise UnknownRule(f"Policy {rule.policy_id} looks at {column}, which does not exist.")
    yield ~(candidates[column] >= rule.threshold), f"{rule.parameter} below {rule.threshold:g}"


def _by_order(column: pd.Series) -> pd.Series:
    return column.map(RULES.index) if column.name == "rule" else column


def _needs(candidates: pd.DataFrame, department: str) -> pd.Series:
    by_action = {needed: department in needed.split() for needed in candidates["needs_departments"].dropna().unique()}
    return candidates["needs_departments"].map(by_action).eq(True)


def _touches(candidates: pd.DataFrame, feature: str | None) -> pd.Series:
    """Tell whom stale data of a department touches: everybody, or those for whom `feature` is above 0."""
    return pd.Series(True, candidates.index) if feature is None else candidates[feature].fillna(0) > 0
