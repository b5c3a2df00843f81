"""Take back decisions of the last decided day that no longer hold, because the day was built again from other facts.

Until a later day is decided, channels wait for what this day publishes, so a decision for a wrong person or against a
policy must not stay. A past day keeps its decisions: they were carried out, and what is wrong with them is listed in
`identity.retractions`.
"""

from datetime import date
from typing import Any

import pandas as pd

from runtime import warehouse

WRONG_PERSON, CUSTOMER_GONE, NO_LONGER_ALLOWED = "wrong person", "customer gone", "no longer allowed"


def is_last_decided(connection: Any, as_of: date) -> bool:
    """Tell whether no later day has decisions."""
    with connection.cursor() as cursor:
        cursor.execute("select not exists (select from decisions.decision_ledger where as_of_date > %s)", (as_of,))
        return cursor.fetchone()[0]


def made_of_day(connection: Any, as_of: date) -> pd.DataFrame:
    """Return the decisions of `as_of`: decision_id, customer_id, action_id, stands, eligible (action ids in a text)."""
    return warehouse.read_frame(
        connection,
        """
        select made.decision_id, made.customer_id, made.action_id, standing.decision_id is not null as stands,
            (
                select string_agg(candidate.action_id, ' ' order by candidate.action_id collate "C")
                from jsonb_to_recordset(made.candidates) as candidate (action_id text, is_eligible boolean)
                where candidate.is_eligible
            ) as eligible
        from decisions.decision_ledger as made
        left join decisions.standing_decisions as standing on standing.decision_id = made.decision_id
        where made.as_of_date = %s
        """,
        (as_of,),
    )


def withdraw(connection: Any, as_of: date, made: pd.DataFrame, candidates: pd.DataFrame) -> pd.Series:
    """Withdraw the standing decisions among `made` that `candidates` (as `lay_out` gives them) would not allow now.

    That is: made for a customer who turned out to be another person, or is gone, or whose eligible actions are others.
    The chance of an eligible action may differ; the draw stands. Returns the ids of what was withdrawn.
    """
    standing = made[made["stands"]]
    if standing.empty:
        return standing["decision_id"]
    eligible = candidates[candidates["is_eligible"]].sort_values(["customer_id", "action_id"])
    allowed = eligible.groupby("customer_id")["action_id"].agg(" ".join)
    wrong = warehouse.read_frame(
        connection,
        "select distinct retracted_id from identity.retractions where what = 'decision' and decided_date = %s",
        (as_of,),
    )["retracted_id"]
    now_eligible = standing["customer_id"].map(allowed)
    reason = pd.Series(pd.NA, index=standing.index, dtype="object")
    reason[now_eligible != standing["eligible"]] = NO_LONGER_ALLOWED
    reason[now_eligible.isna()] = CUSTOMER_GONE
    reason[standing["decision_id"].isin(wrong)] = WRONG_PERSON
    taken = standing[["decision_id"]].assign(as_of_date=as_of, reason=reason).dropna(subset="reason")
    if len(taken):
        warehouse.copy_frame(connection, taken, "decisions.withdrawn_decisions")
    return taken["decision_id"]
