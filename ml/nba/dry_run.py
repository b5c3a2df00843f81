"""What other actions, policies or capacities would have decided on the last decided day; nothing is written.

Both sides are decided anew from the same facts, models and numbers drawn, so every difference is the rules'.
"""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pandas as pd

from ml.nba.candidates import lay_out_all
from ml.nba.circumstances import Circumstances, read_circumstances
from ml.nba.cool_down import taken
from ml.nba.decide import draw
from ml.nba.model import NbaSettings, nba_settings
from ml.nba.obligation import KINDS
from ml.nba.policy import COOL_DOWN, NO_ACTION, RULES
from ml.nba.serving import Serving, champions
from ml.nba.versions import in_force
from runtime import warehouse

_TEXTS = ("policy_id", "rule", "action_id", "parameter", "channel", "capacity_id", "unit", "campaign_type", "purpose",
          "serves_intent", "needs_departments", "ai_disclosure")  # fmt: skip
_KEYS = {"actions": "action_id", "policies": "policy_id", "capacities": "capacity_id"}
_BASES = ("learned", "assumed")


class Contradiction(ValueError):
    """The rules cannot all hold, or mean nothing; the message names the rows."""


@dataclass(frozen=True)
class DryRun:
    """How many customers there are and get another action, the expected EUR of the day, and customers by action.

    `rules_of`: the day as of which the other rules were read.
    """

    as_of: date
    rules_of: date
    customers: int
    changed: int
    value_before_eur: float
    value_after_eur: float
    by_action: pd.DataFrame

    def lines(self) -> list[str]:
        """Say it in lines."""
        gained = self.value_after_eur - self.value_before_eur
        head = (
            f"{self.as_of} by the rules of {self.rules_of}: {self.changed} of {self.customers} customers would get "
            f"another action; expected net value {self.value_after_eur:.2f} EUR instead of "
            f"{self.value_before_eur:.2f} ({gained:+.2f})."
        )
        moved = self.by_action[self.by_action["before"] != self.by_action["after"]]
        return [head, *(f"{row.Index}: {row.after} instead of {row.before} customers" for row in moved.itertuples())]


def dry_run(
    as_of: date | None = None,
    policies: Path | None = None,
    capacities: Path | None = None,
    actions: Path | None = None,
    rules_of: date | None = None,
) -> DryRun:
    """Decide `as_of` (default: the last decided day) by other actions, policies, capacities: CSV files like the seeds.

    `rules_of`: their versions of that day count; by default all that is announced in them.
    Raises Contradiction, UnknownRule or ValueError for rules that cannot hold, EmptyFrame if the day's facts are gone.
    """
    settings = nba_settings()
    with warehouse.transaction() as connection:
        if as_of is None:
            with connection.cursor() as cursor:
                cursor.execute("select max(as_of_date) from decisions.standing_decisions")
                as_of = cursor.fetchone()[0]
        if as_of is None:
            raise Contradiction("No day has been decided yet.")
        given = read_circumstances(connection, as_of)
    files = {"actions": actions, "policies": policies, "capacities": capacities}
    read = {name: _read(path, _KEYS[name], getattr(given, name)) for name, path in files.items() if path}
    announced = [rows["valid_from"].max().date() for rows in read.values()]
    rules_of = rules_of or max([as_of, *announced])
    other = replace(given, **{name: in_force(rows, _KEYS[name], rules_of) for name, rows in read.items()})
    if actions:
        checked_actions(other.actions)
    if policies:
        checked_policies(other.policies, other.actions)
    with warehouse.transaction() as connection:
        other = replace(other, taken=taken(connection, as_of, other.policies, other.actions))
    serving = champions(settings)
    before, after = (_decided(facts, serving, as_of, settings) for facts in (given, other))
    counts = {"before": before["action_id"].value_counts(), "after": after["action_id"].value_counts()}
    names = given.actions["action_id"].tolist() + other.actions["action_id"].tolist()
    return DryRun(
        as_of,
        rules_of,
        len(before),
        int((before["action_id"] != after["action_id"]).sum()),
        float(before["expected_net_value_eur"].sum()),
        float(after["expected_net_value_eur"].sum()),
        pd.DataFrame(counts, index=list(dict.fromkeys(names))).fillna(0).astype(int),
    )


