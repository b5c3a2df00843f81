"""Train, promote and score intents on the real embedded PostgreSQL and a real MLflow store."""

from datetime import date, timedelta

import pandas as pd
import pytest

from ml import registry
from ml.due import is_due
from ml.frames import EmptyFrame, content_hash, current_features
from ml.intent import frame as labelled
from ml.intent.model import intent_settings
from ml.intent.promote import promote_intent
from ml.intent.score import score_intent, scores
from ml.intent.train import train_intent
from runtime import warehouse as runtime_warehouse
from runtime.checksums import checksums
from tests.ml.company import AS_OF, CUSTOMERS, INTENTS
from tests.ml.fixtures import fresh_store

MODEL = "cx_intent"


@pytest.fixture(scope="module")
def version(company, mlflow_store):
    """The first version, trained; it waits for its verdict."""
    return train_intent(AS_OF)


@pytest.fixture(scope="module")
def champion(version):
    """The first version, promoted."""
    assert promote_intent(AS_OF).is_promoted
    return version


def rows(query: str) -> pd.DataFrame:
    with runtime_warehouse.transaction() as connection:
        return runtime_warehouse.read_frame(connection, query)


def run(statement: str) -> None:
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def artifacts(run_id: str, path: str | None = None) -> set[str]:
    from mlflow import MlflowClient

    found = set()
    for entry in MlflowClient().list_artifacts(run_id, path):
        found |= artifacts(run_id, entry.path) if entry.is_dir else {entry.path}
    return found


def test_before_training_everything_says_what_is_missing(company, empty_registry, tmp_path):
    with fresh_store(empty_registry, tmp_path):
        assert is_due(MODEL, AS_OF)
        with pytest.raises(registry.RegistryError, match="has no champion"):
            score_intent(AS_OF)
        with pytest.raises(registry.RegistryError, match="Train it first"):
            promote_intent(AS_OF)


def test_a_run_compares_all_learners_on_the_same_weeks_and_shows_it(version):
    figures = registry.metrics(version)
    for group in (*INTENTS, "macro"):
        for learner in ("xgboost", "logistic", "recency_frequency"):
            for metric in ("pr_auc", "roc_auc", "log_loss", "brier", "ece"):
                assert f"{group}/{learner}/{metric}" in figures
        for rival in ("logistic", "recency_frequency"):
            gain = f"{group}/gain_over_{rival}/log_loss"
            assert figures[f"{gain}_low"] <= figures[gain] <= figures[f"{gain}_high"]
    assert figures["macro/gain_over_recency_frequency/log_loss_low"] > 0, "taste is in the features, so it must win"
    logged = artifacts(version.run_id)
    assert "plots/overview.png" in logged and "model_card.md" in logged
    for intent in INTENTS:
        assert {f"plots/{intent}_{kind}.png" for kind in ("reliability", "precision_recall", "importance")} <= logged


def test_training_again_gives_the_same_version(version):
    assert train_intent(AS_OF).version == version.version
    assert len(registry.versions(MODEL)) == 1


