"""A model that sees only record ids and the order of records learns nothing of the person behind them."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from simulator.nordhaus import company
from simulator.nordhaus.people import People

PEOPLE, LAST = 3000, date(2025, 1, 3)
LEAST = 300  # records of different people: of fewer, chance reaches too far for a model to show anything
# Standard errors. Of about 40 tries at most one in 16,000 is beyond 4 by chance, and the seed is fixed.
BEYOND_CHANCE = 4
# What is asked for comes in the order of its cursor, then of its key.
ASKED = {
    ("shop", "accounts"): ("account_id", "updated_at"),
    ("shop", "orders"): ("order_no", "updated_at"),
    ("service", "tickets"): ("ticket_id", "updated_at"),
    ("marketing", "sends"): ("send_id", "sent_at"),
}
MODELS = {
    "boosting": HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=8, random_state=0),
    "neighbours": make_pipeline(StandardScaler(), KNeighborsClassifier(25)),
}


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> pd.DataFrame:
    """The first record of each person in each entity: record_key, its place in the delivery, person."""
    folder = tmp_path_factory.mktemp("ids")
    company.deliver(folder / "exports", folder / "company", LAST, people=PEOPLE)
    days = [pd.read_parquet(path) for path in sorted((folder / "company" / "truth" / "records").glob("*.parquet"))]
    frame = pd.concat(days).astype({"department": str, "entity": str})
    frame["place"] = frame.groupby(["department", "entity"]).cumcount()  # of files; others are asked for in order
    for (department, entity), (key, cursor) in ASKED.items():
        behind = (folder / "company" / "behind" / department / entity).glob("*.parquet")
        answers = pd.concat([pd.read_parquet(path) for path in behind]).sort_values([cursor, key])
        answers = answers.drop_duplicates(key).reset_index(drop=True)
        own = (frame["department"] == department) & (frame["entity"] == entity)
        frame.loc[own, "place"] = frame.loc[own, "record_key"].map(dict(zip(answers[key], answers.index, strict=True)))
    frame["record_key"] = frame["record_key"].str.split("|").str[0]  # the rest is the moment, no id
    return frame[frame["person"] >= 0].drop_duplicates(["department", "entity", "person"])


def features(records: pd.DataFrame) -> np.ndarray:
    """Every character of the id as a number, the id's rank, and the record's place in the delivery."""
    width = records["record_key"].str.len().max()
    letters = records["record_key"].str.ljust(width)
    columns = [letters.str[n].map(ord) for n in range(width)]
    return np.column_stack([*columns, records["record_key"].rank(), records["place"]]).astype(float)


def auc_in_standard_errors(model, known: np.ndarray, wanted: np.ndarray) -> float:
    """How far the cross-validated AUC is from 0.5, in standard errors of a blind model (Mann-Whitney)."""
    folds = KFold(3, shuffle=True, random_state=0)
    with threadpool_limits(1):  # the data is small, and threads that wait for a busy core cost minutes
        told = cross_val_predict(model, known, wanted, cv=folds, method="predict_proba")[:, 1]
    ones, zeros = wanted.sum(), (~wanted).sum()
    return (roc_auc_score(wanted, told) - 0.5) / np.sqrt((len(wanted) + 1) / (12 * ones * zeros))


def pairs(records: pd.DataFrame, household: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Differences between the ids of two people, and whether they share a home; each person is in one pair only."""
    home = household[records["person"]]
    chance = np.random.default_rng(1)
    order = np.lexsort((chance.random(len(home)), home))
    same = np.flatnonzero(home[order][1:] == home[order][:-1])
    same = same[np.diff(same, prepend=-2) > 1]  # of three at home, the first two
    mates = np.column_stack([order[same], order[same + 1]])
    others = chance.permutation(np.setdiff1d(order, mates))
    strangers = others[: len(others) // 2 * 2].reshape(-1, 2)
    both = np.vstack([mates, strangers[home[strangers[:, 0]] != home[strangers[:, 1]]]])
    known = features(records)
    return np.abs(known[both[:, 0]] - known[both[:, 1]]), home[both[:, 0]] == home[both[:, 1]]


@pytest.mark.parametrize("name", MODELS)
def test_neither_the_person_nor_the_home_can_be_predicted_from_ids(records, name):
    household = np.asarray(People(company.SEED, PEOPLE).household)
    tried = 0
    for place, own in records.groupby(["department", "entity"]):
        if len(own) < LEAST:
            continue
        is_late = own["person"].to_numpy() >= PEOPLE / 2
        assert abs(auc_in_standard_errors(MODELS[name], features(own), is_late)) < BEYOND_CHANCE, place
        known, together = pairs(own.reset_index(drop=True), household)
        if min(together.sum(), (~together).sum()) >= 50:
            assert abs(auc_in_standard_errors(MODELS[name], known, together)) < BEYOND_CHANCE, place
            tried += 1
    assert tried >= 4


@pytest.mark.parametrize("name", MODELS)
def test_the_models_see_an_id_that_does_give_its_owner_away(records, name):
    """Numbers handed out in the order of the people, with a little noise, as a careless simulator would."""
    own = records[(records["department"] == "crm")].reset_index(drop=True)
    noisy = own["person"] + np.random.default_rng(0).integers(0, 300, len(own))
    own["record_key"] = "K" + noisy.astype(str).str.zfill(8)
    assert auc_in_standard_errors(MODELS[name], features(own), own["person"].to_numpy() >= PEOPLE / 2) > 10
    known, together = pairs(own, np.asarray(People(company.SEED, PEOPLE).household))
    assert auc_in_standard_errors(MODELS[name], known, together) > BEYOND_CHANCE
