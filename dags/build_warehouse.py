"""Build the warehouse from what was accepted: one customer, one timeline, features and labels.

**What.** `normalise_values` writes each new e-mail, number, name and address one way. dbt stages what was told of
people, `resolve_customers` says which accounts, contacts and cards are one customer. dbt builds the marts where nobody
reads them; after their gate `publish_marts` shows them all at once. Then features and their gate. `note_retractions`
lists what went out for who turned out to be somebody else, `tell_withdrawals` takes who withdrew consent out of the
destinations at once. Tasks of models only mirror the tasks `dbt_build`.
**When.** As soon as `raw_accepted` was emitted for a day; by hand for any day, or again for all days since one.
**Reads** `raw_*`, `quality`, `quarantine`. **Writes** `normalised`, `identity`, too. **Emits** the asset `features`.

**When it fails.** Yesterday's marts and actions stay live.
- A model is red: its log, and that of `dbt_build`, holds dbt's message and the compiled SQL's path. Correct the model,
  clear `dbt_build` with its downstream tasks. A build that was killed is repeated from the start and ends the same.
- A gate is red: its log names the expectation, what was seen and what to do. Correct the cause, never the threshold.
"""

from airflow.sdk import dag, task

from dags.wiring.assets import FEATURES, RAW_ACCEPTED
from dags.wiring.clock import as_of, when_checked
from dags.wiring.dbt_group import MARTS, NOT_MARTS, SINCE, STAGED, dbt_group
from dags.wiring.rules import check_gate, house_rules


@dag(doc_md=__doc__, schedule=when_checked(RAW_ACCEPTED), **house_rules("data-engineering", "build", 60, since=SINCE))
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
    def publish_marts() -> None:
        from activation.marts import publish_marts

        print(publish_marts(as_of()).summary())

    @task
    def tell_withdrawals() -> None:
        from activation.deliver import deliver

        print(*(told.summary() for told in deliver(as_of(), removes_only=True)), sep="\n")

    evidence = dbt_group("build_evidence", STAGED)
    marts = dbt_group("build_marts", MARTS, but_not=NOT_MARTS, is_audited=True)
    features = dbt_group("build_features", ["models/features"])
    normalise_values() >> evidence >> resolve_customers() >> marts
    evidence >> count_filtered_rows()
    published = publish_marts()
    marts >> check_gate("marts.customers") >> published >> features
    published >> tell_withdrawals()
    features >> check_gate("features.customer_features", emits=FEATURES) << note_retractions() << marts


build_warehouse()
