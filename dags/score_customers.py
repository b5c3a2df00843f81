"""Score every customer, decide on one next action each, check the decisions and publish them.

**What.** `score_messages` (skipped where nobody writes or no model may read) and its gate, `score_intent` (what does a
customer want), `decide` (policies, limits, value, exploration, ledger), `foresee_actions` (the action for each thing an
agent may hear), the gate on all of it, `publish` (one transaction: all customers change at once), `deliver_changes`
(tells each destination what changed; there is none from the start). Beside it `watch_drift` and its gate, which warns,
compare champions with what they learned (`quality.model_drift`); drift makes tomorrow's training due.
**When.** As soon as `nba_champion`, which follows `intent_champion`, was emitted for a day; by hand for any day.
**Reads** staged messages, `features`, the champions, `vocabulary`. **Emits** the asset `published`.

**When it fails.** Nothing is published, so yesterday's intents and actions stay live.
- `check_scores_message_intents` red: a complaint that nobody read would stop no offer. Clear `score_messages`.
- `check_scores_decisions` red: its log names the rule. The day's decisions are in `decisions.decision_ledger`, which
  is append-only: correct the cause, build the day again if need be and clear `decide`. Decisions that no longer hold
  are withdrawn (`decisions.withdrawn_decisions`) and made anew; of a day before the last decided one all stand.
- `deliver_changes` red: what is published is live; its log names the destination. Clear it: what is open is sent again.
- Any other task red: correct the cause and clear it; deciding again from the same facts writes nothing.
"""

from airflow.sdk import dag, task

from dags.wiring.assets import NBA_CHAMPION, PUBLISHED
from dags.wiring.clock import announce, as_of, when_checked
from dags.wiring.rules import check_gate, house_rules, skip_because


@dag(doc_md=__doc__, schedule=when_checked(NBA_CHAMPION), **house_rules("data-science", "score", minutes=30))
def score_customers():
    @task
    def score_messages() -> None:
        from ml.messages.readiness import why_unread
        from ml.messages.score import score_messages

        skip_because(why_unread(as_of()))
        print(score_messages(as_of()))

    @task
    def score_intent() -> None:
        from ml.intent.score import score_intent

        print(score_intent(as_of()))

    @task
    def watch_drift() -> None:
        from ml.drift.watch import watch_drift

        print(*(seen.summary() for seen in watch_drift(as_of())), sep="\n")

    @task
    def decide() -> None:
        from ml.nba.decide import decide

        print(decide(as_of()).summary())

    @task
    def foresee_actions() -> None:
        from ml.nba.what_if import foresee_actions

        print(foresee_actions(as_of()))

    @task(outlets=[PUBLISHED])
    def publish() -> None:
        from activation.publish import publish

        print(publish(as_of()))
        announce(PUBLISHED, as_of())

    @task
    def deliver_changes() -> None:
        from activation.deliver import deliver

        print(*(told.summary() for told in deliver(as_of())), sep="\n")

    read = check_gate("scores.message_intents", trigger_rule="none_failed")
    scored, decided = score_intent(), check_gate("scores.decisions")
    score_messages() >> read >> scored >> decide() >> foresee_actions() >> decided >> publish() >> deliver_changes()
    scored >> watch_drift() >> check_gate("scores.model_drift")


score_customers()
