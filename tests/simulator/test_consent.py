"""Consent is told in records that contradict, come late or twice, and the truth of every day can be asked."""

import json

import numpy as np
import pyarrow.compute as pc
import pytest

from landing.contracts import load_contract
from landing.readers import read_content
from simulator.nordhaus import consent
from simulator.nordhaus.people import People

SEED, DAYS = 5, 40


@pytest.fixture(scope="module")
def people() -> People:
    return People(SEED, 15_000)


@pytest.fixture(scope="module")
def played(people):
    state = consent.Consent(people, SEED)
    return state, [state.changes(day) for day in range(DAYS)], [state.erasure_requests(day) for day in range(DAYS)]


def _records(data: bytes) -> list[dict]:
    return [json.loads(line) for line in data.decode().splitlines()]


def test_files_keep_to_the_contract(played, monkeypatch):
    monkeypatch.setenv("CX_DATASET", "nordhaus")
    changes, requests = load_contract("consent").entities
    for entity, days in ((changes, played[1]), (requests, played[2])):
        filled = [(data, truth) for data, truth in days if data]
        assert filled
        for data, truth in filled:
            content = read_content(entity, data)
            assert not content.malformed
            assert content.added_columns == ()
            records = truth.filter(pc.is_null(truth["defect"]))
            assert content.table[entity.keys[0]].to_pylist() == records["record_key"].to_pylist()


def test_two_runs_are_the_same(people, played):
    again = consent.Consent(people, SEED)
    assert [again.changes(day)[0] for day in range(5)] == [data for data, _ in played[1][:5]]


def test_the_truth_follows_from_the_records(people, played):
    state, days, _ = played
    told: dict[tuple, tuple] = {}
    for data, truth in days:
        owners = truth.filter(pc.is_null(truth["defect"]))["person"].to_pylist()
        for person, record in zip(owners, _records(data), strict=True):
            key = (person, record["purpose"], record["channel"])
            said = (record["changed_at"], not record["is_granted"])  # of one second, the withdrawal counts
            told[key] = max(told.get(key, ("", False)), said)
    persons, wrong, asked = np.arange(people.n), 0, 0
    for purpose, channel in consent.CELLS:
        allowed = state.allowed(persons, purpose, channel, DAYS - 1)
        for person in persons:
            last = told.get((person, purpose, channel))
            asked += 1
            wrong += (last is not None and not last[1]) != allowed[person]
    assert wrong < 0.002 * asked  # records still on their way, and the forgotten


def test_every_defect_is_in_the_truth(played):
    kinds = set()
    for _, truth in played[1]:
        kinds |= set(truth["defect"].to_pylist())
    assert kinds - {None} == set(consent.DEFECTS)


def test_contradictions_stand_in_the_same_second(played):
    twins = 0
    for data, truth in played[1]:
        records = {record["change_id"]: record for record in _records(data)}
        for key in truth.filter(pc.equal(truth["defect"], "contradiction"))["record_key"].to_pylist():
            twin = records[key]
            same = [each for each in records.values() if each["changed_at"] == twin["changed_at"]]
            assert {each["is_granted"] for each in same} == {True, False}
            twins += 1
    assert twins


def test_pressure_drives_people_away(people):
    left = []
    for pressure in (0, 6):
        state = consent.Consent(people, SEED)
        state.changes(0)
        for day in range(1, 15):
            state.changes(day, np.full(people.n, pressure))
        left.append(state.allowed(np.arange(people.n), "marketing", "email", 14).mean())
    assert left[1] < left[0] - 0.003


def test_who_is_forgotten_allows_nothing_more(people, played):
    state = played[0]
    gone = np.concatenate([state.erased_on(day) for day in range(DAYS)])
    assert len(gone) > 3
    for purpose, channel in consent.CELLS:
        assert not state.allowed(gone, purpose, channel, DAYS).any()


def test_an_unconfirmed_newsletter_is_no_consent(people, played):
    state, days, _ = played
    signed, confirmed = set(), set()
    for data, truth in days:
        owners = truth.filter(pc.is_null(truth["defect"]))["person"].to_pylist()
        for person, record in zip(owners, _records(data), strict=True):
            signed |= {person} if record.get("source") == "newsletter_signup" else set()
            confirmed |= {person} if record.get("source") == "double_opt_in" else set()
    pending = np.array(sorted(signed - confirmed))
    assert len(pending) > 5
    assert not state.allowed(pending, "marketing", "email", DAYS - 1).any()
