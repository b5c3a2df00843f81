"""Find the weak points of the journeys that customers take, and value them in money.

**What.** One dbt run: `insights.campaign_funnel` (targeted, bought, redeemed; what those cost who fell out),
`insights.journey_summary` (what became of the journeys that began in a week, how long they took, what they cost),
`insights.decision_summary` (what was decided, and what was seen after it) and `insights.activity_months` (who was
active, by month, channel and phase).
**When.** Mondays at 06:30 UTC; by hand for any day.
**Reads** `marts`, `decisions.outcomes`. **Emits** nothing: people read `insights`. Nothing in it claims an effect.

**When it fails.** Nothing waits for it. The red model's log holds dbt's message; correct it and clear `dbt_build`.
"""

from airflow.sdk import dag

from dags.wiring.clock import at
from dags.wiring.dbt_group import JOURNEYS, dbt_group
from dags.wiring.rules import house_rules


@dag(
    doc_md=__doc__,
    schedule=at("30 6 * * 1"),
    **house_rules("customer-experience", "journeys", minutes=30),
)
def mine_journeys():
    dbt_group("mine_journeys", JOURNEYS)


mine_journeys()
