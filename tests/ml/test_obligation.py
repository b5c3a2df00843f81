"""What has to be told goes to all who may get it; a lever weighs a value; an action rests after it was decided."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from ml.nba import ledger
from ml.nba.candidates import lay_out
from ml.nba.cool_down import taken
from ml.nba.decide import draw
from ml.nba.model import nba_settings
from ml.nba.obligation import FREE, obliged
from ml.nba.serving import Serving
from ml.nba.why import explain_action
from ml.registry import ModelVersion
from runtime import warehouse as runtime_warehouse
from tests.ml import planted_ledger
from tests.ml.company import AS_OF, NEXT_DAY
from tests.ml.decided import run
from tests.ml.planted_ledger import REMINDER

SETTINGS = nba_settings()
WHO = 40  # of the planted customers have to be reminded


@for_all(st.integers(0, 10_000))
def test_the_best_of_what_is_due_is_told_and_nobody_is_told_what_is_not(seed):
    random = np.random.default_rng(seed)
    value, is_eligible = random.integers(0, 3, (30, 5)).astype(float), random.random((30, 5)) < 0.5
    is_mandatory = random.random(5) < 0.4
    must = obliged(is_mandatory, value, is_eligible)
    due = is_eligible & is_mandatory
    assert ((must == FREE) == ~due.any(axis=1)).all()
    for row in np.flatnonzero(must != FREE):
        assert due[row, must[row]] and value[row, must[row]] == value[row, due[row]].max()


def decisions(**changed) -> pd.DataFrame:
    """The planted company decided with other actions or policies, as rows of the ledger."""
    given = replace(planted_ledger.circumstances(AS_OF), **changed)
    model = planted_ledger.response_model()
    serving = Serving(model, None, ModelVersion("cx_response", "0", "", {}), {"learned": "cx_response/0"})
    candidates = lay_out(given, model, SETTINGS)
    rows = draw(given, candidates, pd.Series([], dtype=str), serving, AS_OF, SETTINGS).all()
    for name in ("candidates", "facts", "exploration"):
        rows[name] = rows[name].map(json.loads)
    return rows


@pytest.fixture(scope="module")
def told() -> pd.DataFrame:
    """A reminder has to go to whoever spent most; five reminders are all that the day can do."""
    given = planted_ledger.circumstances(AS_OF)
    actions = given.actions.assign(kind=np.where(given.actions["action_id"] == REMINDER, "mandatory", "optional"))
    spent = given.features["spend_eur_84d"].nlargest(WHO).min()
    most = {"policy_id": "most", "rule": "minimum_feature", "action_id": REMINDER, "parameter": "spend_eur_84d",
            "threshold": spent, "valid_from": pd.Timestamp(AS_OF)}  # fmt: skip
    policies = pd.concat([given.policies, pd.DataFrame([most])], ignore_index=True)
    few = {"capacity_id": "few", "channel": None, "action_id": REMINDER, "unit": "contacts", "maximum_per_day": 5}
    return decisions(actions=actions, policies=policies, capacities=pd.DataFrame([few]))


def test_all_who_are_due_are_told_whatever_their_arm_and_the_capacity(told):
    due = [
        any(one["action_id"] == REMINDER and one["is_eligible"] for one in candidates)
        for candidates in told["candidates"]
    ]
    assert 5 < sum(due) < len(told) and (told["arm"].eq("mandatory") == due).all()
    assert (told["action_id"].eq(REMINDER) == due).all() and (told.loc[due, "propensity"] == 1).all()
    assert set(told.loc[~pd.Series(due), "arm"]) == {"policy", "random", "holdout"}


def test_each_row_gives_its_choice_back(told):
    for row in told.to_dict("records"):
        arm, action, probability = ledger.replay(row)
        assert (arm, action) == (row["arm"], row["action_id"])
        assert probability == {one["action_id"]: one["propensity"] for one in row["candidates"]}


def test_everybody_can_be_due():
    given = planted_ledger.circumstances(AS_OF)
    actions = given.actions.assign(kind=np.where(given.actions["action_id"] == REMINDER, "mandatory", "optional"))
    few = {"capacity_id": "few", "channel": None, "action_id": REMINDER, "unit": "contacts", "maximum_per_day": 5}
    rules = given.policies[~given.policies["rule"].str.startswith("minimum_")]
    rows = decisions(actions=actions, policies=rules, capacities=pd.DataFrame([few]))
    assert set(rows["arm"]) == {"mandatory"} and set(rows["action_id"]) == {REMINDER}


def test_it_says_that_it_had_to(told):
    row = told[told["arm"] == "mandatory"].to_dict("records")[0]
    assert "has to be told" in explain_action(row, REMINDER).en
    other = next(one["action_id"] for one in row["candidates"] if one["is_eligible"] and one["action_id"] != REMINDER)
    assert f"{REMINDER} has to be told first" in explain_action(row, other).en


def test_a_lever_weighs_what_a_response_is_worth():
    plain = planted_ledger.circumstances(AS_OF)
    heavy = plain.actions.assign(lever=np.where(plain.actions["action_id"] == REMINDER, 3.0, 1.0))
    model = planted_ledger.response_model()
    before, after = (lay_out(replace(plain, actions=each), model, SETTINGS) for each in (plain.actions, heavy))
    is_other = before["action_id"] == REMINDER
    worth = before["response_probability"] * before["response_value_eur"]
    np.testing.assert_allclose(after["expected_net_value_eur"] - before["expected_net_value_eur"],
                               2 * worth.where(is_other, 0), atol=1.01e-4)  # fmt: skip
    weighed = decisions(actions=heavy).to_dict("records")[0]
    said = next(one for one in weighed["candidates"] if one["action_id"] == REMINDER)
    assert said["lever"] == 3 and "x 3" in explain_action({**weighed, "action_id": REMINDER}, REMINDER).en


def test_what_was_decided_lately_is_known_also_of_who_was_another_customer(decided):
    rules = pd.DataFrame({"rule": ["cool_down"], "action_id": [None], "threshold": [2.0]})
    row = next(one for one in decided if one["action_id"] != "no_action")
    with runtime_warehouse.transaction() as connection:
        actions = runtime_warehouse.read_frame(connection, "select * from vocabulary.actions")
        found = taken(connection, NEXT_DAY, rules, actions).set_index("customer_id")
        assert len(found) == sum(one["action_id"] != "no_action" for one in decided)
        assert found.loc[row["customer_id"], ["action_id", "taken_days"]].tolist() == [row["action_id"], 1]
        assert taken(connection, AS_OF, rules, actions).empty, "the day itself is being decided"
        assert taken(connection, NEXT_DAY, rules.assign(threshold=1.0), actions).empty
        assert taken(connection, NEXT_DAY, rules.iloc[:0], actions).empty
        other = next(name for name in actions["action_id"] if name not in (row["action_id"], "no_action"))
        theirs = taken(connection, NEXT_DAY, rules.assign(action_id=other), actions)
        assert set(theirs["action_id"]) <= {other}
    try:
        run("insert into identity.customer_history values ('card', '9', %s, %s, null, 'new', %s)",
            (row["customer_id"], AS_OF, AS_OF))  # fmt: skip
        run("insert into identity.entity_customers values ('card', '9', 'now', %s, true)", (AS_OF,))
        with runtime_warehouse.transaction() as connection:
            found = taken(connection, NEXT_DAY, rules, actions).set_index("customer_id")
        assert found.loc["now", "action_id"] == row["action_id"]
    finally:
        run("delete from identity.customer_history where source_key = '9'")
        run("delete from identity.entity_customers where source_key = '9'")
