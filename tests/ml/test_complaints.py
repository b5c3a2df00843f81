"""An unanswered complaint found in words stops selling on every channel, until somebody answers."""

from datetime import date

import pandas as pd
import pytest

from ml.nba.complaints import unanswered
from ml.nba.policy import apply_policies
from runtime import warehouse as runtime_warehouse
from tests.ml.company import SEEDS, create

AS_OF = date(2025, 6, 30)
NORDHAUS = SEEDS.parent / "nordhaus"
POLICIES, ACTIONS = (pd.read_csv(NORDHAUS / f"{name}_versions.csv") for name in ("policy", "action"))
TABLES = (
    *("marts.case_messages", "marts.case_versions", "marts.survey_answers"),
    "vocabulary.message_intents",
)


@pytest.fixture(scope="module")
def desk(warehouse):
    """Customers named after what became of their complaint, written on 20 June."""
    wrote = ["waits", "answered", "answered tomorrow", "resolved", "asks", "resolved tomorrow", "read tomorrow"]
    day = pd.Timestamp("2025-06-20")
    said = pd.DataFrame({"customer_id": wrote, "ticket_id": wrote, "message_id": wrote})
    said = said.assign(direction="in", sent_at="2025-06-20 08", sent_date=day, known_date=day)
    replies = said.iloc[[1, 2]].assign(message_id=["a", "b"], direction="out", sent_at="2025-06-21 08")
    replies["known_date"] = pd.to_datetime(["2025-06-21", "2025-07-01"])
    earlier = said.iloc[[0]].assign(message_id="c", direction="out", sent_at="2025-06-19 08")
    versions = pd.DataFrame({"ticket_id": wrote}).assign(
        is_open=[name != "resolved" for name in wrote], valid_from=day, valid_until=pd.Timestamp("9999-12-31")
    )
    versions.loc[versions["ticket_id"] == "resolved tomorrow", "valid_until"] = pd.Timestamp("2025-07-01")
    later = pd.DataFrame({"ticket_id": ["resolved tomorrow"], "is_open": [False]})
    later = later.assign(valid_from=pd.Timestamp("2025-07-01"), valid_until=pd.Timestamp("9999-12-31"))
    comments = pd.DataFrame({"customer_id": ["comments"], "answer_id": ["A1"]})
    comments = comments.assign(answered_date=pd.Timestamp("2025-06-29"), known_date=pd.Timestamp("2025-06-30"))
    with runtime_warehouse.transaction() as connection:
        create(connection, "marts.case_messages", pd.concat([said, replies, earlier], ignore_index=True))
        create(connection, "marts.case_versions", pd.concat([versions, later], ignore_index=True))
        create(connection, "marts.survey_answers", comments)
        create(connection, "vocabulary.message_intents", pd.read_csv(SEEDS.parent / "message_intents.csv"))
        with connection.cursor() as cursor:
            cursor.execute("truncate scores.message_intents")
            cursor.execute(
                """
                insert into scores.message_intents
                select m, m, case m when 'read tomorrow' then date '2025-07-01' else date '2025-06-21' end,
                    case m when 'asks' then 'track' else 'complain_delivery' end, 0.9, false, true, true, true, -0.5,
                    0.2, 'de', 'cx_message_intent', '1', '2025-06-22'
                from unnest(%s) m
                """,
                ([*wrote, "A1"],),
            )
    yield
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(f"drop table {', '.join(TABLES)}")
        cursor.execute("truncate scores.message_intents")


def test_who_waits_is_found_as_it_was_known_on_the_day(desk):
    with runtime_warehouse.transaction() as connection:
        found = unanswered(connection, AS_OF).set_index("customer_id")["complaint_age_days"].to_dict()
        assert found == {"waits": 10, "answered tomorrow": 10, "resolved tomorrow": 10, "comments": 1}
        tomorrow = set(unanswered(connection, date(2025, 7, 1))["customer_id"])
        assert tomorrow == {"waits", "comments", "read tomorrow"}


@pytest.mark.parametrize(("age", "stops"), [(0.0, True), (13.0, True), (14.0, False), (float("nan"), False)])
def test_an_unanswered_complaint_stops_selling_on_every_channel(age, stops):
    facts = {"channel_contacts_7d": 0, "channel_contacts_28d": 0, "app_sessions_28d": 3, "overdue_ratio_168d": 2.0}
    facts |= {"open_cases": 1, "tickets_28d": 1, "consent": "granted", "complaint_age_days": age, "taken_days": None}
    candidates = ACTIONS.assign(**facts)
    limits = pd.read_csv(NORDHAUS / "contact_limits.csv")
    verdict = apply_policies(candidates, POLICIES, limits, {}, ["marketing", "service"], {})
    dropped = dict(zip(candidates["action_id"], verdict["dropped_by"], strict=True))
    sells = set(ACTIONS.loc[ACTIONS["purpose"] == "marketing", "action_id"])
    assert len(set(ACTIONS.loc[ACTIONS["purpose"] == "marketing", "channel"])) > 1
    assert {name for name, rule in dropped.items() if rule == "no_selling_to_complainers"} == (
        sells if stops else set()
    )
    assert dropped["service_callback"] is None and dropped["apology_voucher"] is None, "helping is no selling"
