"""Answer what data subjects asked for: give them their data, or forget them, with a receipt.

**What.** `take_back` removes who is to be forgotten from every destination that was told of them, `serve_requests`
handles every open row of `privacy.requests` received up to `as_of`.
**When.** Every day at 04:30 UTC, before landing; by hand for any day.
**Reads** `privacy.requests`. **Emits** nothing: the receipt stands in `privacy.requests`.

**When it fails.** A request that could not be served stays open and is tried again by the next run. The law gives one
month: tell the data-protection officer when the task stays red for more than a day. `take_back` red: its log names the
destination that did not answer; until it has, nobody is called forgotten.
"""

from airflow.sdk import dag, task

from dags.wiring.clock import as_of, at
from dags.wiring.rules import house_rules


@dag(
    doc_md=__doc__,
    schedule=at("30 4 * * *"),
    **house_rules("data-protection", "privacy", minutes=30),
)
def serve_privacy_requests():
    @task
    def serve_requests() -> None:
        from privacy.requests import serve_requests

        print(serve_requests(as_of()))

    @task
    def take_back() -> None:
        from activation.deliver import take_back
        from privacy.requests import customers_to_forget

        print(*(told.summary() for told in take_back(customers_to_forget(as_of()), as_of())), sep="\n")

    take_back() >> serve_requests()


serve_privacy_requests()
