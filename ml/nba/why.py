"""Why an action was decided or not, and the smallest change that would have flipped it: from one ledger row alone.

The stages are those of a decision: a policy drops the action, its value is below another's, a capacity is too short for
this customer, the arm does not follow values, or chance drew another one. English and German, one sentence each.
"""

import re
from dataclasses import dataclass
from typing import Any

from ml.nba import explore
from ml.nba.policy import NO_ACTION

CHOSEN, POLICY, VALUE, CAPACITY, ARM, CHANCE = "chosen", "policy", "value", "capacity", "arm", "chance"

# What `ml.nba.policy` writes as the reason, in German, and what would have to change: (pattern, German, change en, de).
_REASONS = (
    (r"data of (?P<a>.+) is (?P<b>.+)", "die Daten von {a} sind {b}",
     "fresh data of {a}", "frische Daten von {a}"),
    (r"consent to (?P<a>.+) by (?P<b>.+) is withdrawn", "die Einwilligung zu {a} über {b} ist widerrufen",
     "a new consent to {a} by {b}", "eine neue Einwilligung zu {a} über {b}"),
    (r"no consent to (?P<a>.+) by (?P<b>.+)", "es gibt keine Einwilligung zu {a} über {b}",
     "consent to {a} by {b}", "eine Einwilligung zu {a} über {b}"),
    (r"(?P<a>\d+) contacts by (?P<b>.+) in (?P<c>\d+) days reached",
     "{a} Kontakte über {b} in {c} Tagen sind erreicht ({now} waren es)",
     "fewer than {a} contacts by {b} in {c} days ({now} now)", "weniger als {a} Kontakte über {b} in {c} Tagen"),
    (r"(?P<a>\d+) contacts by (?P<b>.+) in (?P<c>\d+) days reached, counting (?P<d>\d+) days not told yet",
     "{a} Kontakte über {b} in {c} Tagen sind erreicht ({now} waren es, {d} Tage hat noch niemand gemeldet)",
     "fewer than {a} contacts by {b} in {c} days ({now} now, and {d} days that nobody has told)",
     "weniger als {a} Kontakte über {b} in {c} Tagen, oder die Meldung der {d} fehlenden Tage"),
    (r"decided less than (?P<a>\d+) days ago", "vor weniger als {a} Tagen entschieden",
     "{a} days since it was decided last", "{a} Tage seit der letzten Entscheidung dafür"),
    (r"(?P<a>.+) below (?P<b>.+)", "{a} liegt unter {b} (jetzt {now})",
     "{a} of at least {b} ({now} now)", "{a} von mindestens {b}"),
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """One action of one decision: the stage at which it ended, by which rule, why, and what would flip it."""

    action_id: str
    stage: str
    rule: str | None
    en: str
    de: str


def explain(row: dict[str, Any]) -> list[Answer]:
    """Return an answer for every candidate of a ledger row, in the row's order."""
    return [explain_action(row, candidate["action_id"]) for candidate in row["candidates"]]


def explain_action(row: dict[str, Any], action_id: str) -> Answer:
    """Return the answer for one action. Raises KeyError if it was no candidate."""
    by_action = {candidate["action_id"]: candidate for candidate in row["candidates"]}
    asked = by_action[action_id]
    if action_id == row["action_id"]:
        return _chosen(row, asked)
    if asked["dropped_by"]:
        return _dropped(row, asked)
    if row["arm"] == explore.MANDATORY:
        return Answer(action_id, ARM, None,
                      f"{row['action_id']} has to be told first, whatever else is worth.",
                      f"{row['action_id']} muss zuerst mitgeteilt werden, was anderes auch wert ist.")  # fmt: skip
    if row["arm"] == explore.HOLDOUT:
        return Answer(action_id, ARM, None,
                      "This customer belongs to the hold-out, which is never contacted; leaving it would flip this.",
                      "Diese Person gehört zur Kontrollgruppe, die nie angesprochen wird; nur außerhalb wäre es anders."
                      )  # fmt: skip
    if row["arm"] == explore.RANDOM:
        return _chance(row, asked)
    return _less_worth(row, asked, [one for one in by_action.values() if one["is_eligible"]])


def _chosen(row: dict[str, Any], asked: dict[str, Any]) -> Answer:
    value, chance = asked["expected_net_value_eur"], 100 * asked["propensity"]
    if row["arm"] == explore.MANDATORY:
        return Answer(asked["action_id"], CHOSEN, None,
                      "Decided because it has to be told to whoever may get it, whatever it is worth.",
                      "Entschieden, weil es allen mitgeteilt werden muss, die es betrifft, was immer es wert ist."
                      )  # fmt: skip
    return Answer(asked["action_id"], CHOSEN, None,
                  f"Decided, with a probability of {chance:.1f} %; expected net value {value:.2f} EUR{_sum(asked)}.",
                  f"Entschieden, mit einer Wahrscheinlichkeit von {chance:.1f} %; erwarteter Nettowert {value:.2f} EUR"
                  f"{_sum(asked)}.")  # fmt: skip


def _dropped(row: dict[str, Any], asked: dict[str, Any]) -> Answer:
    reason, rule = asked["dropped_reason"], asked["dropped_by"]
    for pattern, german, change, change_de in _REASONS:
        found = re.fullmatch(pattern, reason)
        if found:
            known = {**found.groupdict(), "now": _now(row, asked, found.groupdict())}
            return Answer(asked["action_id"], POLICY, rule,
                          f"Dropped by the policy {rule}: {reason}. It would take {change.format(**known)}.",
                          f"Gestrichen durch die Regel {rule}: {german.format(**known)}. "
                          f"Nötig wäre {change_de.format(**known)}.")  # fmt: skip
    return Answer(asked["action_id"], POLICY, rule,
                  f"Dropped by the policy {rule}: {reason}. It would take another policy.",
                  f"Gestrichen durch die Regel {rule} ({reason}). Nötig wäre eine andere Regel.")  # fmt: skip


def _now(row: dict[str, Any], asked: dict[str, Any], found: dict[str, str]) -> str:
    """Return what the ledger knows of the fact that a reason is about."""
    facts = row["facts"]
    if "c" in found:
        known = facts["contacts"].get(f"{found['b']}_{found['c']}d")
    else:
        known = facts["features"].get(found["a"])
        if known is None and found["a"] == asked["intent"]:
            known = asked["intent_probability"]
    return "unknown" if known is None else f"{known:g}"


def _less_worth(row: dict[str, Any], asked: dict[str, Any], eligible: list[dict[str, Any]]) -> Answer:
    how = row["exploration"]
    prices = how.get("prices", {})

    def paid(one: dict[str, Any]) -> float:
        return one["expected_net_value_eur"] - prices.get(one["action_id"], 0)

    best = max(eligible, key=lambda one: (one["expected_net_value_eur"], one["action_id"]))
    kept = next((one for one in eligible if one["action_id"] == how.get("assigned")), max(eligible, key=paid))
    value, name = asked["expected_net_value_eur"], best["action_id"]
    if asked["action_id"] == kept["action_id"]:
        return _chance(row, asked)
    if value >= best["expected_net_value_eur"] and "assigned" in how:
        price = prices.get(asked["action_id"], 0)
        missing = max(paid(kept) - paid(asked), 0)
        return Answer(asked["action_id"], CAPACITY, None,
                      f"Worth most here ({value:.2f} EUR), but its capacity is short: it costs {price:.2f} EUR of what "
                      f"others would lose. It would take {missing:.2f} EUR more, or a larger capacity.",
                      f"Hier am meisten wert ({value:.2f} EUR), aber zu knapp: Andere verlören {price:.2f} EUR. "
                      f"Nötig wären {missing:.2f} EUR mehr oder eine größere Kapazität.")  # fmt: skip
    if value >= best["expected_net_value_eur"]:
        return _chance(row, asked)
    lacks = best["expected_net_value_eur"] - value
    needed = _needed(asked, best["expected_net_value_eur"])
    return Answer(asked["action_id"], VALUE, None,
                  f"Expected net value {value:.2f} EUR{_sum(asked)}, {lacks:.2f} EUR below {name}. "
                  f"It would take {needed[0]}.",
                  f"Erwarteter Nettowert {value:.2f} EUR{_sum(asked)}, {lacks:.2f} EUR unter {name}. "
                  f"Nötig wäre {needed[1]}.")  # fmt: skip


def _needed(asked: dict[str, Any], best: float) -> tuple[str, str]:
    """Return the smallest change of the probability of a response that makes it the best; else of its value."""
    worth, cost = asked["response_value_eur"] * _lever(asked), asked["cost_eur"] + _harm(asked)
    if worth > 0 and (best + cost) / worth <= 1:
        chance = 100 * (best + cost) / worth
        return f"a response with {chance:.1f} % probability", f"eine Antwort mit {chance:.1f} % Wahrscheinlichkeit"
    lacks = best - asked["expected_net_value_eur"]
    return f"{lacks:.2f} EUR more value or less cost", f"{lacks:.2f} EUR mehr Wert oder weniger Kosten"


def _chance(row: dict[str, Any], asked: dict[str, Any]) -> Answer:
    share, drawn = 100 * asked["propensity"], row["action_id"]
    return Answer(asked["action_id"], CHANCE, None,
                  f"It could have been: its probability was {share:.1f} %, and the number {row['draw']:.4f} fell to "
                  f"{drawn}.",
                  f"Es hätte sein können: Die Wahrscheinlichkeit war {share:.1f} %, die Zahl {row['draw']:.4f} fiel "
                  f"auf {drawn}.")  # fmt: skip


def _sum(asked: dict[str, Any]) -> str:
    """Return how the value comes about."""
    if asked["action_id"] == NO_ACTION:
        return ""
    response, worth, cost = (asked[name] for name in ("response_probability", "response_value_eur", "cost_eur"))
    harm = f" - {_harm(asked):.2f}" if _harm(asked) else ""
    lever = f" x {_lever(asked):g}" if _lever(asked) != 1 else ""
    return f" ({100 * response:.1f} % x {worth:.2f}{lever} - {cost:.2f}{harm})"


def _harm(asked: dict[str, Any]) -> float:
    """Return the expected harm in EUR; decisions from before it was learned have none."""
    return asked.get("expected_harm_eur") or 0.0


def _lever(asked: dict[str, Any]) -> float:
    """Return the factor by which the value is weighed; decisions from before there was one have 1."""
    return 1.0 if asked.get("lever") is None else float(asked["lever"])