def test_a_killed_try_leaves_no_version_and_its_run_is_closed(company, empty_registry, tmp_path, monkeypatch):
    import mlflow

    with fresh_store(empty_registry, tmp_path):
        monkeypatch.setattr(registry, "register", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train_intent(AS_OF)
        assert registry.versions(MODEL) == []
        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name(MODEL).experiment_id
        client.update_run(client.search_runs([experiment])[0].info.run_id, status="RUNNING")  # as kill -9 leaves it
        monkeypatch.undo()
        assert train_intent(AS_OF).version == "1"
        assert sorted(run.info.status for run in client.search_runs([experiment])) == ["FINISHED", "KILLED"]


def test_no_customer_id_reaches_mlflow(version, mlflow_store):
    files = [path for path in mlflow_store.rglob("*") if path.is_file()]
    assert any(path.name == "model_card.md" for path in files) and any(path.suffix == ".skops" for path in files)
    assert [str(path) for path in files if b"customer-0" in path.read_bytes()] == []


def test_the_registered_model_answers_with_probabilities(version):
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(version.uri)
    example = model.input_example
    answer = model.predict(example)
    assert list(answer.columns) == list(INTENTS)
    assert ((answer > 0) & (answer < 1)).all().all() and answer.to_numpy().std() > 0
    assert model.metadata.signature.outputs is not None


def test_the_first_champion_has_beaten_the_baseline(champion):
    assert registry.champion(MODEL).version == champion.version
    assert registry.aliased(MODEL, registry.CHALLENGER) is None
    history = rows("select * from scores.model_history order by alias")
    assert history["alias"].tolist() == ["champion", "challenger"] or set(history["alias"]) == {
        "champion",
        "challenger",
    }
    promoted = history[history["alias"] == "champion"].iloc[0]
    assert promoted["reason"].startswith("promoted: gain in log-loss over the recency_frequency baseline")
    assert promoted["promoted_by"] == "promotion rule" and "gain_low" in promoted["evidence"]
    assert promote_intent(AS_OF) is None, "nobody waits any more"


def test_it_is_due_again_after_the_days_in_the_settings(champion):
    days = intent_settings().retrain_after_days
    assert not is_due(MODEL, AS_OF)
    assert not is_due(MODEL, AS_OF + timedelta(days=days - 1))
    assert is_due(MODEL, AS_OF + timedelta(days=days))
    with pytest.raises(ValueError, match="There is no model cx_unknown"):
        is_due("cx_unknown", AS_OF)


def test_scores_are_complete_ranked_and_repeatable(champion):
    assert score_intent(AS_OF) == CUSTOMERS * len(INTENTS)
    before = checksums(["scores"])
    score_intent(AS_OF)
    assert checksums(["scores"]) == before
    scored = rows("select * from scores.intent_scores")
    assert (scored.groupby("customer_id")["is_top"].sum() == 1).all()
    top = scored[scored["is_top"]].set_index("customer_id")["probability"]
    assert (top == scored.groupby("customer_id")["probability"].max()).all()
    assert scored["model_version"].eq(champion.version).all()
    assert scored["data_as_of"].eq(pd.Timestamp(AS_OF) - pd.Timedelta(days=5)).all(), "the oldest data is crm's"


def test_the_top_intent_carries_its_reasons_in_plain_words(champion):
    score_intent(AS_OF)
    told = rows("select is_top, reasons from scores.intent_scores")
    assert told.loc[told["is_top"], "reasons"].notna().all()
    assert told.loc[~told["is_top"], "reasons"].isna().all()
    assert (
        told["reasons"].str.contains("letzter Kauf vor").any() and told["reasons"].str.contains("last purchase").any()
    )


def test_the_run_says_what_was_promised_and_how_it_fares_by_group(version):
    figures = registry.metrics(version)
    assert figures["abstention/promised_risk"] == intent_settings().abstention["risk"]
    assert registry.load(version).abstain_below == figures["abstention/threshold"]
    assert 0.5 < figures["leak/strongest_single_column_auc"] < 0.97


def test_a_doubtful_customer_is_abstained_from_in_every_row(champion):
    with runtime_warehouse.transaction() as connection:
        features = current_features(connection, AS_OF)
    model = registry.load(champion)
    model.abstain_below = 0.6
    scored = scores(features, model, champion).groupby("customer_id")
    doubtful = scored["probability"].max() < 0.6
    assert doubtful.any() and not doubtful.all()
    assert (scored["abstained"].all() == doubtful).all() and (scored["abstained"].any() == doubtful).all()


def test_a_day_without_features_is_an_error(champion):
    with pytest.raises(EmptyFrame, match="no rows for 2016-01-01"):
        score_intent(date(2016, 1, 1))
    with pytest.raises(EmptyFrame, match="no complete label on 2016-01-01"):
        train_intent(date(2016, 1, 1))


def test_a_feature_that_vanished_is_named(champion):
    run("alter table features.customer_features rename column taste to appetite")
    try:
        with pytest.raises(EmptyFrame, match="lacks taste"):
            score_intent(AS_OF)
    finally:
        run("alter table features.customer_features rename column appetite to taste")


def test_what_was_not_known_on_the_day_is_not_in_the_frame(company):
    past = date(2017, 12, 1)
    with runtime_warehouse.transaction() as connection:
        before = labelled.labelled_frame(connection, past)
        with connection.cursor() as cursor:
            # The future talks: features of later days, and labels whose horizon ends after the day.
            cursor.execute("update features.customer_features set taste = 99 where as_of_date > '2017-11-03'")
            cursor.execute("update features.intent_labels set label = 1 where as_of_date > '2017-11-03'")
        after = labelled.labelled_frame(connection, past)
        connection.rollback()
    assert (before["known_date"] <= pd.Timestamp(past)).all()
    assert content_hash(before) == content_hash(after)
    split = labelled.split(before, past, intent_settings())
    assert before.loc[split.train, "known_date"].max() <= before.loc[split.validation, "as_of_date"].min()
    assert before.loc[split.validation, "known_date"].max() <= before.loc[split.test, "as_of_date"].min()


def test_labels_and_data_ages_are_no_features(company):
    with runtime_warehouse.transaction() as connection:
        features = labelled.features_of(labelled.labelled_frame(connection, AS_OF))
    assert "taste" in features
    assert not [
        name for name in features if "label" in name or "age_days" in name or name in ("known_date", "customer_id")
    ]


def test_a_worse_challenger_is_refused_with_the_figures(champion):
    """Somebody spoils the labels of the weeks to train on; the held-out weeks tell."""
    run("create table features.kept as select * from features.intent_labels")
    try:
        run("update features.intent_labels set label = 1 - label where as_of_date < '2017-10-20'")
        worse = train_intent(AS_OF)
        assert worse.version != champion.version
        assert registry.aliased(MODEL, registry.CHALLENGER).version == worse.version
        verdict = promote_intent(AS_OF, promoted_by="an auditor")
    finally:
        run("drop table features.intent_labels")
        run("alter table features.kept rename to intent_labels")
    assert not verdict.is_promoted
    assert verdict.reason.startswith(f"refused: gain in log-loss over champion version {champion.version}")
    assert verdict.evidence["gain_high"] < 0
    assert registry.champion(MODEL).version == champion.version
    refused = rows("select * from scores.model_history where alias = 'refused'")
    assert refused["version"].tolist() == [worse.version] and refused["promoted_by"].tolist() == ["an auditor"]


def test_without_any_pattern_the_baseline_serves_and_says_so(company, empty_registry, tmp_path):
    """Labels without any pattern: there is nothing to learn, so what everybody in retail knows serves."""
    run("create table features.kept as select * from features.intent_labels")
    try:
        run("update features.intent_labels set label = (hashtext(customer_id || as_of_date || intent) & 1)")
        with fresh_store(empty_registry, tmp_path):
            challenger = train_intent(AS_OF)
            assert registry.metrics(challenger)["macro/gain_over_recency_frequency/log_loss_low"] <= 0
            verdict = promote_intent(AS_OF)
            assert verdict.is_promoted
            assert verdict.reason == (
                "promoted: no learner beat the recency_frequency baseline, so the baseline serves"
            )
            assert registry.load(registry.champion(MODEL)).learner == "recency_frequency"
            assert score_intent(AS_OF) == CUSTOMERS * len(INTENTS)
    finally:
        run("drop table features.intent_labels")
        run("alter table features.kept rename to intent_labels")


@pytest.mark.parametrize("statement", ["delete from", "truncate", "update"])
def test_the_history_of_models_is_append_only(champion, statement):
    tail = " set reason = ''" if statement == "update" else ""
    with pytest.raises(Exception, match="append-only"):
        run(f"{statement} scores.model_history{tail}")