def checked_actions(actions: pd.DataFrame) -> pd.DataFrame:
    """Return the actions if all of them mean something. Raises Contradiction."""
    found = [] if (actions["action_id"] == NO_ACTION).any() else [f"{NO_ACTION} must always be possible"]
    wrong = {
        "costs less than nothing": ~(actions["cost_eur"] >= 0),
        f"has a response_basis other than {' or '.join(_BASES)}": ~actions["response_basis"].isin(_BASES),
        "needs an assumed_response of 0 to 1": (actions["response_basis"] == "assumed")
        & ~actions["assumed_response"].between(0, 1),
        f"is of none of the kinds {', '.join(KINDS)}": ~actions["kind"].isin(KINDS),
        "has a lever below nothing": ~(actions["lever"] >= 0),
        "has no channel": actions["channel"].isna(),
    }
    found += [f"{name} {what}" for what, rows in wrong.items() for name in actions.loc[rows, "action_id"]]
    if found:
        raise Contradiction("These actions cannot be: " + "; ".join(found) + ".")
    return actions


def checked_policies(policies: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """Return the policies if all of them can hold. Raises Contradiction."""
    unknown = policies[policies["action_id"].notna() & ~policies["action_id"].isin(actions["action_id"])]
    found = [f"{row.policy_id} is about {row.action_id}, which is no action" for row in unknown.itertuples()]
    strange = policies[~policies["rule"].isin(RULES)]
    found += [f"{row.policy_id} has the rule {row.rule}, which nothing carries out" for row in strange.itertuples()]
    same = policies[policies["rule"].str.startswith("minimum_")]
    same = same[same.duplicated(["rule", "action_id", "parameter"], keep=False)]
    found += [f"{row.policy_id} sets a minimum that another one sets too" for row in same.itertuples()]
    counts = policies["rule"].str.startswith("minimum_") | (policies["rule"] == COOL_DOWN)
    empty = policies[counts & policies["threshold"].isna()]
    named = {COOL_DOWN: "cool-down"}
    found += [
        f"{row.policy_id} is a {named.get(row.rule, 'minimum')} without a threshold" for row in empty.itertuples()
    ]
    asked, exempt = (policies[policies["rule"] == name] for name in ("consent_required", "consent_not_required"))
    both = set(asked["parameter"].fillna("all")) & set(exempt["parameter"].fillna("all"))
    found += [f"consent to {purpose} purposes is asked for and not asked for" for purpose in sorted(both)]
    if found:
        raise Contradiction("These policies cannot hold: " + "; ".join(found) + ".")
    return policies


def _decided(given: Circumstances, serving: Serving, as_of: date, settings: NbaSettings) -> pd.DataFrame:
    candidates = lay_out_all(given, serving.response, settings, serving.values)
    return draw(given, candidates, pd.Series([], dtype=str), serving, as_of, settings).rows


def _read(path: Path, key: str, known: pd.DataFrame) -> pd.DataFrame:
    """Read a seed, all versions. Raises Contradiction if a column of `known` is missing or a version is told twice."""
    rows = pd.read_csv(path, dtype=dict.fromkeys(_TEXTS, str))
    missing = sorted(set(known) - {"offered_since"} - set(rows))
    if missing:
        raise Contradiction(f"{path.name} lacks the columns {', '.join(missing)}.")
    rows["valid_from"] = pd.to_datetime(rows["valid_from"])
    twice = rows.loc[rows.duplicated([key, "valid_from"]), key].unique()
    if len(twice):
        raise Contradiction(f"{path.name}: {', '.join(twice)} stands there twice for one valid_from.")
    return rows
