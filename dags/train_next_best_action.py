"""Train the models behind the next best action when they are due, and confirm who may decide today.

**What.** `train_response` makes a challenger (skipped while the champion is young enough, `ml/nba/nba.yml`),
`promote_response` compares it with the champion on later campaigns. Campaigns in the data were not sent at random: it
predicts who responds and claims no uplift. `train_net_value` learns from our own decisions what an action adds (skipped
while the ledger is too young), `promote_net_value` judges that by later decisions. `judge_standing` judges a bandit
with a short memory each week and only tells it. `confirm_champion` makes sure that somebody can decide.
**When.** As soon as `intent_champion` was emitted for a day; by hand for any day (`retrain` trains in any case).
**Reads** `features`, `decisions`, `marts`, the MLflow registry. **Emits** `nba_champion`.

**When it fails.** A red training or promotion leaves the run red, but yesterday's champions are confirmed and deciding
goes on: read the log, correct, clear the task. A red `confirm_champion` means that no champion of `cx_response`
exists at all; nothing is decided, yesterday's published state stays live.
"""

from airflow.sdk import chain, dag, task

from dags.wiring.assets import INTENT_CHAMPION, NBA_CHAMPION
from dags.wiring.clock import announce, as_of, when_checked
from dags.wiring.rules import RETRAIN_PARAM, house_rules, show_failure, skip_because, skip_unless_due

MODEL, NET_VALUE = "cx_response", "cx_net_value"


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

    @task(trigger_rule="all_done")
    def train_net_value() -> None:
        from ml.nba.learn.train import train_net_value, why_too_young

        skip_because(why_too_young(as_of()))
        skip_unless_due(NET_VALUE, as_of())
        print(train_net_value(as_of()))

    @task(trigger_rule="none_failed")
    def promote_net_value() -> None:
        from ml.nba.learn.promote import promote_net_value

        print(promote_net_value(as_of()) or "Nobody waits for a verdict.")

    @task(trigger_rule="none_failed")
    def judge_standing() -> None:
        from ml.nba.learn.standing import judge_standing, why_judged_already
        from ml.nba.learn.train import why_too_young

        skip_because(why_too_young(as_of()) or why_judged_already(as_of()))
        print(judge_standing(as_of()))

    @task(outlets=[NBA_CHAMPION], trigger_rule="all_done")
    def confirm_champion() -> None:
        from ml.registry import champion

        announce(NBA_CHAMPION, as_of(), version=champion(MODEL).version)

    steps = [train_response(), promote_response(), train_net_value(), promote_net_value()]
    judged = judge_standing()
    chain(*steps, [judged, confirm_champion()])
    [*steps, judged] >> show_failure("No new model today: the last champions go on.")


train_next_best_action()
