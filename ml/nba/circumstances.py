"""Read everything that a decision of one day depends on, in one transaction."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from ml import frames
from ml.nba.complaints import unanswered
from ml.nba.cool_down import taken
from runtime import warehouse

_QUERIES = {
    "actions": "select * from vocabulary.actions where valid_from <= %(as_of)s order by action_id",
    "policies": "select * from vocabulary.policies where valid_from <= %(as_of)s order by policy_id",
    "limits": "select * from vocabulary.contact_limits order by channel, window_days",
    # Of several versions of a limit the newest that is valid holds.
    "capacities": "select distinct on (capacity_id) * from vocabulary.capacities where valid_from <= %(as_of)s"
    " order by capacity_id, valid_from desc",
    "scores": "select * from scores.intent_scores where as_of_date = %(as_of)s",
    "contacts": "select * from marts.contact_pressure where as_of_date = %(as_of)s",
    "consents": "select customer_id, purpose, channel, is_granted, changed_at from marts.consents"
    " where known_date <= %(as_of)s",
    "departments": "select department, status, silent_days from quality.department_status where as_of = %(as_of)s",
}


_OF_CUSTOMERS = ("features", "scores", "contacts", "consents", "complaints", "taken")


@dataclass(frozen=True)
class Circumstances:
    """The tables of one as_of; `departments` is the status of each department that an action needs.

    `silent_days`: how many days each department owes that owes any.
    """

    features: pd.DataFrame
    scores: pd.DataFrame
    contacts: pd.DataFrame
    consents: pd.DataFrame
    complaints: pd.DataFrame
    taken: pd.DataFrame
    actions: pd.DataFrame
    policies: pd.DataFrame
    limits: pd.DataFrame
    capacities: pd.DataFrame
    departments: dict[str, str]
    silent_days: dict[str, int]

    def parts(self, size: int) -> Iterator["Circumstances"]:
        """Yield the circumstances of so many customers at a time, by customer_id."""
        everybody = pd.Index(self.features["customer_id"].sort_values())
        part_of = {
            name: everybody.get_indexer(getattr(self, name)["customer_id"].astype(everybody.dtype)) // size
            for name in _OF_CUSTOMERS
        }
        for part in range(-(-len(everybody) // size)):
            yield replace(self, **{name: getattr(self, name)[part_of[name] == part] for name in _OF_CUSTOMERS})


def read_circumstances(connection: Any, as_of: date) -> Circumstances:
    """Read them; raises EmptyFrame if a step before has not run for `as_of`.

    A needed department that was not checked today counts as `unchecked`: nobody vouches for its data.
    """
    features = frames.current_features(connection, as_of)
    read = {name: warehouse.read_frame(connection, query, {"as_of": as_of}) for name, query in _QUERIES.items()}
    for name, step in (("scores", "score_intent"), ("contacts", "build_warehouse"), ("actions", "build_warehouse")):
        if read[name].empty:
            raise frames.EmptyFrame(f"There are no {name} for {as_of}. Run {step} for that day first.")
    needed = sorted(
        {department for needs in read["actions"]["needs_departments"].dropna() for department in needs.split()}
    )
    told = read.pop("departments").set_index("department")
    known, silent = told["status"].to_dict(), told["silent_days"]
    return Circumstances(
        features=features,
        complaints=unanswered(connection, as_of),
        taken=taken(connection, as_of, read["policies"], read["actions"]),
        departments={name: known.get(name, "unchecked") for name in needed},
        silent_days=silent[silent > 0].astype(int).to_dict(),
        **read,
    )
