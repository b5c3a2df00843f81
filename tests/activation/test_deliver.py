"""Destinations are told what changed, once, whatever breaks on the way; who must leave, leaves at once."""

import random
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import psycopg2
import pytest

from activation.__main__ import main
from activation.deliver import DeliveryFailed, deliver, take_back
from activation.destinations.configured import destinations
from runtime.checksums import checksums
from runtime.settings import ROOT
from tests.activation.told import EMAIL, FILE, HOOK, configure, publish, receipts, rows, run, told
from tests.ml.company import AS_OF, NEXT_DAY


def test_without_a_destination_nothing_happens(published, capsys):
    assert destinations() == []
    before = checksums(["activation"])
    assert deliver(AS_OF) == []
    assert checksums(["activation"]) == before
    assert main(["deliver"]) == 0 and "There is no destination" in capsys.readouterr().out


def test_only_changes_are_told_and_removes_come_first(desk):
    assert deliver(AS_OF)[0].summary() == "hook: 3 add; 3 acknowledged, 0 refused"
    assert set(desk.held) == {"a", "b", "c"}, "who is left alone is nobody's business"
    assert desk.held["a"]["action_id"] == "coupon_campaign_a" and set(desk.held["a"]) == {
        *("action_id", "channel", "handover_to_human", "ai_disclosure", "quiet_hours"),
    }
    desk.calls.clear()
    deliver(AS_OF)
    publish({"a": "coupon_campaign_a", "b": "reminder_message", "d": "coupon_campaign_c"}, NEXT_DAY)
    deliver(NEXT_DAY)
    assert told(desk) == [("remove", "c"), ("change", "b"), ("add", "d")]
    assert set(desk.held) == {"a", "b", "d"} and desk.held["b"]["action_id"] == "reminder_message"
    assert receipts()[-3:] == [
        ("c", "remove", "acknowledged", 1),
        ("b", "change", "acknowledged", 1),
        ("d", "add", "acknowledged", 1),
    ]
    assert rows("select customer_id from activation.acknowledged order by 1") == [("a",), ("b",), ("d",)]


def test_there_and_back_are_different_changes(desk):
    for action in ("coupon_campaign_a", "reminder_message", "coupon_campaign_a"):
        publish({"a": action})
        deliver(AS_OF)
    keys = [key for _, _, key, body in desk.calls if body["customer_id"] == "a"]
    assert len(set(keys)) == 3 and desk.held["a"]["action_id"] == "coupon_campaign_a"


def test_a_dry_run_counts_and_touches_nothing(desk, capsys):
    before = checksums(["activation"])
    assert main(["deliver", "--dry-run"]) == 0
    assert "dry run, hook: 3 add; 0 acknowledged" in capsys.readouterr().out
    assert checksums(["activation"]) == before and desk.calls == []
    assert main(["deliver"]) == 0 and main(["destinations"]) == 0
    assert "hook (webhook, Campaigns): holds 3 customers; 0 pending, 0 refused" in capsys.readouterr().out


def test_what_is_busy_or_cut_is_tried_again_under_the_same_key(desk):
    desk.faults = {1: 503, 2: (429, 0), 4: "lost"}
    deliver(AS_OF)
    assert sorted(desk.effects) == [("add", "a"), ("add", "b"), ("add", "c")], "each once"
    keys = [key for _, _, key, _ in desk.calls]
    assert keys[0] == keys[1] == keys[2] and keys[3] == keys[4] != keys[0]
    assert [status for *_, status, _ in receipts()] == ["acknowledged"] * 3


def test_a_destination_that_is_down_gets_the_rest_next_time_under_the_same_keys(desk):
    desk.faults = {number: 503 for number in range(2, 5)}
    with pytest.raises(DeliveryFailed, match="hook: 3 add; 1 acknowledged.*it answers 503 after 3 attempts"):
        deliver(AS_OF)
    assert [status for *_, status, _ in receipts()] == ["acknowledged", "pending", "pending"]
    keys = rows("select key from activation.deliveries order by change_number")
    deliver(AS_OF)
    assert rows("select key from activation.deliveries order by change_number") == keys
    assert set(desk.held) == {"a", "b", "c"} and len(desk.effects) == 3


