"""A column that knows the outcome is found and refused by name; an honest one is not."""

import numpy as np
import pandas as pd
import pytest

from ml.intent.train import train_intent
from ml.leaks import LeakFound, leaks, refuse_leaks
from runtime import warehouse as runtime_warehouse
from tests.ml.company import AS_OF

LIMITS = {"highest_auc": 0.97, "filled_auc": 0.65, "emptied_share": 0.5}


@pytest.fixture
def known():
    """2,000 past rows of which a third did it, and 500 of today of whom nobody knows it yet."""
    random = np.random.default_rng(3)
    label = (random.random(2000) < 0.3).astype(float)
    honest = label + random.normal(size=2000)
    told = random.random(2500) < 0.2
    past = pd.DataFrame({"honest": honest, "told": np.where(told[:2000], 1.0, np.nan)})
    newest = pd.DataFrame({"honest": random.normal(size=500), "told": np.where(told[2000:], 1.0, np.nan)})
    return past, {"buy": label}, newest, random


def found(past, labels, newest):
    return {leak.column for leak in leaks(past, labels, newest, list(past), LIMITS)}


def test_honest_columns_pass_however_often_they_are_missing(known):
    past, labels, newest, _ = known
    assert found(past, labels, newest) == set()
    refuse_leaks([])


def test_a_copy_of_the_outcome_is_named(known):
    past, labels, newest, random = known
    past["copied"] = labels["buy"] * 10 + random.random(2000)
    newest["copied"] = random.random(500)
    assert found(past, labels, newest) == {"copied"}


def test_a_column_filled_after_the_outcome_of_some_is_named(known):
    """Filled for half of those who did it: alone it is too weak to be noticed, but today nobody has it."""
    past, labels, newest, random = known
    past["survey_sent"] = np.where((labels["buy"] == 1) & (random.random(2000) < 0.5), 1.0, np.nan)
    newest["survey_sent"] = np.nan
    (leak,) = leaks(past, labels, newest, list(past), LIMITS)
    assert leak.column == "survey_sent" and "0.0% of today's" in leak.why


def test_a_column_that_began_lately_or_ended_without_following_the_outcome_passes(known):
    past, labels, newest, random = known
    past["ended"] = np.where(random.random(2000) < 0.5, 1.0, np.nan)
    newest["ended"] = np.nan
    past["began"] = np.nan
    newest["began"] = 1.0
    assert found(past, labels, newest) == set()


def test_an_undefined_label_counts_for_nothing(known):
    past, labels, newest, _ = known
    labels["buy"][:500] = np.nan
    assert found(past, labels, newest) == set()


def test_training_refuses_a_planted_leak_by_name(company, mlflow_store):
    """An agent's note that is written once somebody has stayed away; it stands in the features of before."""
    plant = """
        alter table features.customer_features add column farewell_note_chars integer;
        update features.customer_features f set farewell_note_chars = 40 + length(f.customer_id)
        from features.intent_labels l
        where l.customer_id = f.customer_id and l.as_of_date = f.as_of_date and l.intent = 'lapse' and l.label = 1
    """
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(plant)
    try:
        with pytest.raises(LeakFound, match="farewell_note_chars knows lapse"):
            train_intent(AS_OF)
    finally:
        with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
            cursor.execute("alter table features.customer_features drop column farewell_note_chars")
