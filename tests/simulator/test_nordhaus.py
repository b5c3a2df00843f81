"""The world is one: the same by seed, at any size, after any interruption; and nothing in it gives itself away."""

import hashlib
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from landing.contracts import load_contract
from landing.readers import Refused, read_content
from simulator.nordhaus import catalogue, company, effects
from simulator.nordhaus.state import State
from simulator.nordhaus.world import World

PEOPLE, LAST = 256, date(2025, 1, 24)


def digest(folder: Path) -> dict[str, str]:
    """What is in a folder, byte by byte."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "state.npz"
    }


def truth(folder: Path) -> pa.Table:
    return pa.concat_tables(
        [pq.read_table(path) for path in sorted((folder / "truth" / "records").glob("*.parquet"))]
    ).unify_dictionaries()


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("nordhaus")
    company.deliver(folder / "exports", folder / "company", LAST, people=PEOPLE)
    return folder


def test_two_runs_give_the_same_bytes_however_often_they_were_interrupted(played, tmp_path):
    for until in (date(2025, 1, 3), date(2025, 1, 11), LAST, LAST):
        company.deliver(tmp_path / "exports", tmp_path / "company", until, people=PEOPLE)
    assert digest(tmp_path) == digest(played)


def test_a_day_that_was_written_but_not_closed_is_written_again_the_same(played, tmp_path):
    company.deliver(tmp_path / "exports", tmp_path / "company", date(2025, 1, 10), people=PEOPLE)
    evening = (tmp_path / "company" / "state.npz").read_bytes()
    company.deliver(tmp_path / "exports", tmp_path / "company", date(2025, 1, 11), people=PEOPLE)
    (tmp_path / "company" / "state.npz").write_bytes(evening)  # killed before the state was saved
    company.deliver(tmp_path / "exports", tmp_path / "company", LAST, people=PEOPLE)
    assert digest(tmp_path) == digest(played)


def test_the_first_people_live_the_same_lives_in_a_larger_world(played, tmp_path):
    company.deliver(tmp_path / "exports", tmp_path / "company", LAST, people=PEOPLE * 2)
    small, large = truth(played / "company").to_pandas(), truth(tmp_path / "company").to_pandas()
    columns = ["department", "entity", "person", "record_key", "defect"]
    small, large = (frame[frame["person"].between(0, PEOPLE - 1)][columns] for frame in (small, large))
    assert len(small) > 2000
    ours = small.sort_values(columns).reset_index(drop=True).astype(str)
    theirs = large.sort_values(columns).reset_index(drop=True).astype(str)
    assert ours.equals(theirs)


def test_every_file_is_what_its_contract_says(played, monkeypatch):
    monkeypatch.setenv("CX_DATASET", "nordhaus")
    seen, refused = set(), []
    for department in ("crm", "web", "app", "till", "feedback", "consent", "devices"):
        for entity in load_contract(department).entities:
            stem = entity.path.split("{date}")[0]
            for path in sorted((played / "exports").rglob("*")):
                if path.is_file() and str(path.relative_to(played / "exports")).startswith(stem):
                    try:
                        content = read_content(entity, path.read_bytes())
                    except Refused as refusal:
                        refused.append((path.name, str(refusal)))
                        continue
                    assert content.added_columns == ()
                    seen.add((department, entity.name))
    assert refused == []
    assert len(seen) >= 8


def test_ids_say_nothing_of_their_owner(played):
    """A rank correlation between an id and the person behind it would let anybody read the truth off the data."""
    frame = truth(played / "company").to_pandas()
    frame = frame[frame["person"] >= 0].drop_duplicates(["department", "entity", "record_key"])
    for (department, entity), records in frame.groupby(["department", "entity"], observed=True):
        if len(records) < 200:
            continue
        rank = records["record_key"].rank().to_numpy()
        correlation = np.corrcoef(rank, records["person"])[0, 1]
        assert abs(correlation) < 4 / np.sqrt(len(records["person"].unique())), (department, entity)


def test_counterfactuals_come_from_the_same_world():
    """Each action's mean outcome over many people is what its probabilities promise; doing nothing does nothing."""
    world = World(seed=7, n=20_000)
    for _ in range(12):
        world.end(world.live())
    everybody = np.arange(world.n)
    truth = world.effects(everybody)
    day = world.state.day + 1
    for number, name in enumerate(effects.NAMES):
        action = np.full(world.n, number)
        responds, annoyed = effects.outcomes(7, day, everybody, action, truth)
        expected = truth.response[:, number].mean()
        assert abs(responds.mean() - expected) < 4 * np.sqrt(expected / world.n) + 1e-9, name
        assert not annoyed[truth.annoyance[:, number] == 0].any()
    nothing = effects.NAMES.index("no_action")
    assert np.allclose(truth.value_eur[:, nothing], 0, atol=1e-9)
    best = truth.value_eur.argmax(axis=1)
    assert len(np.unique(best)) >= 5, "different people need different actions"
    assert (truth.value_eur < 0).any(axis=0).sum() >= 8, "most actions harm somebody"


def test_actions_change_what_people_do():
    """The same world with and without offers: who responds buys on the announced day."""
    worlds = [World(seed=3, n=4000), World(seed=3, n=4000)]
    for world in worlds:
        for _ in range(5):
            world.end(world.live())
    everybody = np.arange(4000)
    action = np.full(4000, effects.NAMES.index("newsletter_offer"))
    bought = []
    for world, who in zip(worlds, (everybody[:0], everybody), strict=True):
        total, chosen = 0, (who, action[: len(who)])
        for _ in range(10):
            happened = world.live(*chosen)
            total += len(happened.online.person) + len(happened.in_branch.person)
            world.end(happened)
            chosen = (who[:0], action[:0])
        bought.append(total)
    assert bought[1] > bought[0]


def test_the_evening_is_saved_whole(tmp_path):
    world = World(seed=5, n=128)
    for _ in range(4):
        world.end(world.live())
    world.state.save(tmp_path / "state.npz")
    again = State.load(tmp_path / "state.npz")
    assert again.day == 3
    for name, values in vars(world.state).items():
        if name not in ("day", "orders"):
            assert np.array_equal(values, getattr(again, name)), name
    assert {name: len(values) for name, values in again.orders.items()} == {
        name: len(values) for name, values in world.state.orders.items()
    }


def test_incidents_show_in_what_people_do():
    days = {kind: (one.first, one.last) for kind, one in catalogue.INCIDENTS.items()}
    assert all(0 < first <= last < catalogue.HISTORY_DAYS for first, last in days.values())
    assert catalogue.demand_factor(41) > 1.3 * catalogue.demand_factor(48)