def test_one_destination_that_is_down_does_not_keep_the_others_waiting(desk):
    nowhere, bare = {**HOOK, "url_variable": "NOWHERE"}, {**HOOK, "customer_fields": ["shoe_size"]}
    configure(hook=HOOK, another=nowhere, bare=bare)
    with pytest.raises(DeliveryFailed, match="another: .*set NOWHERE(.|\n)*has no shoe_size"):
        deliver(AS_OF)
    assert set(desk.held) == {"a", "b", "c"}


@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_run_that_is_killed_at_any_call_is_completed_without_double_effect(desk, call):
    """kill -9 comes after the destination has done it and before its answer is kept."""
    desk.faults = {call: "kill"}
    child = subprocess.Popen([sys.executable, "-c", "from activation.__main__ import main; input(); main(['deliver'])"],
                             cwd=ROOT, stdin=subprocess.PIPE)  # fmt: skip
    desk.pid = child.pid
    child.communicate(b"go\n", timeout=120)
    assert child.returncode == -9 and len(desk.effects) == call
    assert rows("select count(*) from activation.acknowledged") == [(0,)], "no answer was kept"
    deliver(AS_OF)
    assert sorted(desk.effects) == [("add", "a"), ("add", "b"), ("add", "c")]
    assert rows("select count(*) from activation.acknowledged") == [(3,)]


def test_what_may_have_arrived_is_taken_back_though_nobody_acknowledged_it(desk):
    desk.faults = {number: "lost" for number in range(1, 4)}
    with pytest.raises(DeliveryFailed):
        deliver(AS_OF)
    assert set(desk.held) == {"a"} and rows("select count(*) from activation.acknowledged") == [(0,)]
    publish({"b": "coupon_campaign_b"}, NEXT_DAY)
    desk.faults = {4: 503, 5: 503, 6: 503}
    with pytest.raises(DeliveryFailed):
        deliver(NEXT_DAY)
    desk.faults = {}
    deliver(NEXT_DAY)
    assert set(desk.held) == {"b"}
    before = len(desk.calls)
    deliver(NEXT_DAY)
    assert len(desk.calls) == before, "now it is settled"


def test_after_any_faults_a_quiet_run_leaves_the_destination_as_it_is_wanted(desk):
    """Forty rounds of other actions with lost answers, busy answers and refusals; then one round without."""
    random.seed(7)
    offers = ["coupon_campaign_a", "coupon_campaign_b", "reminder_message", "no_action"]
    wanted = {}
    for _ in range(40):
        wanted = {who: random.choice(offers) for who in "abcdef" if random.random() < 0.7}
        publish(wanted)
        ahead = range(len(desk.calls) + 1, len(desk.calls) + 40)
        desk.faults = {n: random.choice(["lost", 503, 422]) for n in ahead if random.random() < 0.5}
        with suppress(DeliveryFailed):
            deliver(AS_OF, removes_only=random.random() < 0.2)
    desk.faults = {}
    deliver(AS_OF)
    assert {who: content["action_id"] for who, content in desk.held.items()} == {
        who: action for who, action in wanted.items() if action != "no_action"
    }
    assert {status for *_, status, _ in receipts()} == {"acknowledged", "superseded"}
    assert max(Counter(key for _, _, key, _ in desk.calls).values()) > 1, "something was sent twice"


def test_a_refusal_is_kept_and_tried_again(desk):
    desk.faults = {1: 422}
    assert deliver(AS_OF)[0].refused == 1
    assert rows("select customer_id, answer from activation.deliveries where status = 'refused'") == [("a", "HTTP 422")]
    deliver(AS_OF)
    assert set(desk.held) == {"a", "b", "c"} and len({key for _, _, key, _ in desk.calls}) == 3


def test_a_refused_remove_is_an_error(desk):
    deliver(AS_OF)
    publish({"a": "coupon_campaign_a", "b": "coupon_campaign_b"}, NEXT_DAY)
    desk.faults = {len(desk.calls) + 1: 403}
    with pytest.raises(DeliveryFailed, match="1 remove; 0 acknowledged, 1 refused"):
        deliver(NEXT_DAY)


