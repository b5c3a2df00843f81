"""Whose complaint nobody has answered yet, as it was found in what they wrote."""

from datetime import date
from typing import Any

import pandas as pd

from runtime import warehouse

AGE = "complaint_age_days"  # column of the candidates: days since the newest unanswered complaint, missing without one

# A complaint is answered once the contact centre has written after it or its case is resolved; nobody answers the
# comment of a survey. What is read today counts today, unlike the features, which were built before it was read.
_UNANSWERED = """
with complaints as (
    select distinct read.message_id
    from scores.message_intents as read
    inner join vocabulary.message_intents as intents on read.intent = intents.intent_id and intents.is_complaint
    where read.is_named and read.as_of_date <= %(as_of)s
),

written as (
    select said.customer_id, said.sent_date
    from marts.case_messages as said
    inner join complaints using (message_id)
    where
        said.known_date <= %(as_of)s
        and not exists (
            select from marts.case_messages as reply
            where
                reply.ticket_id = said.ticket_id
                and reply.direction = 'out'
                and reply.sent_at > said.sent_at
                and reply.known_date <= %(as_of)s
        )
        and not exists (
            select from marts.case_versions as version
            where
                version.ticket_id = said.ticket_id
                and version.valid_from <= %(as_of)s
                and version.valid_until > %(as_of)s
                and not version.is_open
        )
    union all
    select answers.customer_id, answers.answered_date
    from marts.survey_answers as answers
    inner join complaints on answers.answer_id = complaints.message_id
    where answers.known_date <= %(as_of)s
)

select customer_id, %(as_of)s::date - max(sent_date) as complaint_age_days
from written
where customer_id is not null and sent_date <= %(as_of)s
group by customer_id
"""


def unanswered(connection: Any, as_of: date) -> pd.DataFrame:
    """Return customer_id and `complaint_age_days` (whole days) of whoever waits for an answer to a complaint."""
    return warehouse.read_frame(connection, _UNANSWERED, {"as_of": as_of})
