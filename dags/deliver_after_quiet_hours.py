"""Tell destinations what had to wait for the end of quiet hours, or for a destination that was down.

**What.** `deliver_changes` tells each destination what is still open of the published actions. In quiet hours of a
channel (`vocabulary.quiet_hours`) nothing of it is told; what is nobody's action any more leaves at any hour.
**When.** Every hour; by hand for any day.
**Reads** `activation.next_best_actions`, `vocabulary.quiet_hours`. **Emits** nothing: the receipts stand in
`activation.deliveries`.

**When it fails.** Its log names the destination and what it answered. What is published stays live and what is open is
sent again in the next hour under the same keys, so nothing has to be done unless the destination stays away.
"""

from airflow.sdk import dag, task

from dags.wiring.clock import as_of, at
from dags.wiring.rules import house_rules


@dag(doc_md=__doc__, schedule=at("0 * * * *"), **house_rules("customer-experience", "deliver", minutes=30))
def deliver_after_quiet_hours():
    @task
    def deliver_changes() -> None:
        from activation.deliver import deliver

        print(*(told.summary() for told in deliver(as_of())), sep="\n")

    deliver_changes()


deliver_after_quiet_hours()
