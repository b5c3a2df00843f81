"""A contact centre in the shape of the warehouse: staged tickets, messages and survey comments of known intent."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from runtime import warehouse as runtime_warehouse
from tests.ml.company import create
from tests.ml.written_messages import KNOWN, Messages, messages

AS_OF = date(2025, 6, 30)
DAYS, A_DAY = 90, 9
TABLES = (
    "staging.stg_service__messages",
    "staging.stg_service__tickets",
    "staging.stg_feedback__answers",
    "intermediate.int_tickets_identified",
)


def written() -> Messages:
    """Every message of the desk, one in twenty about nothing of the shop."""
    count = DAYS * A_DAY
    return messages(0, count, intents=KNOWN * 3 + ("out_of_scope",))


def found() -> None:
    """Fill the tables: ticket n has the message n, known n // A_DAY days after the first day."""
    said, random = written(), np.random.default_rng(9)
    count = len(said.texts)
    numbers = np.arange(count)
    days = pd.to_datetime([AS_OF - timedelta(days=DAYS - 1 - int(n) // A_DAY) for n in numbers])
    ids = np.array([f"T{n:05d}" for n in numbers])
    label = np.where(random.random(count) < 0.1, random.permutation(said.intents), said.intents)
    label = np.where(random.random(count) < 0.2, "", label)
    order = {"known_date": days, "batch_id": "b1", "source_row": numbers}
    told = pd.DataFrame(
        {"message_id": ids + "-1", "ticket_id": ids, "sent_at": ids, "direction": "in", "message": said.texts, **order}
    )
    answers = told.assign(message_id=ids + "-2", direction="out", message="Guten Tag, wir kümmern uns.")
    tickets = pd.DataFrame(
        {
            "ticket_id": ids,
            "channel": "chat",
            "category": label,
            "updated_at": ids,
            "is_test": numbers % 100 == 7,
            **order,
        }
    )
    known = pd.DataFrame({"ticket_id": ids, "customer_id": "customer-" + pd.Series(ids), "identified_date": days})
    comments = messages(800_000, 60, channel=4)
    surveys = pd.DataFrame({"answer_id": [f"A{n}" for n in range(60)], "comment": comments.texts})
    surveys = surveys.assign(known_date=pd.Timestamp(AS_OF), batch_id="b1", source_row=range(60))
    with runtime_warehouse.transaction() as connection:
        create(connection, "staging.stg_service__messages", pd.concat([told, answers], ignore_index=True))
        create(connection, "staging.stg_service__tickets", tickets)
        create(connection, "staging.stg_feedback__answers", surveys)
        create(connection, "intermediate.int_tickets_identified", known[numbers % 4 > 0])
        with connection.cursor() as cursor:
            cursor.execute("truncate scores.message_intents")


def close() -> None:
    """Drop the tables and forget what was scored."""
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"drop table if exists {table}")
        cursor.execute("truncate scores.message_intents")
        cursor.execute("alter table scores.model_history disable trigger user")
        cursor.execute("delete from scores.model_history where model_name = 'cx_message_intent'")
        cursor.execute("alter table scores.model_history enable trigger user")
