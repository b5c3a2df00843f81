"""Train the intent model when it is due, and confirm who may score today.

**What.** `train_intent` makes a challenger (skipped while the champion is young enough, `ml/intent/intent.yml`),
`promote_intent` compares it with the champion on later weeks, `confirm_champion` makes sure there is one.
**When.** As soon as `features` was emitted for a day; by hand for any day (`retrain` trains in any case).
**Reads** `features.customer_features`, `features.intent_labels`, the MLflow registry. **Emits** `intent_champion`.

**When it fails.** A red `train_intent` or `promote_intent` leaves the run red, but yesterday's champion is confirmed
and scoring goes on: read the log, correct, clear the task. A red `confirm_champion` means that no champion exists at
all; nothing is scored, yesterday's published state stays live.
"""

from airflow.sdk import dag, task

from dags.wiring.assets import FEATURES, INTENT_CHAMPION
from dags.wiring.clock import announce, as_of, when_checked
from dags.wiring.rules import RETRAIN_PARAM, house_rules, show_failure, skip_unless_due

MODEL = "cx_intent"


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

    @task(outlets=[INTENT_CHAMPION], trigger_rule="all_done")
    def confirm_champion() -> None:
        from ml.registry import champion

        announce(INTENT_CHAMPION, as_of(), version=champion(MODEL).version)

    trained, promoted = train_intent(), promote_intent()
    trained >> promoted >> confirm_champion()
    [trained, promoted] >> show_failure("No new intent model today: the last champion goes on.")


train_intent()
