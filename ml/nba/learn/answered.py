"""Decisions whose outcome is known: what was decided, what was known of the customer, and all that followed.

Outcomes are everything that followed within `outcome_days`, not only what answers an action: a purchase that would
have been made anyway is told apart by comparing with decisions to do nothing. The hold-out is left out, for nothing
follows there for ever, and what had to be told, for nobody chose it; elsewhere the next decisions go on as usual, so
what is compared is one contact that day or none.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from ml import frames
from ml.nba.explore import POLICY, RANDOM
from ml.nba.model import NetValueSettings
from ml.nba.reward import Outcomes, Prices
from runtime import warehouse

CHOSEN = (POLICY, RANDOM)  # the arms in which something was chosen

_DECIDED = """
create temporary table answered_decisions on commit drop as
select
    made.decision_id, now.customer_id, made.as_of_date as decided_date, made.arm, made.action_id,
    made.propensity, made.model_name, %(as_of)s::date - made.as_of_date as age_days,
    (chosen.candidate ->> 'response_probability')::float8 as foretold_response,
    coalesce((chosen.candidate ->> 'expected_harm_eur')::float8, 0) as foretold_harm_eur
from decisions.standing_decisions as made
inner join decisions.outcomes as now on now.decision_id = made.decision_id
cross join lateral (
    select candidate
    from jsonb_array_elements(made.candidates) as candidate
    where candidate ->> 'action_id' = made.action_id
) as chosen
where made.as_of_date between %(since)s and %(until)s and made.arm = any(%(arms)s)
order by md5(made.decision_id)
limit %(maximum)s
"""
_FOLLOWED = """
with spent as (
    select decided.decision_id, sum(bought.spend_eur) as spend_eur
    from answered_decisions as decided
    inner join marts.customer_days as bought
        on bought.customer_id = decided.customer_id and bought.known_date <= %(as_of)s
        and bought.sold_date > decided.decided_date and bought.sold_date <= decided.decided_date + %(days)s
    group by decided.decision_id
),

left_us as (
    select decided.decision_id, count(*) as opt_outs
    from answered_decisions as decided
    inner join marts.consents as told
        on told.customer_id = decided.customer_id and not told.is_granted and told.known_date <= %(as_of)s
        and told.changed_date > decided.decided_date and told.changed_date <= decided.decided_date + %(days)s
    group by decided.decision_id
),

complained as (
    select decided.decision_id, count(*) as complaints
    from answered_decisions as decided
    inner join marts.message_meanings as said
        on said.customer_id = decided.customer_id and said.is_complaint and said.known_date <= %(as_of)s
        and said.sent_date > decided.decided_date and said.sent_date <= decided.decided_date + %(days)s
    group by decided.decision_id
)

select
    decided.decision_id, decided.customer_id, decided.decided_date, decided.arm, decided.action_id, decided.propensity,
    decided.age_days, decided.model_name,
    coalesce(spent.spend_eur, 0)::float8 as spend_eur,
    coalesce(left_us.opt_outs, 0) as opt_outs,
    coalesce(complained.complaints, 0) as complaints,
    decided.foretold_response, decided.foretold_harm_eur
from answered_decisions as decided
left join spent on spent.decision_id = decided.decision_id
left join left_us on left_us.decision_id = decided.decision_id
left join complained on complained.decision_id = decided.decision_id
order by decided.decided_date, decided.decision_id
"""
_CANDIDATES = """
    select made.decision_id, candidate.*
    from decisions.standing_decisions as made
    cross join lateral jsonb_to_recordset(made.candidates) as candidate (
        action_id text, is_eligible boolean, expected_net_value_eur float8, propensity float8
    )
    where made.as_of_date between %(since)s and %(until)s and made.arm = any(%(arms)s)
