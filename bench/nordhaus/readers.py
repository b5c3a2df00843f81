"""Two readers that look at the warehouse all the time: a dashboard (cx_bi) and whoever hands actions to channels."""

import threading

import psycopg2

from runtime.warehouse import address

PAUSE_SECONDS = 0.2
# Both tables are made anew each day, for the same customers of the same day.
MARTS = """
    select (select count(*) from marts.customers) - (select count(*) from marts.customer_lifecycles),
        (select count(distinct as_of_date) from marts.customer_lifecycles) - 1
"""
ACTIVATION = """
    select count(distinct as_of_date) - 1,
        (select max(as_of_date) from activation.intent_scores) - max(as_of_date)
    from activation.next_best_actions
"""


class Readers:
    """Polls in two threads for the block; `errors` are sentences on what a reader should not have seen."""

    def __init__(self) -> None:
        self.polls = 0
        self.errors: list[str] = []
        self._ends = threading.Event()
        queries = (("cx_bi", MARTS), ("cx_pipeline", ACTIVATION))
        self._threads = [threading.Thread(target=self._poll, args=each, daemon=True) for each in queries]

    def __enter__(self) -> "Readers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _poll(self, role: str, query: str) -> None:
        connection = psycopg2.connect(**address(role))
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not self._ends.wait(PAUSE_SECONDS):
                try:
                    cursor.execute(query)
                    row = cursor.fetchone()
                    if any(row):
                        self.errors.append(f"{role} saw a mixture of two days: {row}")
                except psycopg2.Error as error:
                    self.errors.append(f"{role}: {error}")
                self.polls += 1
        connection.close()