def test_who_withdraws_consent_leaves_at_once_before_anything_is_published(desk):
    run("delete from vocabulary.policies where rule = 'consent_not_required'")
    purpose = dict(rows("select action_id, purpose from vocabulary.actions"))["coupon_campaign_a"]
    run(
        "insert into marts.consents select customer_id, %s, 'any', true, '2017-12-01', '2017-12-01'"
        " from activation.next_best_actions",
        (purpose,),
    )
    publish({"a": "coupon_campaign_a", "b": "coupon_campaign_b"})
    deliver(AS_OF)
    assert set(desk.held) == {"a", "b"}
    run("insert into marts.consents values ('a', %s, 'any', false, '2017-12-29', '2017-12-29')", (purpose,))
    run("insert into marts.consents values ('b', %s, 'any', false, '2017-12-30', '2017-12-30')", (purpose,))
    deliver(AS_OF, removes_only=True)
    assert set(desk.held) == {"a", "b"}, "that day nobody knew of it"
    assert deliver(NEXT_DAY, removes_only=True)[0].summary() == "hook: 1 remove; 1 acknowledged, 0 refused"
    assert set(desk.held) == {"b"}


def test_removes_only_tells_nothing_new(desk):
    deliver(AS_OF)
    publish({"a": "reminder_message", "d": "coupon_campaign_a"}, NEXT_DAY)
    deliver(NEXT_DAY, removes_only=True)
    assert set(desk.held) == {"a"} and desk.held["a"]["action_id"] == "coupon_campaign_a"
    deliver(NEXT_DAY)
    assert set(desk.held) == {"a", "d"} and desk.held["a"]["action_id"] == "reminder_message"


def test_a_day_that_is_played_again_tells_nothing_of_the_past(desk):
    deliver(AS_OF)
    publish({"a": "reminder_message"}, NEXT_DAY)
    before = len(desk.calls)
    for removes_only in (True, False):
        assert "2017-12-29 is published" in deliver(AS_OF, removes_only=removes_only)[0].summary()
    assert len(desk.calls) == before


def test_an_action_that_nobody_renewed_leaves_when_it_expires(desk):
    deliver(AS_OF)
    deliver(AS_OF + timedelta(days=6))
    assert set(desk.held) == {"a", "b", "c"}
    deliver(AS_OF + timedelta(days=7), removes_only=True)
    assert desk.held == {}


def test_who_is_to_be_forgotten_is_taken_back_from_everywhere(desk):
    configure(hook=HOOK, list=FILE)
    deliver(AS_OF)
    take_back(["a", "nobody"], AS_OF)
    assert set(desk.held) == {"b", "c"}
    assert rows("select destination, kind from activation.deliveries where customer_id = 'a' order by 1, 2") == [
        ("hook", "add"), ("hook", "remove"), ("list", "add"), ("list", "remove"),
    ]  # fmt: skip
    configure(hook=HOOK)
    with pytest.raises(DeliveryFailed, match="list: .*no longer in destinations.yml"):
        take_back(["b"], AS_OF)


def test_channels_and_fields_are_chosen_and_personal_data_is_kept_nowhere(desk):
    channel = dict(rows("select action_id, channel from vocabulary.actions"))["reminder_message"]
    configure(hook={**HOOK, "channels": [channel], "fields": ["action_id"], "customer_fields": ["email"]})
    deliver(AS_OF)
    assert desk.held["c"] == {"action_id": "reminder_message", "email": EMAIL}
    assert {rows("select channel from activation.next_best_actions where customer_id = %s", (who,))[0][0]
            for who in desk.held} == {channel}  # fmt: skip
    kept = rows("select deliveries::text from activation.deliveries union all"
                " select acknowledged::text from activation.acknowledged")  # fmt: skip
    assert kept and not [text for (text,) in kept if EMAIL in text or "example" in text]


@pytest.mark.parametrize("role", ["cx_agent", "cx_bi"])
def test_who_was_told_what_is_not_for_others(desk, role):
    deliver(AS_OF)
    for table in ("deliveries", "acknowledged"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            rows(f"select * from activation.{table}", role=role)
