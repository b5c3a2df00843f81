"""Train the response model behind the next best action when it is due, and confirm who may decide today.

**What.** `train_response` makes a challenger (skipped while the champion is young enough, `ml/nba/nba.yml`),
`promote_response` compares it with the champion on later campaigns, `confirm_champion` makes sure there is one.
Campaigns in the data were not sent at random: the model predicts who responds, it claims no uplift.
**When.** As soon as `intent_champion` was emitted for a day; by hand for any day (`retrain` trains in any case).
**Reads** `features.customer_features`, `features.campaign_responses`, the MLflow registry. **Emits** `nba_champion`.

**When it fails.** A red `train_response` or `promote_response` leaves the run red, but yesterday's champion is
confirmed and deciding goes on: read the log, correct, clear the task. A red `confirm_champion` means that no champion
exists at all; nothing is decided, yesterday's published state stays live.
"""

from airflow.sdk import dag, task

from dags.wiring.assets import INTENT_CHAMPION, NBA_CHAMPION
from dags.wiring.clock import announce, as_of, when_checked
from dags.wiring.rules import RETRAIN_PARAM, house_rules, show_failure, skip_unless_due

MODEL = "cx_response"


@dag(
    doc_md=__doc__,
    schedule=when_checked(INTENT_CHAMPION),
    **house_rules("data-science", "train", minutes=60, retrain=RETRAIN_PARAM),
)
def train_next_best_action():
    @task
    def train_response() -> None:
        from ml.nba.train import train_response

        skip_unless_due(MODEL, as_of())
        print(train_response(as_of()))

    @task(trigger_rule="none_failed")
    def promote_response() -> None:
        from ml.nba.promote import promote_response

        print(promote_response(as_of()))

    @task(outlets=[NBA_CHAMPION], trigger_rule="all_done")
    def confirm_champion() -> None:
        from ml.registry import champion

        announce(NBA_CHAMPION, as_of(), version=champion(MODEL).version)

    trained, promoted = train_response(), promote_response()
    trained >> promoted >> confirm_champion()
    [trained, promoted] >> show_failure("No new response model today: the last champion goes on.")


train_next_best_action()
