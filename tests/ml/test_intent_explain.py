"""Reasons, abstention and segments of the intent model, on fitted models and small frames."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from ml import learners
from ml.calibration import Calibrator
from ml.intent import abstain
from ml.intent.explain import contributions, reasons
from ml.intent.model import IntentModel
from ml.intent.segments import by_segment, segment_of
from ml.messages.promise import upper_bound
from runtime.settings import ROOT

WORDS = pd.read_csv(ROOT / "dbt_project" / "seeds" / "feature_words.csv")
FEATURES = ["age_band_ordinal", "baskets_28d", "recency_days", "weekend_share_84d"]
TREES = {"n_estimators": 30, "max_depth": 3, "n_jobs": 1, "random_state": 1}


def people(count: int, seed: int) -> pd.DataFrame:
    """Two weeks of customers who leave the longer they have not bought; one in five is new."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "customer_id": np.tile([f"c{n}" for n in range(count // 2)], 2),
            "as_of_date": np.repeat(pd.to_datetime(["2025-05-03", "2025-05-10"]), count // 2),
            "recency_days": np.where(random.random(count) < 0.2, np.nan, random.integers(0, 90, count)),
            "baskets_28d": random.poisson(2, count),
            "weekend_share_84d": random.random(count),
            "age_band_ordinal": random.integers(1, 7, count),
        }
    )
    chance = 1 / (1 + np.exp(2 - frame["recency_days"].fillna(60) / 25 + frame["age_band_ordinal"] / 4))
    frame["label:lapse"] = (random.random(count) < chance).astype(float)
    frame["label:buy"] = 1 - frame["label:lapse"]
    return frame


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return people(4000, 1)


@pytest.fixture(scope="module", params=["xgboost", "logistic"])
def model(request, frame) -> IntentModel:
    return fitted(request.param, frame)


def fitted(learner: str, frame: pd.DataFrame) -> IntentModel:
    numbers = frame[FEATURES].astype(float)
    made = {
        intent: learners.fit(
            learners.xgboost(FEATURES, TREES) if learner == "xgboost" else learners.logistic(FEATURES),
            numbers,
            frame[f"label:{intent}"].to_numpy(int),
        )
        for intent in ("buy", "lapse")
    }
    same = {intent: Calibrator("identity").fit(np.array([0, 1]), np.array([0, 1])) for intent in made}
    return IntentModel(learner, FEATURES, made, same, {"buy": 0.5, "lapse": 0.5})


def test_contributions_add_up_to_the_log_odds(model, frame):
    """Up to one constant, the same for everybody: what the model says of nobody in particular."""
    numbers = frame[FEATURES].astype(float).head(200)
    chance = model.pipelines["lapse"].predict_proba(numbers)[:, 1]
    rest = np.log(chance / (1 - chance)) - contributions(model, "lapse", numbers).sum(axis=1)
    assert rest.std() < 1e-4


def test_reasons_are_the_strongest_in_both_languages_and_never_the_age(model, frame):
    numbers = frame[FEATURES].astype(float).head(300)
    told = [json.loads(text) for text in reasons(model, "lapse", numbers, WORDS)]
    assert all(1 <= len(each) <= 3 for each in told)
    assert {reason["feature"] for each in told for reason in each} == set(FEATURES) - {"age_band_ordinal"}
    for each, (_, row) in zip(told, numbers.iterrows(), strict=True):
        assert [abs(reason["contribution"]) for reason in each] == sorted(
            (abs(reason["contribution"]) for reason in each), reverse=True
        )
        for reason in each:
            if reason["feature"] == "recency_days":
                is_new = np.isnan(row["recency_days"])
                english = "no purchase known" if is_new else f"last purchase {row['recency_days']:g} days ago"
                assert reason["en"].startswith(english) and reason["en"].endswith(("(for)", "(against)"))
                assert reason["de"].startswith("kein Kauf bekannt" if is_new else "letzter Kauf vor")
    late = numbers["recency_days"] > 85
    of_late = [each[0] for each, is_late in zip(told, late, strict=True) if is_late]
    assert {(reason["feature"], reason["contribution"] > 0) for reason in of_late} == {("recency_days", True)}


def test_a_share_is_told_in_percent_and_a_german_number_with_a_comma():
    model = fitted("logistic", people(400, 2))
    row = pd.DataFrame(
        {"age_band_ordinal": [3.0], "baskets_28d": [2.5], "recency_days": [1.0], "weekend_share_84d": 0.5}
    )
    (told,) = (json.loads(text) for text in reasons(model, "buy", row, WORDS))
    by_feature = {reason["feature"]: reason for reason in told}
    assert by_feature["weekend_share_84d"]["en"].startswith("50 % of the baskets at weekends")
    assert by_feature["baskets_28d"]["de"].startswith("2,5 Einkäufe in vier Wochen")


def test_every_feature_has_words_but_those_that_are_nobodys_business():
    described = yaml.safe_load((ROOT / "dbt_project/models/features/features.yml").read_text())
    columns = {column["name"] for column in described["models"][0]["columns"]}
    silent = {name for name in columns if name.endswith(("_ordinal", "_data_age_days"))} | {"is_married"}
    assert set(WORDS["feature"]) == columns - silent - {"customer_id", "as_of_date"}
    assert not WORDS.isna().any().any()


@pytest.mark.parametrize("risk", [0.15, 0.2, 0.3])
def test_the_promised_share_of_wrong_readings_is_kept_on_people_not_seen(frame, risk):
    model, promise = fitted("logistic", frame), {"risk": risk, "confidence": 0.95}
    chosen_on, seen_later = people(4000, 5), people(20000, 6)
    everybody = pd.Series(True, chosen_on.index)
    model.abstain_below = abstain.threshold(chosen_on, everybody, model, promise)
    kept = abstain.kept(seen_later, pd.Series(True, seen_later.index), model, promise)
    assert kept["abstention/share_wrong"] <= risk and kept["abstention/is_broken"] == 0
    assert 0.02 < kept["abstention/share_read"] <= 1
    assert kept["abstention/customers_read"] < 10001, "of each customer one week counts"


def test_what_cannot_be_promised_is_never_said(frame):
    model = fitted("logistic", frame)
    everybody = pd.Series(True, frame.index)
    model.abstain_below = abstain.threshold(frame, everybody, model, {"risk": 0.001, "confidence": 0.95})
    assert model.abstain_below > 1
    kept = abstain.kept(frame, everybody, model, {"risk": 0.001, "confidence": 0.95})
    assert kept["abstention/share_read"] == kept["abstention/share_wrong"] == 0
    assert upper_bound(0, 10, 0.95) == pytest.approx(1 - 0.05**0.1)


def test_segments_are_cut_named_and_compared_with_their_own_base_rate(frame):
    names = segment_of(pd.DataFrame({"tenure": [0.0, 83.0, 84.0, 200.0, np.nan]}), "tenure", [84, 168])
    assert names.tolist() == ["below 84", "below 84", "84 to 168", "168 and above", "unknown"]
    model = fitted("logistic", frame)
    cut = {"recency": {"feature": "recency_days", "edges": [45]}, "absent": {"feature": "nothing", "edges": [1]}}
    figures = by_segment(frame, pd.Series(True, frame.index), model, cut)
    groups = {name.split("/")[2] for name in figures}
    assert groups == {"below_45", "45_and_above", "unknown"}
    assert sum(figures[f"segment/recency/{group}/rows"] for group in groups) == len(frame)
    few = by_segment(frame.head(150), pd.Series(True, frame.index[:150]), model, cut)
    assert few == {}
