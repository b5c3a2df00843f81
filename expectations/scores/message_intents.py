"""Gate scores.message_intents: has a model read what customers wrote, and may others lean on it?

A company without messages, or whose model has not earned it yet to read them, passes: then nobody leans on it.
"""

from great_expectations.expectations.expectation import Expectation

from expectations.rules import Subject

TABLE = "scores.message_intents"
# What came in lately must have been read. The run reads back 28 days at first (score_days in ml/messages/messages.yml),
# then each day its own: a week covers a weekend and a day that failed.
READ_DAYS = 7
SUM_TOLERANCE = 1e-6  # 13 probabilities in double precision stay below 1e-12; a lost intent is far above
# The share of messages left to humans moves by some points from day to day. A month ago as the yardstick and 200
# messages: the standard error of a share is then at most 3.5 points, so 25 points are another model or other messages.
HANDED_OVER_DRIFT = 0.25
COMPARED_MESSAGES = 200

DUE = """
    with told as (
        select distinct on (message_id) message_id, ticket_id, known_date
        from staging.stg_service__messages
        where direction = 'in' and known_date <= {as_of} and trim(message) <> ''
        order by message_id, known_date
    ),
    testers as (
        select distinct on (ticket_id) ticket_id, is_test
        from staging.stg_service__tickets
        where known_date <= {as_of}
        order by ticket_id, updated_at desc, known_date desc, batch_id desc, source_row desc
    )
    select told.message_id, told.known_date
    from told
    join testers on testers.ticket_id = told.ticket_id and not testers.is_test
    where told.known_date > {as_of} - {days}::int
        and exists (
            select from scores.model_history
            where model_name = 'cx_message_intent' and alias = 'champion' and as_of_date <= {as_of}
        )
"""
FRESHNESS = """
    with read as (select distinct message_id from {table})
    select 'scores.message_intents' as object,
        'newest message is of ' || coalesce(max(due.known_date)::text, 'no day') || ', newest that was read of '
            || coalesce(max(due.known_date) filter (where read.message_id is not null)::text, 'no day') as observed,
        max(due.known_date) is distinct from max(due.known_date) filter (where read.message_id is not null) as is_broken
    from ({due}) due
    left join read using (message_id)
"""
NOBODY_WRITES = """
    select 'scores.message_intents' as object, 'no department hands over messages' as observed, false as is_broken
"""
COVERAGE = """
    with read as (select distinct message_id from {table})
    select 'messages' as object, count(*) filter (where read.message_id is null) || ' of ' || count(*) || ' not read'
            as observed,
        count(*) filter (where read.message_id is null) > 0 as is_broken
    from ({due}) due
    left join read using (message_id)
"""
RANGES = """
    select 'probabilities' as object,
        count(*) filter (where (probability between 0 and 1) is not true) || ' outside 0 and 1, '
            || count(*) filter (where (sentiment between -1 and 1) is not true) || ' moods outside -1 and 1, '
            || count(*) filter (where (urgency between 0 and 1) is not true) || ' urgencies outside 0 and 1'
            as observed,
        coalesce(bool_or(
            (probability between 0 and 1 and sentiment between -1 and 1 and urgency between 0 and 1) is not true
        ), false) as is_broken
    from {table}
    where as_of_date = {as_of}
"""
SUMS = """
    with summed as (
        select message_id, sum(probability) as total, count(*) filter (where is_top) as tops
        from {table}
        where as_of_date = {as_of}
        group by message_id
    )
    select 'messages' as object,
        count(*) filter (where (abs(total - 1) <= {tolerance}) is not true) || ' of ' || count(*)
            || ' do not sum to 1, ' || count(*) filter (where tops <> 1) || ' without exactly one first intent'
            as observed,
        coalesce(bool_or((abs(total - 1) <= {tolerance} and tops = 1) is not true), false) as is_broken
    from summed
"""
UNKNOWN = """
    select scored.intent as object, count(*) || ' messages, unknown to vocabulary.message_intents' as observed,
        true as is_broken
    from {table} scored
    left join vocabulary.message_intents known on known.intent_id = scored.intent
    where scored.as_of_date = {as_of} and scored.is_top and known.intent_id is null
    group by scored.intent
    order by object
"""
HANDED_OVER = """
    with shares as (
        select as_of_date = {as_of} as is_today, avg(abstained::int) as share, count(*) as messages
        from {table}
        where is_top and as_of_date > {as_of} - 28 and as_of_date <= {as_of}
        group by 1
    )
    select 'handed over' as object,
        coalesce(round(100 * max(share) filter (where is_today)) || ' %', 'nothing read') || ', before '
            || coalesce(round(100 * max(share) filter (where not is_today)) || ' %', 'nothing') as observed,
        coalesce(
            min(messages) >= {least} and count(*) = 2 and max(share) - min(share) > {limit}, false
        ) as is_broken
    from shares
"""
AGAIN = "Run score_customers for this day again; without readings an unanswered complaint would not stop an offer."


def suite(subject: Subject) -> list[Expectation]:
    """List the expectations on what the day's messages say."""
    has_words = subject.exists("staging.stg_service__messages")
    due = subject.compose(DUE, days=READ_DAYS) if has_words else None
    return [
        subject.measure(
            "the_newest_message_is_read",
            FRESHNESS if has_words else NOBODY_WRITES,
            freshness=True,
            severity="critical",
            law="The newest message that a customer wrote has been read, once a model may read.",
            threshold="as_of",
            advice=AGAIN,
            **({"due": due} if has_words else {}),
        ),
        *(
            [
                subject.measure(
                    "every_message_is_read",
                    COVERAGE,
                    severity="critical",
                    law=f"Every message of the last {READ_DAYS} days has been read, once a model may read.",
                    threshold="0 not read",
                    advice=AGAIN,
                    column="message_id",
                    due=due,
                )
            ]
            if has_words
            else []
        ),
        subject.measure(
            "readings_are_in_range",
            RANGES,
            severity="critical",
            law="Probabilities and urgency lie between 0 and 1, the mood between -1 and 1.",
            threshold="0 outside",
            advice="Nothing is decided from it; ask data science to look at the model.",
            column="probability",
        ),
        subject.measure(
            "intents_of_a_message_sum_to_one",
            SUMS,
            severity="critical",
            law="The intents of a message share one certainty, and one of them is the first.",
            threshold=f"1 within {SUM_TOLERANCE}",
            advice="Nothing is decided from it; ask data science to look at the model.",
            column="probability",
            tolerance=SUM_TOLERANCE,
        ),
        subject.measure(
            "intents_of_messages_are_known",
            UNKNOWN,
            severity="critical",
            law="Every intent that a message has is in the vocabulary, which says whether it is a complaint.",
            threshold="0 unknown",
            advice="Add the intent to dbt_project/seeds/message_intents.csv and build the vocabulary.",
            column="intent",
        ),
        subject.measure(
            "messages_for_humans_do_not_drift",
            HANDED_OVER,
            severity="warning",
            law="The model leaves about as many messages to humans as in the month before.",
            threshold=f"shares within {HANDED_OVER_DRIFT:.0%}, from {COMPARED_MESSAGES} messages on",
            advice="Look for a new champion, a new kind of message or a broken export of texts.",
            column="abstained",
            limit=HANDED_OVER_DRIFT,
            least=COMPARED_MESSAGES,
        ),
    ]
