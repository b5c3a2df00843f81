"""Join what the customers did to what was decided for them, and sum up what the gates saw.

**What.** One dbt run over the outcomes of earlier decisions and the insights: gates, what rules kept from being done
(`insights.blocked_actions`), the week of each department (`insights.department_scorecard`). Outcomes are observed, not
caused: they say what followed a decision, and claim no effect.
**When.** As soon as a day was `published`; by hand for any day.
**Reads** `decisions.decision_ledger`, `marts`, `quality.gate_results`. **Emits** nothing: it ends the day.

**When it fails.** What is published stays live; only the look back is missing. The red model's log holds dbt's message.
Correct it and clear `dbt_build`; it is safe to repeat.
"""

from airflow.sdk import dag

from dags.wiring.assets import PUBLISHED
from dags.wiring.clock import when_checked
from dags.wiring.dbt_group import JOURNEYS, dbt_group
from dags.wiring.rules import house_rules


@dag(
    doc_md=__doc__,
    schedule=when_checked(PUBLISHED),
    **house_rules("customer-experience", "learn", minutes=30),
)
def learn_from_outcomes():
    dbt_group("learn_outcomes", ["models/marts/outcomes", "models/insights"], but_not=JOURNEYS)


learn_from_outcomes()
