"""Train and promote the response model on later campaigns; where nothing beats it, the base rate serves."""

import pandas as pd
import pytest

from ml import registry
from ml.nba import card
from ml.nba import frame as contacts
from ml.nba.fit import BASE_RATE
from ml.nba.model import nba_settings
from ml.nba.promote import promote_response
from ml.nba.train import serving, train_response
from runtime import warehouse as runtime_warehouse
from tests.ml.company import AS_OF
from tests.ml.decided import run
from tests.ml.fixtures import fresh_store

MODEL = "cx_response"


@pytest.fixture(scope="module")
def version(company, mlflow_store):
    return train_response(AS_OF)


def test_the_response_model_is_measured_on_campaigns_that_started_after_training_ended(version):
    figures = registry.metrics(version)
    for learner in ("xgboost", "logistic", BASE_RATE):
        assert {f"response/{learner}/{m}" for m in ("pr_auc", "roc_auc", "log_loss", "brier", "ece")} <= set(figures)
        assert f"foretold/{learner}/log_loss" in figures
    assert figures["response/gain_over_action_base_rate/log_loss_low"] > 0
    with runtime_warehouse.transaction() as connection:
        frame = contacts.response_frame(connection, AS_OF)
    before, test = contacts.split(frame, AS_OF, nba_settings())
    assert frame.loc[before, "ends_date"].max() <= frame.loc[test, "starts_date"].min()
    assert frame["ends_date"].max() <= pd.Timestamp(AS_OF)
    assert (frame["as_of_date"] < frame["starts_date"]).all()
    assert not {"responded", "campaign_id", "starts_date", "ends_date"} & set(contacts.features_of(frame))


def test_the_run_says_that_a_propensity_is_no_uplift(version):
    from mlflow import MlflowClient

    assert card.NOT_UPLIFT in MlflowClient().get_run(version.run_id).data.tags["mlflow.note.content"]
    assert card.NOT_UPLIFT in MlflowClient().get_model_version(MODEL, version.version).description


def test_training_the_response_again_gives_the_same_version(version):
    assert train_response(AS_OF).version == version.version == "1"


def test_a_learner_that_fails_on_later_campaigns_does_not_serve():
    gain = f"response/gain_over_{BASE_RATE}/log_loss_low"
    assert serving("xgboost", {gain: 0.001}) == "xgboost"
    assert serving("xgboost", {gain: -0.001}) == BASE_RATE


def test_without_any_pattern_the_base_rate_serves_and_says_so(company, empty_registry, tmp_path):
    run("create table features.kept as select * from features.campaign_responses")
    try:
        run("update features.campaign_responses set responded = hashtext(customer_id || campaign_id || 'coin') & 1")
        with fresh_store(empty_registry, tmp_path):
            version = train_response(AS_OF)
            verdict = promote_response(AS_OF)
            assert registry.load(version).learner == BASE_RATE
            assert verdict.is_promoted and "no learner beat the base rate" in verdict.reason
    finally:
        run("drop table features.campaign_responses")
        run("alter table features.kept rename to campaign_responses")
