"""For how long an action has rested: a policy `cool_down` keeps it from whoever got it lately."""

from datetime import date
from typing import Any

import pandas as pd

from ml.nba.policy import COOL_DOWN, NO_ACTION
from runtime import warehouse

# Decided counts, carried out or not. A decision about somebody who has become one with another customer since, or has
# been told apart, is everybody's to whom a record of that customer belongs now.
_TAKEN = """
with taken as (
    select made.customer_id, made.action_id, max(made.as_of_date) as taken_date
    from unnest(%(actions)s::text[], %(days)s::integer[]) as rule (action_id, days)
    inner join decisions.standing_decisions as made
        on made.action_id = rule.action_id
        and made.as_of_date < %(as_of)s and made.as_of_date > %(as_of)s::date - rule.days
    group by made.customer_id, made.action_id
),

whose as (
    select customer_id, action_id, taken_date from taken
    union all
    select now.customer_id, taken.action_id, taken.taken_date
    from taken
    inner join identity.customer_history as was
        on was.customer_id = taken.customer_id and was.valid_from <= taken.taken_date
        and (was.valid_until is null or was.valid_until > taken.taken_date)
    inner join identity.entity_customers as now
        on now.entity_kind = was.entity_kind and now.source_key = was.source_key
)

select customer_id, action_id, %(as_of)s::date - max(taken_date) as taken_days
from whose
group by customer_id, action_id
"""


def taken(connection: Any, as_of: date, policies: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """Return customer_id, action_id and `taken_days`, since when it was decided last, where a cool-down asks for it."""
    rules = policies[policies["rule"] == COOL_DOWN]
    names = actions.loc[actions["action_id"] != NO_ACTION, "action_id"]
    days = {
        name: int(rules.loc[rules["action_id"].isna() | (rules["action_id"] == name), "threshold"].max())
        for name in names
        if (rules["action_id"].isna() | (rules["action_id"] == name)).any()
    }
    return warehouse.read_frame(
        connection, _TAKEN, {"as_of": as_of, "actions": list(days), "days": list(days.values())}
    )
