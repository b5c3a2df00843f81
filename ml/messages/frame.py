"""The messages that were known on a day: inbound ones of tickets and comments of surveys, with the agents' labels.

Their words stand in staging only: marts hold no text, because BI reads them.
"""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ml.frames import EmptyFrame
from ml.messages.model import MessageSettings
from ml.splits import NotEnoughHistory
from runtime import warehouse

_SOURCES = ("staging.stg_service__messages", "staging.stg_feedback__answers")
_MESSAGES = """
with told as (
    select distinct on (message_id) message_id, ticket_id, sent_at, message as text, known_date
    from staging.stg_service__messages
    where direction = 'in' and known_date <= %(as_of)s and trim(message) <> ''
    order by message_id, known_date, batch_id, source_row
),

tickets as (
    select distinct on (ticket_id) ticket_id, channel, category, is_test
    from staging.stg_service__tickets
    where known_date <= %(as_of)s
    order by ticket_id, updated_at desc, known_date desc, batch_id desc, source_row desc
),

-- What a human said of a message stands above what an agent ticked in a hurry; the tick itself stays as it is.
reviewed as (
    select distinct on (message_id) message_id, label
    from scores.message_reviews
    where as_of_date <= %(as_of)s
    order by message_id, as_of_date desc
),

-- The agent ticks for the ticket: what its first message said.
labelled as (
    select
        told.message_id, told.ticket_id, mine.customer_id, tickets.channel, told.text, told.known_date,
        coalesce(reviewed.label, case
            when row_number() over (partition by told.ticket_id order by told.sent_at, told.message_id) = 1
                then nullif(trim(tickets.category), '')
        end) as label
    from told
    inner join tickets on told.ticket_id = tickets.ticket_id
    left join reviewed on told.message_id = reviewed.message_id
    left join intermediate.int_tickets_identified as mine
        on told.ticket_id = mine.ticket_id and mine.identified_date <= %(as_of)s
    where not tickets.is_test
),

commented as (
    select distinct on (answers.answer_id)
        answers.answer_id as message_id, null as ticket_id, null as customer_id, 'survey' as channel,
        answers.comment as text, answers.known_date, null as label
    from staging.stg_feedback__answers as answers
    where answers.known_date <= %(as_of)s and trim(answers.comment) <> ''
    order by answers.answer_id, answers.known_date, answers.batch_id, answers.source_row
)

select * from labelled
union all
select * from commented
order by known_date, message_id
"""


def messages(connection: Any, as_of: date) -> pd.DataFrame:
    """Return every message known on `as_of`, by known_date and message_id. Raises EmptyFrame.

    Columns: message_id, ticket_id, customer_id, channel, text, known_date, label (None where nobody ticked). Comments
    have no customer_id: it is for drawing customers when labels are judged, and nobody labels a comment.
    """
    with connection.cursor() as cursor:
        cursor.execute("select bool_and(to_regclass(name) is not null) from unnest(%s) as name", (list(_SOURCES),))
        (has_words,) = cursor.fetchone()
    if not has_words:
        raise EmptyFrame("This company has no department that messages come from.")
    found = warehouse.read_frame(connection, _MESSAGES, {"as_of": as_of})
    if found.empty:
        raise EmptyFrame(f"No message was known on {as_of}. Run build_warehouse for that day first.")
    return found.assign(known_date=pd.to_datetime(found["known_date"]))


def labelled_parts(
    found: pd.DataFrame, as_of: date, settings: MessageSettings
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the labelled messages to learn from, to promise from and to judge on, cut by the day they were known.

    Out-of-scope ones are judged on only. Raises NotEnoughHistory if a part is empty.
    """
    rows = found[found["label"].notna()]
    test_from = pd.Timestamp(as_of) - pd.Timedelta(days=settings.test_days)
    later_from = test_from - pd.Timedelta(days=settings.validation_days)
    known = rows["label"] != settings.out_of_scope_label
    train = rows[known & (rows["known_date"] <= later_from)].tail(settings.learn_from)
    later = rows[known & (rows["known_date"] > later_from) & (rows["known_date"] <= test_from)]
    test = rows[rows["known_date"] > test_from]
    for name, part in (("learn from", train), ("promise from", later), ("judge on", test)):
        if part.empty:
            raise NotEnoughHistory(f"There is no labelled message to {name} on {as_of}.")
    return train, later, test


def new_messages(connection: Any, as_of: date, days: int) -> pd.DataFrame:
    """Return the messages known on `as_of` that nobody has read and that are at most `days` old.

    There is none once a later day was read.
    """
    found = messages(connection, as_of)
    done = warehouse.read_frame(
        connection, "select message_id, max(as_of_date) as as_of_date from scores.message_intents group by message_id"
    )
    is_young = found["known_date"] > pd.Timestamp(as_of) - pd.Timedelta(days=days)
    is_last = done.empty or done["as_of_date"].max() <= pd.Timestamp(as_of)
    return found[is_young & ~np.isin(found["message_id"], done["message_id"]) & is_last].reset_index(drop=True)
