"""What other policies or capacities would have decided on the last decided day; nothing is written.

Both sides are decided anew from the same facts, models and numbers drawn, so every difference is the rules'.
"""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pandas as pd

from ml.nba.candidates import lay_out_all
from ml.nba.circumstances import Circumstances, read_circumstances
from ml.nba.decide import draw
from ml.nba.model import NbaSettings, nba_settings
from ml.nba.policy import RULES
from ml.nba.serving import Serving, champions
from runtime import warehouse

_TEXTS = ("policy_id", "rule", "action_id", "parameter", "channel", "capacity_id", "unit")


class Contradiction(ValueError):
    """The rules cannot all hold, or mean nothing; the message names the rows."""


@dataclass(frozen=True)
class DryRun:
    """How many customers there are and get another action, the expected EUR of the day, and customers by action."""

    as_of: date
    customers: int
    changed: int
    value_before_eur: float
    value_after_eur: float
    by_action: pd.DataFrame

    def lines(self) -> list[str]:
        """Say it in lines."""
        gained = self.value_after_eur - self.value_before_eur
        head = (
            f"{self.as_of}: {self.changed} of {self.customers} customers would get another action; expected net value "
            f"{self.value_after_eur:.2f} EUR instead of {self.value_before_eur:.2f} ({gained:+.2f})."
        )
        moved = self.by_action[self.by_action["before"] != self.by_action["after"]]
        return [head, *(f"{row.Index}: {row.after} instead of {row.before} customers" for row in moved.itertuples())]


def dry_run(as_of: date | None, policies: Path | None, capacities: Path | None) -> DryRun:
    """Decide `as_of` (default: the last decided day) by other policies, capacities, or both: CSV files like the seeds.

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
    other = given
    if policies:
        other = replace(other, policies=checked_policies(_read(policies, as_of), given.actions))
    if capacities:
        newest = _read(capacities, as_of).sort_values("valid_from").drop_duplicates("capacity_id", keep="last")
        other = replace(other, capacities=newest)
    serving = champions(settings)
    before, after = (_decided(facts, serving, as_of, settings) for facts in (given, other))
    counts = {"before": before["action_id"].value_counts(), "after": after["action_id"].value_counts()}
    return DryRun(
        as_of,
        len(before),
        int((before["action_id"] != after["action_id"]).sum()),
        float(before["expected_net_value_eur"].sum()),
        float(after["expected_net_value_eur"].sum()),
        pd.DataFrame(counts, index=given.actions["action_id"]).fillna(0).astype(int),
    )


def checked_policies(policies: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """Return the policies if all of them can hold. Raises Contradiction."""
    found = []
    twice = policies.loc[policies["policy_id"].duplicated(), "policy_id"]
    found += [f"{name} stands there twice" for name in twice]
    unknown = policies[policies["action_id"].notna() & ~policies["action_id"].isin(actions["action_id"])]
    found += [f"{row.policy_id} is about {row.action_id}, which is no action" for row in unknown.itertuples()]
    strange = policies[~policies["rule"].isin(RULES)]
    found += [f"{row.policy_id} has the rule {row.rule}, which nothing carries out" for row in strange.itertuples()]
    same = policies[policies["rule"].str.startswith("minimum_")]
    same = same[same.duplicated(["rule", "action_id", "parameter"], keep=False)]
    found += [f"{row.policy_id} sets a minimum that another one sets too" for row in same.itertuples()]
    empty = policies[policies["rule"].str.startswith("minimum_") & policies["threshold"].isna()]
    found += [f"{row.policy_id} is a minimum without a threshold" for row in empty.itertuples()]
    asked, exempt = (policies[policies["rule"] == name] for name in ("consent_required", "consent_not_required"))
    both = set(asked["parameter"].fillna("all")) & set(exempt["parameter"].fillna("all"))
    found += [f"consent to {purpose} purposes is asked for and not asked for" for purpose in sorted(both)]
    if found:
        raise Contradiction("These policies cannot hold: " + "; ".join(found) + ".")
    return policies


def _decided(given: Circumstances, serving: Serving, as_of: date, settings: NbaSettings) -> pd.DataFrame:
    candidates = lay_out_all(given, serving.response, settings, serving.values)
    return draw(given, candidates, pd.Series([], dtype=str), serving, as_of, settings).rows


def _read(path: Path, as_of: date) -> pd.DataFrame:
    """Read a seed as it would be on `as_of`."""
    rows = pd.read_csv(path, dtype=dict.fromkeys(_TEXTS, str))
    rows["valid_from"] = pd.to_datetime(rows["valid_from"])
    return rows[rows["valid_from"] <= pd.Timestamp(as_of)].reset_index(drop=True)
