"""Train the models of what customers do and of what they write when they are due, and confirm who may score today.

**What.** `train_intent` makes a challenger (skipped while the champion is young and has not drifted, `ml/due.py`),
`promote_intent` compares it with the champion on later weeks; `train_messages` and `promote_messages` do the same for
messages (`ml/messages/messages.yml`; skipped where there are none, or too few so far). `confirm_champion` makes sure
that somebody may score intents.
**When.** As soon as `features` was emitted for a day; by hand for any day (`retrain` trains in any case).
**Reads** `features.customer_features`, `features.intent_labels`, staged messages, the MLflow registry. **Emits**
`intent_champion`.

**When it fails.** A red task of training or promotion leaves the run red, but yesterday's champion is confirmed
and scoring goes on: read the log, correct, clear the task. A red `confirm_champion` means that no champion exists at
all; nothing is scored, yesterday's published state stays live.
"""

from airflow.sdk import dag, task

from dags.wiring.assets import FEATURES, INTENT_CHAMPION
from dags.wiring.clock import announce, as_of, when_checked
from dags.wiring.rules import RETRAIN_PARAM, house_rules, show_failure, skip_because, skip_unless_due

MODEL, MESSAGES = "cx_intent", "cx_message_intent"


@dag(
    doc_md=__doc__,
    schedule=when_checked(FEATURES),
    **house_rules("data-science", "train", minutes=60, retrain=RETRAIN_PARAM),
)
def train_intent():
    @task
    def train_intent() -> None:
        from ml.intent.train import train_intent

        skip_unless_due(MODEL, as_of())
        print(train_intent(as_of()))

    @task(trigger_rule="none_failed")
    def promote_intent() -> None:
        from ml.intent.promote import promote_intent

        print(promote_intent(as_of()))

    @task(trigger_rule="all_done")
    def train_messages() -> None:
        from ml.messages.readiness import train_if_possible

        skip_unless_due(MESSAGES, as_of())
        version, why_not = train_if_possible(as_of())
        skip_because(why_not)
        print(version)

    @task(trigger_rule="none_failed")
    def promote_messages() -> None:
        from ml.messages.promote import promote_messages
        from ml.registry import versions

        skip_because("" if versions(MESSAGES) else "Nobody has been trained to read messages.")
        print(promote_messages(as_of()))

    @task(outlets=[INTENT_CHAMPION], trigger_rule="all_done")
    def confirm_champion() -> None:
        from ml.registry import champion

        announce(INTENT_CHAMPION, as_of(), version=champion(MODEL).version)

    trained, promoted = train_intent(), promote_intent()
    trained_to_read, promoted_to_read = train_messages(), promote_messages()
    trained >> promoted
    # One after the other: an encoder uses a whole core, and so does XGBoost.
    promoted >> trained_to_read >> promoted_to_read
    [promoted, promoted_to_read] >> confirm_champion()
    [trained, promoted, trained_to_read, promoted_to_read] >> show_failure(
        "No new model today: the last champion goes on."
    )


train_intent()
