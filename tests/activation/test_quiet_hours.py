"""Nobody is contacted in the quiet hours of a channel; who must leave, leaves at any hour."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from activation.__main__ import main
from activation.deliver import deliver
from runtime.checksums import checksums
from tests.activation.told import publish, receipts, rows, run, told
from tests.ml.company import AS_OF, NEXT_DAY

BERLIN = ZoneInfo("Europe/Berlin")
# Of 2026: a Friday, and the Sunday after it.
FRIDAY, SUNDAY = datetime(2026, 3, 6, tzinfo=BERLIN), datetime(2026, 3, 8, tzinfo=BERLIN)
HOURS = [
    ("phone", "1 2 3 4 5 6", "20:00", "08:00", "2025-01-01"),
    ("phone", "7", "00:00", "24:00", "2025-01-01"),
    ("app_message", "1 2 3 4 5 6 7", "21:00", "08:00", "2025-01-01"),
    ("app_message", "1 2 3 4 5 6 7", "23:00", "06:00", "2026-06-01"),
]


@pytest.fixture(autouse=True)
def hours(published):
    for row in HOURS:
        run("insert into vocabulary.quiet_hours values (%s, %s, %s, %s, 'Europe/Berlin', 'a test', %s)", row)
    yield
    run("delete from vocabulary.quiet_hours")


def at(day: datetime, hour: int, minute: int = 0) -> datetime:
    return day + timedelta(hours=hour, minutes=minute)


@pytest.mark.parametrize(
    ("channel", "moment", "until"),
    [
        ("phone", at(FRIDAY, 19, 59), None),
        ("phone", at(FRIDAY, 20), at(FRIDAY, 32)),
        ("phone", at(FRIDAY, 7, 59), at(FRIDAY, 8)),
        ("phone", at(FRIDAY, 8), None),
        # Saturday's evening runs into Sunday, which is quiet as a whole and ends at midnight.
        ("phone", at(SUNDAY, -3), at(SUNDAY, 24)),
        ("phone", at(SUNDAY, 12), at(SUNDAY, 24)),
        ("mail", at(SUNDAY, 3), None),
        ("app_message", at(FRIDAY, 21), at(FRIDAY, 32)),
        # By the rows of its newest version only.
        ("app_message", datetime(2026, 6, 12, 22, tzinfo=BERLIN), None),
        ("app_message", datetime(2026, 6, 12, 23, tzinfo=BERLIN), datetime(2026, 6, 13, 6, tzinfo=BERLIN)),
        # The night in which the clock is put forward is an hour shorter.
        ("app_message", datetime(2026, 3, 29, 1, tzinfo=BERLIN), datetime(2026, 3, 29, 8, tzinfo=BERLIN)),
    ],
)
def test_quiet_hours_end_when_the_clock_of_the_place_says_so(channel, moment, until):
    assert rows("select activation.quiet_until(%s, %s)", (channel, moment)) == [(until,)]


def test_hours_that_never_end_do_not_keep_a_caller_waiting_for_the_answer():
    always = ("mail", "1 2 3 4 5 6 7", "00:00", "24:00", "2025-01-01")
    run("insert into vocabulary.quiet_hours values (%s, %s, %s, %s, 'UTC', 'a test', %s)", always)
    ((until,),) = rows("select activation.quiet_until('mail', %s)", (FRIDAY,))
    assert until > FRIDAY + timedelta(days=8)


def test_at_night_only_other_channels_are_told_and_in_the_morning_the_rest_under_its_key(desk):
    evening, morning = at(FRIDAY, 22), at(FRIDAY, 32)
    (done,) = deliver(AS_OF, moment=evening)
    assert set(desk.held) == {"a", "b"}, "coupons come by mail, a reminder is shown in the app"
    assert (done.waiting, done.quiet_until) == (1, morning)
    assert done.summary().startswith("hook: 3 add; 2 acknowledged, 0 refused, 1 wait for 2026-03-07 ")
    assert receipts()[-1] == ("c", "add", "pending", 0), "it was not sent, so nobody has to take it back"
    (key,) = rows("select key from activation.deliveries where customer_id = 'c'")
    assert deliver(AS_OF, moment=evening)[0].waiting == 1 and len(desk.calls) == 2
    assert deliver(AS_OF, moment=morning)[0].waiting == 0
    assert set(desk.held) == {"a", "b", "c"} and rows(
        "select key from activation.deliveries where customer_id = 'c'"
    ) == [key]
    assert [call[2] for call in desk.calls][-1] == key[0]


def test_no_receipt_of_a_contact_is_of_quiet_hours(desk):
    for hour in range(18, 34):
        publish({"a": "adviser_call", "b": "reminder_message" if hour % 2 else "no_action", "c": "coupon_campaign_a"})
        deliver(AS_OF, moment=at(FRIDAY, hour))
    sent = "select channel, sent_at, activation.quiet_until(channel, sent_at) from activation.deliveries"
    told_of = rows(f"{sent} where attempts > 0 and kind <> 'remove'")
    assert {channel for channel, _, _ in told_of} == {"phone", "app_message", "mail"}
    assert [row for row in told_of if row[2] is not None] == []


def test_who_has_to_leave_leaves_at_night(desk):
    deliver(AS_OF, moment=at(FRIDAY, 12))
    desk.calls.clear()
    publish({"a": "coupon_campaign_a", "b": "coupon_campaign_b"}, NEXT_DAY)
    deliver(NEXT_DAY, moment=at(FRIDAY, 23))
    assert told(desk) == [("remove", "c")] and set(desk.held) == {"a", "b"}


def test_a_call_that_is_no_longer_right_in_the_morning_is_never_made(desk):
    publish({"a": "adviser_call"})
    deliver(AS_OF, moment=at(FRIDAY, 22))
    publish({"a": "no_action"}, NEXT_DAY)
    deliver(NEXT_DAY, moment=at(FRIDAY, 32))
    assert desk.calls == [] and receipts()[-1][2] == "superseded"


def test_a_dry_run_of_an_evening_says_who_would_wait(desk, capsys):
    before = checksums(["activation"])
    assert main(["deliver", "--dry-run", "--at", "2026-03-06T22:00+01:00"]) == 0
    assert "dry run, hook: 3 add; 0 acknowledged, 0 refused, 1 wait for 2026-03-07 " in capsys.readouterr().out
    assert checksums(["activation"]) == before
    with pytest.raises(SystemExit):
        main(["deliver", "--at", "2026-03-06T22:00"])
    assert "has no time zone" in capsys.readouterr().err


def test_the_hours_are_published_with_the_action_in_words():
    query = "select activation.quiet_hours_of(%s, '2026-03-06')"
    assert rows(query, ("phone",)) == [("20:00-08:00 on 1 2 3 4 5 6, 00:00-24:00 on 7 (Europe/Berlin)",)]
    assert rows(query, ("app_message",)) == [("21:00-08:00 on 1 2 3 4 5 6 7 (Europe/Berlin)",)]
    assert rows(query, ("mail",)) == [(None,)]
