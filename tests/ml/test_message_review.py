"""Humans are asked about the right messages; wrong labels are proposed, not overwritten; answers are learned from."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.messages.frame import labelled_parts, messages
from ml.messages.model import message_settings
from ml.messages.review import (
    SUSPECTED,
    UNCERTAIN,
    ReviewError,
    chosen,
    keep_reviews,
    parse,
    queue_reviews,
    shown,
    suspected,
)
from runtime import warehouse as runtime_warehouse
from tests.ml import service_desk
from tests.ml.company import SEEDS, create
from tests.ml.service_desk import AS_OF

WORDS_ALONE = replace(message_settings(), encoders=[])
INTENTS = ["cancel", "pay", "return", "track"]


def read_and_ticked(count: int = 400, wrong: int = 40):
    """Probabilities of a model that is right nine times in ten, and labels of which the first `wrong` are wrong."""
    random = np.random.default_rng(4)
    truth = random.integers(0, 4, count)
    scores = random.normal(size=(count, 4)) + 5 * np.eye(4)[np.where(random.random(count) < 0.9, truth, truth - 1)]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    wide = pd.DataFrame(probabilities, index=[f"m{n:03d}" for n in range(count)], columns=INTENTS)
    ticked = np.where(np.arange(count) < wrong, (truth + 1) % 4, truth)
    return wide, pd.Series(np.array(INTENTS, dtype=object)[ticked], wide.index)


def test_wrong_labels_are_found_far_more_often_than_by_chance_and_the_true_one_is_proposed():
    wide, ticked = read_and_ticked()
    found = suspected(wide, ticked)
    is_wrong = found.index.str[1:].astype(int) < 40
    assert is_wrong[:20].mean() > 0.5, "one in ten is wrong, and the model errs as often and as surely"
    assert is_wrong.sum() > 30, "most of them are found"
    right = wide.loc[found.index[is_wrong]].idxmax(axis=1)
    assert (found[is_wrong] == right).all()


def test_without_labels_nothing_is_suspected():
    wide, ticked = read_and_ticked()
    assert suspected(wide, pd.Series(None, wide.index, dtype=object)).empty


def test_half_are_suspects_and_the_rest_waver_spread_over_the_intents():
    wide, ticked = read_and_ticked()
    long = wide.rename_axis("message_id").reset_index().melt("message_id", var_name="intent", value_name="probability")
    # Every message of an intent is written in one of three ways, so that there are twelve to tell apart.
    ways = pd.Series(
        [f"{INTENTS[place]} way{n % 3} way{n % 3}" for n, place in enumerate(wide.to_numpy().argmax(axis=1))]
    )
    told = pd.DataFrame({"label": ticked, "text": ways.to_numpy()})
    asked = chosen(long.assign(ticket_id=long["message_id"]), told, WORDS_ALONE)
    assert asked["reason"].value_counts().to_dict() == {SUSPECTED: 10, UNCERTAIN: 10}
    assert asked["rank"].tolist() == list(range(1, 21)) and asked["message_id"].is_unique
    top = np.sort(wide.to_numpy(), axis=1)[:, -2:]
    margin = pd.Series(top[:, 1] - top[:, 0], wide.index)
    unsure = asked.loc[asked["reason"] == UNCERTAIN]
    wavering = margin.drop(asked.loc[asked["reason"] == SUSPECTED, "message_id"]).sort_values().head(100)
    assert set(unsure["message_id"]) <= set(wavering.index)
    assert told["text"][unsure["message_id"]].nunique() == 10, "of those that waver, ones that differ"
    assert told["text"][wavering.head(10).index].nunique() < 10, "the ten smallest margins repeat each other"
    assert "m0" in shown(asked)
    assert chosen(long.head(0).assign(ticket_id=""), told, WORDS_ALONE).empty


@pytest.fixture
def desk(warehouse, monkeypatch):
    """A contact centre of which a model has read the last four weeks; it holds every tenth label for another one."""
    monkeypatch.setattr("ml.messages.review.available", list)  # an encoder takes seconds to load
    service_desk.found()
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        create(connection, "vocabulary.message_intents", pd.read_csv(SEEDS.parent / "message_intents.csv"))
        cursor.execute("truncate scores.message_reviews, scores.review_queue")
        cursor.execute(
            """
            insert into scores.message_intents
            select message_id, m.ticket_id, %(as_of)s, i, case when i = t.category then 0.9 else 0.1 / 6 end,
                i = t.category, false, true, true, 0, 0, 'de', 'cx_message_intent', '1', now()
            from staging.stg_service__messages m
            join staging.stg_service__tickets t using (ticket_id)
            cross join unnest(array['track', 'return', 'cancel', 'pay', 'consent', 'device_help', 'voucher']) i
            where m.direction = 'in' and m.known_date > %(as_of)s - 28 and t.category <> '' and not t.is_test
            """,
            {"as_of": AS_OF},
        )
        # The model is sure that this one is about something else than was ticked.
        cursor.execute("select min(message_id) from scores.message_intents where intent = 'pay' and probability > 0.5")
        (wrong,) = cursor.fetchone()
        cursor.execute(
            "update scores.message_intents set probability = case intent when 'return' then 0.95 else 0.05 / 6 end"
            " where message_id = %s",
            (wrong,),
        )
    yield wrong
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("truncate scores.message_reviews, scores.review_queue")
        cursor.execute("drop table vocabulary.message_intents")
    service_desk.close()


def test_a_label_comes_back_is_learned_from_and_changes_no_tick(desk):
    queue = queue_reviews(AS_OF)
    first = queue.iloc[0]
    assert (first["message_id"], first["reason"]) == (desk, SUSPECTED)
    assert (first["agent_label"], first["proposed_label"]) == ("pay", "return")
    pd.testing.assert_frame_equal(queue_reviews(AS_OF), queue)
    assert keep_reviews(AS_OF, {desk: "return"}, "Ms Reviewer") == 1
    assert desk not in set(queue_reviews(AS_OF)["message_id"]), "nothing is asked twice"
    with runtime_warehouse.transaction() as connection:
        known = messages(connection, AS_OF).set_index("message_id")["label"]
        parts = pd.concat(labelled_parts(messages(connection, AS_OF), AS_OF, message_settings()))
        before = messages(connection, AS_OF - pd.Timedelta(days=1)).set_index("message_id")["label"]
        ticked = runtime_warehouse.read_frame(
            connection, "select category from staging.stg_service__tickets where ticket_id = %s", (first["ticket_id"],)
        )
    assert known[desk] == "return" and parts.set_index("message_id")["label"][desk] == "return"
    assert before.get(desk, "pay") == "pay", "on the day before nobody knew"
    assert ticked["category"].tolist() == ["pay"]


def test_what_makes_no_sense_is_refused_whole(desk):
    queue_reviews(AS_OF)
    with pytest.raises(ReviewError, match="T99999-1 was not asked about"):
        keep_reviews(AS_OF, {desk: "return", "T99999-1": "return"}, "Ms Reviewer")
    with pytest.raises(ReviewError, match="refund is no intent; intents are .*out_of_scope"):
        keep_reviews(AS_OF, {desk: "refund"}, "Ms Reviewer")
    with pytest.raises(ReviewError, match="`by` is empty"):
        keep_reviews(AS_OF, {desk: "return"}, " ")
    with pytest.raises(ReviewError, match="is not `message: label`"):
        parse(["T1-1 return"])
    assert parse(["T1-1: return", " ", "T2-1:pay"]) == {"T1-1": "return", "T2-1": "pay"}
    with runtime_warehouse.transaction() as connection:
        assert runtime_warehouse.read_frame(connection, "select * from scores.message_reviews").empty
