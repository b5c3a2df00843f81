"""Ask a human what messages are about: those that the model wavers about, and labels that seem wrong.

**What.** `fill_queue` puts twenty messages into `scores.review_queue`, half of them suspected labels; nothing is asked
twice. `label_messages` waits for a human: *Required Actions* in Airflow shows the form. `keep_labels` writes the
answers to `scores.message_reviews`, and the next training learns from them; what agents ticked stays as it is.
**When.** On Mondays; by hand for any day. The form waits for six days, then the run ends without labels.
**Reads** `scores.message_intents`, staged messages. **Emits** nothing.

**When it fails.** Nothing was written. `keep_labels` red: its log says which line of the form it does not understand;
clear `label_messages` and fill the form in again. The words of a message are read in the contact centre's own system:
they stand in no form and no log.
"""

from airflow.providers.standard.operators.hitl import HITLEntryOperator
from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowFailException

from dags.wiring.clock import as_of, at
from dags.wiring.rules import WAITS_FOR_A_HUMAN, house_rules, skip_because

LABEL = {"type": "string", "pattern": "^[^:]+: *[^: ]+ *$"}
FORM = {
    "labels": Param([], type="array", items=LABEL, title="labels", description="A line each: T123-1: return"),
    "by": Param("", type="string", title="by", description="Who decides: your name in the company. It is kept."),
}


@dag(doc_md=__doc__, schedule=at("0 7 * * 1"), **house_rules("customer-experience", "train", minutes=10))
def review_messages():
    @task
    def fill_queue() -> str:
        from ml.messages.readiness import why_unread
        from ml.messages.review import queue_reviews, shown

        skip_because(why_unread(as_of()))
        queue = queue_reviews(as_of())
        skip_because("" if len(queue) else "There is nothing to ask.")
        return shown(queue)

    @task
    def keep_labels(answer: dict) -> None:
        from ml.messages.review import ReviewError, keep_reviews, parse

        given = answer["params_input"]
        skip_because("" if given.get("labels") else "Nobody labelled anything.")
        try:
            print(keep_reviews(as_of(), parse(given["labels"]), given["by"]), "labels kept")
        except ReviewError as refusal:
            raise AirflowFailException(str(refusal)) from None

    asked = HITLEntryOperator(
        task_id="label_messages",
        subject="What are these messages about?",
        body=fill_queue(),
        params=FORM,
        response_timeout=WAITS_FOR_A_HUMAN,
    )
    keep_labels(asked.output)


review_messages()
