"""Carry out a data steward's word on who is one person, and build the day again with it.

**What.** `keep_decision` writes the split or join of the form to `identity.steward_decisions`, once however often it is
tried; every later run keeps to it. `build_again` starts `build_warehouse` for the newest day that was built, or the
decision's if that is later: customers, consent, contact counts and features of whom it concerns are computed anew, and
decisions and published rows that used the wrong person are listed in `identity.retractions`.
**When.** By hand, with the form. The same at a terminal: `python -m ml.identity split|join`, which builds nothing.
**Reads** the form, `identity.entity_customers`. **Emits** nothing; the build it starts emits `features`.

**When it fails.** Nothing was written. The log of `keep_decision` says why in a sentence: an entity that no build has
seen, two that are one customer already or are not, a reason that names a person. Correct the form and start again.
`build_again` red: the decision is kept, and the next build applies it; start `build_warehouse` by hand to have it now.
"""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from dags.wiring.clock import as_of
from dags.wiring.rules import house_rules

ENTITY = {"type": "string", "pattern": "^(account|contact)/.+$"}
FORM = {
    "verb": Param(
        "split",
        type="string",
        enum=["split", "join"],
        title="verb",
        description="split: the entities are another person than the others. join: they are the same person.",
    ),
    "entities": Param(
        [], type="array", items=ENTITY, title="entities", description="Accounts and contacts, a line each: account/A1."
    ),
    "others": Param(
        [],
        type="array",
        items=ENTITY,
        title="others",
        description="The other side. Empty for a split: all other accounts and contacts of the customer.",
    ),
    "reason": Param("", type="string", title="reason", description="Why. It is kept, so name no person in it."),
    "by": Param("", type="string", title="by", description="Who decides: your name in the company. It is kept."),
    "as_of": Param(
        None,
        type=["null", "string"],
        format="date",
        title="as_of",
        description="The business day from which the decision holds. Empty: the newest day that the warehouse knows.",
    ),
}


@dag(doc_md=__doc__, schedule=None, **house_rules("data-steward", "steward", minutes=10, **FORM))
def steward_identities():
    @task
    def keep_decision() -> str:
        from ml.identity.decision_form import StewardError, carry_out

        form = get_current_context()["params"]
        try:
            done = carry_out(
                *(form["verb"], form["entities"], form["others"], form["by"], form["reason"]),
                day=as_of() if form["as_of"] else None,
            )
        except StewardError as refusal:
            raise AirflowFailException(str(refusal)) from None
        print(done.summary)
        return done.built_day.isoformat()

    day = keep_decision()
    TriggerDagRunOperator(task_id="build_again", trigger_dag_id="build_warehouse", conf={"as_of": day})


steward_identities()
