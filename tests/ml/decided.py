"""The synthetic company with both champions and the decisions of AS_OF, and what tests ask of the ledger."""

from datetime import date

import pytest
from psycopg2.extras import RealDictCursor

from ml.intent.promote import promote_intent
from ml.intent.score import score_intent
from ml.intent.train import train_intent
from ml.nba.decide import decide
from ml.nba.promote import promote_response
from ml.nba.train import train_response
from runtime import warehouse as runtime_warehouse
from tests.ml.company import AS_OF, CUSTOMERS


@pytest.fixture(scope="module")
def decided(company, mlflow_store):
    """Champions of both models, and the decisions of AS_OF: the rows as the ledger gives them back."""
    train_response(AS_OF)
    assert promote_response(AS_OF).is_promoted
    train_intent(AS_OF)
    assert promote_intent(AS_OF).is_promoted
    score_intent(AS_OF)
    assert decide(AS_OF).new == CUSTOMERS
    return ledger_rows(AS_OF)


def ledger_rows(as_of: date) -> list[dict]:
    with runtime_warehouse.transaction() as connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute("select * from decisions.decision_ledger where as_of_date = %s order by customer_id", (as_of,))
        return cursor.fetchall()


def run(statement: str, values=None) -> None:
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)


def eligible(row: dict) -> set[str]:
    return {candidate["action_id"] for candidate in row["candidates"] if candidate["is_eligible"]}