"""


@dataclass(frozen=True)
class Window:
    """The days whose decisions are learned from and, after all their outcomes, those that judge; all included."""

    learned_from: date
    learned_to: date
    outcomes_until: date
    log_from: date
    log_until: date


def window_of(as_of: date, settings: NetValueSettings) -> Window:
    """Return the days as of a date: the log is the last closed days, and nothing learned reaches into it."""
    log_until = as_of - timedelta(days=settings.outcome_days)
    log_from = log_until - timedelta(days=settings.judged_days - 1)
    outcomes_until = log_from - timedelta(days=1)
    learned_to = outcomes_until - timedelta(days=settings.outcome_days)
    learned_from = learned_to - timedelta(days=settings.learned_days - 1)
    return Window(learned_from, learned_to, outcomes_until, log_from, log_until)


def count_answered(connection: Any, since: date, until: date) -> int:
    """Return how many decisions of these days, all with closed windows, could be learned from."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('decisions.outcomes') is not null")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            "select count(*) from decisions.standing_decisions inner join decisions.outcomes using (decision_id)"
            " where standing_decisions.as_of_date between %s and %s and standing_decisions.arm = any(%s)",
            (since, until, list(CHOSEN)),
        )
        return cursor.fetchone()[0]


def answered(connection: Any, as_of: date, since: date, until: date, settings: NetValueSettings) -> pd.DataFrame:
    """Return one row per decision of these days, as its outcomes were known on `as_of`, with the customer's features.

    Columns: decision_id, customer_id, decided_date, arm, action_id, propensity, age_days, model_name, spend_eur,
    opt_outs and complaints within the window, foretold_response and foretold_harm_eur of the action, the features.
    Of more than `maximum_decisions` these are drawn by hash. Raises EmptyFrame.
    """
    given = {
        **{"as_of": as_of, "since": since, "until": until, "days": settings.outcome_days},
        **{"arms": list(CHOSEN), "maximum": settings.maximum_decisions},
    }
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists answered_decisions")
        cursor.execute(_DECIDED, given)
        # Without statistics the outcomes are joined by a nested loop: minutes for 20,000 decisions.
        cursor.execute("analyze answered_decisions")
    rows = warehouse.read_frame(connection, _FOLLOWED, given)
    rows["as_of_date"] = _snapshot_before(connection, rows["decided_date"], until)
    known = frames.past_features(connection, as_of, rows["as_of_date"].dropna())
    found = rows.merge(known, on=list(frames.KEYS), how="inner", validate="many_to_one")
    if found.empty:
        raise frames.EmptyFrame(f"No decision of {since} to {until} has features and a known outcome on {as_of}.")
    return found.sort_values(["decided_date", "decision_id"], ignore_index=True)


def _snapshot_before(connection: Any, decided: pd.Series, until: date) -> pd.Series:
    """Return the last day up to each decision (n) of which features are kept, missing before the first one.

    Between decisions and now only Saturdays are kept, so features are up to six days old, as those of campaigns are.
    """
    query = "select distinct as_of_date from features.customer_features where as_of_date <= %(until)s order by 1"
    days = warehouse.read_frame(connection, query, {"until": until})["as_of_date"]
    place = np.searchsorted(days.to_numpy(), decided.to_numpy(), side="right") - 1
    return days.reindex(place).where(place >= 0).set_axis(decided.index)


def candidates_of(connection: Any, since: date, until: date) -> pd.DataFrame:
    """Return decision_id, action_id, is_eligible, value and propensity of every candidate of these days' decisions."""
    return warehouse.read_frame(connection, _CANDIDATES, {"since": since, "until": until, "arms": list(CHOSEN)})


def actions_of(connection: Any, as_of: date) -> pd.DataFrame:
    """Return the actions of the vocabulary that are valid on `as_of`, by action_id."""
    query = "select * from vocabulary.actions where valid_from <= %(as_of)s order by action_id"
    return warehouse.read_frame(connection, query, {"as_of": as_of})


def prices(connection: Any) -> tuple[float, Prices]:
    """Return the margin of a euro spent, and what a complaint and an opt-out cost in EUR: vocabulary.outcome_values."""
    with connection.cursor() as cursor:
        cursor.execute("select outcome, value_eur::float8 from vocabulary.outcome_values")
        worth = dict(cursor.fetchall())
    return worth["spend_eur"], Prices(complaint_eur=-worth["complaint"], opt_out_eur=-worth["opt_out"])


def outcomes_of(rows: pd.DataFrame, margin: float) -> Outcomes:
    """Return what followed the decisions (n); a response is any purchase within the window."""
    spent = rows["spend_eur"].to_numpy(dtype=float)
    counts = (rows[name].to_numpy(dtype=float) for name in ("complaints", "opt_outs"))
    return Outcomes((spent > 0).astype(float), margin * np.maximum(spent, 0), *counts)
