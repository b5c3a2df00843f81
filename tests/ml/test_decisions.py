"""Decide, and question every decision from its ledger row alone."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.frames import EmptyFrame
from ml.intent.score import score_intent
from ml.nba import __main__ as command
from ml.nba import ledger
from ml.nba.decide import decide
from ml.nba.what_if import foresee_actions
from runtime import warehouse as runtime_warehouse
from runtime.checksums import checksums
from tests.ml.company import AS_OF, CUSTOMERS, NEXT_DAY, SEEDS
from tests.ml.decided import eligible, ledger_rows, run


def test_deciding_says_which_step_is_missing(decided):
    with pytest.raises(EmptyFrame, match="no scores for 2017-12-29. Run score_intent"):
        decide(NEXT_DAY)
    with pytest.raises(EmptyFrame, match="no rows for 2016-01-01"):
        decide(date(2016, 1, 1))


def test_every_customer_has_one_decision_with_the_whole_candidate_set(decided):
    assert len({row["customer_id"] for row in decided}) == len({row["decision_id"] for row in decided}) == CUSTOMERS
    for row in decided:
        by_action = {candidate["action_id"]: candidate for candidate in row["candidates"]}
        assert len(by_action) == 6 and by_action["no_action"]["is_eligible"]
        assert sum(candidate["propensity"] for candidate in row["candidates"]) == pytest.approx(1, abs=1e-12)
        assert all(candidate["propensity"] == 0 for candidate in row["candidates"] if candidate["dropped_by"])
        assert all((candidate["dropped_by"] is None) == candidate["is_eligible"] for candidate in row["candidates"])
        chosen = by_action[row["action_id"]]
        assert chosen["propensity"] == row["propensity"] > 0 and chosen["is_eligible"]
        assert float(row["expected_net_value_eur"]) == chosen["expected_net_value_eur"]


def test_every_decision_can_be_replayed_from_its_row(decided):
    for row in decided:
        arm, action, probability = ledger.replay(row)
        assert (arm, action) == (row["arm"], row["action_id"])
        assert probability == {candidate["action_id"]: candidate["propensity"] for candidate in row["candidates"]}


def test_expected_values_follow_from_the_row(decided):
    for candidate in [candidate for row in decided for candidate in row["candidates"]]:
        worth = candidate["response_probability"] * candidate["response_value_eur"] - candidate["cost_eur"]
        assert candidate["expected_net_value_eur"] == pytest.approx(worth, abs=5.1e-5)


def test_contact_limits_are_respected(decided):
    for row in decided:
        full = row["facts"]["contacts"]["mail_7d"] >= 1 or row["facts"]["contacts"]["mail_28d"] >= 3
        coupons = {action for action in eligible(row) if action.startswith("coupon")}
        assert bool(coupons) is not full
    assert any(row["facts"]["contacts"]["mail_28d"] >= 3 for row in decided)


def test_the_holdout_gets_nothing_and_the_random_arm_anything(decided):
    arms = pd.Series([row["arm"] for row in decided]).value_counts()
    assert arms["holdout"] >= 3 and arms["policy"] > 200
    assert {row["action_id"] for row in decided if row["arm"] == "holdout"} == {"no_action"}
    for row in [row for row in decided if row["arm"] == "random"]:
        alike = [c["propensity"] for c in row["candidates"] if c["is_eligible"]]
        assert alike == pytest.approx([1 / len(alike)] * len(alike), abs=1e-12)


def test_the_best_action_is_drawn_as_often_as_its_propensity_says_and_mostly(decided):
    choosing = [row for row in decided if row["arm"] == "policy" and len(eligible(row)) > 1]
    best = [max((c for c in row["candidates"] if c["is_eligible"]), key=_value) for row in choosing]
    drawn = np.mean([row["action_id"] == top["action_id"] for row, top in zip(choosing, best, strict=True)])
    promised = np.mean([top["propensity"] for top in best])
    # Three standard errors of a share among some 150 customers.
    assert drawn == pytest.approx(promised, abs=3 * np.sqrt(promised * (1 - promised) / len(choosing)))
    assert promised > 0.7, "gamma is large: exploration is the exception"


def _value(candidate: dict) -> float:
    return candidate["expected_net_value_eur"]


def test_for_each_thing_that_may_be_heard_the_best_allowed_action_is_ready(decided):
    count = foresee_actions(AS_OF)
    before = checksums(["scores"])
    assert foresee_actions(AS_OF) == count and checksums(["scores"]) == before
    with runtime_warehouse.transaction() as connection:
        foreseen = runtime_warehouse.read_frame(connection, "select * from scores.intent_actions")
    assert count == CUSTOMERS * (4 + 13), "intents of behaviour and of messages"
    by_kind = foreseen.pivot(index="customer_id", columns=["kind", "intent"], values="action_id")
    if_lapse = by_kind[("behaviour", "lapse")]
    assert (by_kind[("message", "complain_product")] == if_lapse).all(), "it shows that the customer may stay away"
    minimum = next(
        row for row in pd.read_csv(SEEDS / "policy_versions.csv").itertuples() if row.policy_id == "call_only_valuable"
    )
    calls = 0
    for row in decided:
        chosen, dropped = if_lapse[row["customer_id"]], {c["action_id"]: c["dropped_by"] for c in row["candidates"]}
        if row["arm"] == "holdout":
            assert set(by_kind.loc[row["customer_id"]]) == {"no_action"}
            continue
        assert dropped[chosen] in (None, "call_only_at_risk"), "only the doubt about the intent falls away"
        if chosen == "adviser_call":
            calls += 1
            assert row["facts"]["features"]["spend_eur_84d"] >= minimum.threshold
    assert calls > 0, "worth 0.12 x 45 - 5 EUR once the intent is certain"


def foreseen_actions() -> pd.DataFrame:
    with runtime_warehouse.transaction() as connection:
        return runtime_warehouse.read_frame(connection, "select * from scores.intent_actions")


def test_an_agent_is_not_promised_what_the_day_has_used_up(decided):
    """Nobody but who is called anyway is promised a call; letters say how many more there can be."""
    run("create table vocabulary.kept as select * from vocabulary.capacities")
    run("delete from vocabulary.capacities")
    called = {row["customer_id"] for row in decided if row["channel"] == "phone"}
    foresee_actions(AS_OF)
    unlimited = foreseen_actions()
    posted = {row["customer_id"] for row in decided if row["channel"] == "mail"}
    try:
        for channel, maximum in (("phone", len(called)), ("mail", len(posted) + 7)):
            run(
                "insert into vocabulary.capacities select %s, %s, null, 'contacts', %s, null, 'Test', '2017-01-01'",
                (channel, channel, maximum),
            )
        foresee_actions(AS_OF)
        limited = foreseen_actions()
    finally:
        run("drop table vocabulary.capacities")
        run("alter table vocabulary.kept rename to capacities")
        foresee_actions(AS_OF)
    assert unlimited["executions_left"].isna().all() and (unlimited["channel"] == "phone").any()
    assert set(limited.loc[limited["channel"] == "phone", "customer_id"]) <= called
    told = limited[limited["channel"] == "mail"]
    assert (told["executions_left"] == np.where(told["customer_id"].isin(posted), 8, 7)).all() and len(told)
    assert len(limited) == len(unlimited), "nobody is left without a row: no action is always possible"


def test_the_command_says_why_and_why_not(decided, capsys):
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select customer_id from decisions.standing_decisions where as_of_date = %s", (AS_OF,))
        standing = {customer for (customer,) in cursor.fetchall()}
    row = next(
        row for row in decided if row["customer_id"] in standing and any(c["dropped_by"] for c in row["candidates"])
    )
    asked = ["why", row["customer_id"], "--as-of", AS_OF.isoformat()]
    assert command.main(asked) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [c["action_id"] for c in row["candidates"]]
    assert any("[policy] Dropped by the policy" in line for line in lines)
    assert command.main([*asked, "--language", "de"]) == 0 and "Regel" in capsys.readouterr().out
    assert command.main(["why", "nobody"]) == command.main(["why", row["customer_id"], "dance"]) == 1
    assert "no decision" in capsys.readouterr().err


def test_a_stale_department_shrinks_only_the_actions_of_the_customers_it_touches(decided):
    """On the next day everything is the same but crm, which is stale: adviser_call needs it."""
    run("update features.customer_features set spend_eur_84d = 500 where as_of_date >= %s", (AS_OF,))
    run(
        "update features.customer_features n set taste = -4, recency_days = t.recency_days, baskets_84d = t.baskets_84d"
        " from features.customer_features t where n.customer_id = t.customer_id and n.as_of_date = %s"
        " and t.as_of_date = %s",
        (NEXT_DAY, AS_OF),
    )
    run("update quality.department_status set status = 'stale' where department = 'crm' and as_of = %s", (NEXT_DAY,))
    score_intent(NEXT_DAY)
    assert decide(NEXT_DAY).new == CUSTOMERS
    callable_ = dropped = 0
    for row in ledger_rows(NEXT_DAY):
        call = next(c for c in row["candidates"] if c["action_id"] == "adviser_call")
        if row["facts"]["features"]["has_demographics"]:
            assert call["dropped_by"] == "data_not_stale" and call["dropped_reason"] == "data of crm is stale"
            dropped += 1
        else:
            assert call["dropped_by"] != "data_not_stale"
            callable_ += call["is_eligible"]
        others = {c["dropped_by"] for c in row["candidates"] if c["action_id"] != "adviser_call"}
        assert "data_not_stale" not in others
    assert dropped > 50 and callable_ > 50


def test_capacities_bind_all_decisions_of_a_day_together_and_each_replays(decided):
    """On the day after, three letters and nothing on the phone; one customer is decided when the others were."""
    day = NEXT_DAY + timedelta(days=1)
    tables = {"features": "customer_features", "marts": "contact_pressure"}
    for schema, table in tables.items():
        run(
            f"insert into {schema}.{table} select (jsonb_populate_record(t, %s)).* from {schema}.{table} t"
            " where as_of_date = %s",
            (json.dumps({"as_of_date": day.isoformat()}), NEXT_DAY),
        )
    run(
        "insert into quality.department_status (department, as_of, data_as_of, status)"
        " select department, %s, %s, 'fresh' from quality.department_status where as_of = %s",
        (day, day, AS_OF),
    )
    run("create table vocabulary.kept as select * from vocabulary.capacities")
    run("delete from vocabulary.capacities")
    run("insert into vocabulary.capacities select 'letters', 'mail', null, 'contacts', 3, null, 'Test', '2017-01-01'")
    run("insert into vocabulary.capacities select 'calls', 'phone', null, 'eur', 0, null, 'Test', '2017-01-01'")
    late = "customer-0002"
    run("create table features.kept as select * from features.customer_features")
    try:
        score_intent(day)
        run("delete from features.customer_features where customer_id = %s and as_of_date = %s", (late, day))
        assert decide(day).new == CUSTOMERS - 1
        run("drop table features.customer_features")
        run("alter table features.kept rename to customer_features")
        assert decide(day).new == 1 and decide(day).new == 0
        rows = ledger_rows(day)
        channels = pd.Series([row["channel"] for row in rows]).value_counts()
        assert channels["mail"] == 3 and "phone" not in channels
        assert {row["exploration"]["method"] for row in rows} == {"rationed squarecb"}
        assert any(row["exploration"]["shares"] for row in rows), "exploring letters is rationed"
        for row in rows:
            arm, action, probability = ledger.replay(row)
            assert (arm, action) == (row["arm"], row["action_id"])
            assert probability == {c["action_id"]: c["propensity"] for c in row["candidates"]}
            assert sum(probability.values()) == pytest.approx(1, abs=1e-12)
    finally:
        run("drop table vocabulary.capacities")
        run("alter table vocabulary.kept rename to capacities")
