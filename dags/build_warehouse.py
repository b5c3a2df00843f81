"""Build the warehouse from what was accepted: one customer, one timeline, features and labels.

**What.** `normalise_values` writes e-mails, numbers, names and addresses one way, once for each text that no run before
has seen. dbt stages what departments told of people, `resolve_customers` says which accounts, contacts and cards are
one customer. Then two more dbt runs, each followed by its gate: marts, then `marts.customers`; features, then
`features.customer_features`. `note_retractions` lists what was decided or published for a customer that turned out to
be somebody else. Every model has a task of its own that shows how it fared; three tasks `dbt_build` do the work.
**When.** As soon as `raw_accepted` was emitted for a day; by hand for any day.
**Reads** `raw_*`, `quality.accepted_batches`, `quarantine`. **Writes** also `normalised`, `identity` and the counts of
machines and testers in `quality.department_health`. **Emits** the asset `features`.

**When it fails.** Yesterday's published state stays live.
- A model is red: its log, and that of `dbt_build`, holds dbt's message and the compiled SQL's path. Correct the model,
  clear `dbt_build` with its downstream tasks. A build that was killed is repeated from the start and ends the same.
- A gate is red: its log names the expectation, what was seen and what to do. Correct the cause, never the threshold.
"""

from airflow.sdk import dag, task

from dags.wiring.assets import FEATURES, RAW_ACCEPTED
from dags.wiring.clock import announce, as_of, when_checked
from dags.wiring.dbt_group import dbt_group
from dags.wiring.rules import house_rules, no_retry_for_gates

EVIDENCE = ["models/intermediate/identity/person_records.sql"]
STAGED = ["seeds", "models/staging", *EVIDENCE]
MARTS = ["models/intermediate", "models/marts"]


@dag(doc_md=__doc__, schedule=when_checked(RAW_ACCEPTED), **house_rules("data-engineering", "build", minutes=60))
def build_warehouse():
    @task
    def normalise_values() -> None:
        from normalisation.normalise import normalise_values

        print(normalise_values(as_of()).summary())

    @task
    def resolve_customers() -> None:
        from ml.identity.resolve import resolve_customers

        print(resolve_customers(as_of()).summary())

    @task
    def note_retractions() -> None:
        from ml.identity.retractions import note_retractions_of_day

        print(note_retractions_of_day(as_of()).summary())

    @task
    def count_filtered_rows() -> None:
        from expectations.filtered_rows import count_filtered_rows

        print(count_filtered_rows(as_of()))

    @task
    def check_marts_customers() -> None:
        from expectations.gate import run_gate

        with no_retry_for_gates():
            run_gate("marts.customers", as_of())

    @task(outlets=[FEATURES])
    def check_features_customer_features() -> None:
        from expectations.gate import run_gate

        with no_retry_for_gates():
            run_gate("features.customer_features", as_of())
        announce(FEATURES, as_of())

    evidence = dbt_group("build_evidence", STAGED)
    marts = dbt_group("build_marts", MARTS, but_not=[*EVIDENCE, "models/marts/outcomes"])
    features = dbt_group("build_features", ["models/features"])
    normalise_values() >> evidence >> resolve_customers() >> marts
    evidence >> count_filtered_rows()
    # Before the day's scoring: it notes for whom the decisions of the days before were made.
    marts >> check_marts_customers() >> features >> check_features_customer_features() << note_retractions() << marts


build_warehouse()
