"""The CRM's files keep to the contract, and every defect in them is in the truth at about its rate."""

import numpy as np
import pyarrow.compute as pc
import pytest

from landing.contracts import load_contract
from landing.readers import read_content
from simulator.nordhaus import crm
from simulator.nordhaus.people import FIRST_DAY, People

SEED = 5


@pytest.fixture(scope="module")
def people() -> People:
    return People(SEED, 40_000)


@pytest.fixture(scope="module")
def history(people):
    new, changed = crm.daily(people, SEED, 0)
    return new, *crm.contacts(people, 0, SEED, new, changed)


@pytest.fixture
def entity(monkeypatch):
    monkeypatch.setenv("CX_DATASET", "nordhaus")
    return next(entity for entity in load_contract("crm").entities if entity.name == "contacts")


def _defects(truth, kind=None):
    return truth.filter(pc.equal(truth["defect"], kind) if kind else pc.is_valid(truth["defect"]))


def test_the_file_keeps_to_the_contract(entity, history):
    new, data, truth = history
    content = read_content(entity, data)
    assert content.added_columns == ()
    assert len(content.malformed) == _defects(truth, "extra_field").num_rows > 0
    assert content.table.num_rows + len(content.malformed) == len(new)
    keys = set(zip(content.table["contact_no"].to_pylist(), content.table["changed_at"].to_pylist(), strict=True))
    assert len(keys) == content.table.num_rows
    assert {"|".join(key) for key in keys} <= set(truth["record_key"].to_pylist())
    assert set(content.table["is_email_verified"].to_pylist()) <= {"J", "N", None}


def test_two_runs_and_another_scale_write_the_same(people, history):
    again = crm.contacts(people, 0, SEED, *crm.daily(people, SEED, 0))
    assert again[0] == history[1]
    assert again[1].equals(history[2])
    small = People(SEED, 3_000)
    lines = crm.contacts(small, 0, SEED, *crm.daily(small, SEED, 0))[0].split(b"\r\n")
    assert set(lines) <= set(history[1].split(b"\r\n"))


def test_each_row_has_its_person_in_the_truth(people, history):
    new, _, truth = history
    records = truth.filter(pc.is_null(truth["defect"]))
    assert sorted(records["person"].to_pylist()) == sorted(new.tolist())
    assert len(set(records["record_key"].to_pylist())) == records.num_rows
    order = records["person"].to_numpy()
    assert abs(np.corrcoef(order, np.arange(len(order)))[0, 1]) < 0.02


def test_every_kind_of_defect_occurs_at_about_its_rate(people, history):
    _, _, truth = history
    persons = np.flatnonzero(crm.entry_days(people, SEED)[:, 0] == 0)
    now = people.identity(persons, 0)
    umlauts = {field: pc.match_substring_regex(now[field], "[äöüßÄÖÜ]").to_numpy(False) for field in
               ("first_name", "last_name", "street", "town")}  # fmt: skip
    found = _defects(truth)
    for kind, rates in crm.DEFECTS.items():
        for field, rate in rates.items():
            hits = found.filter(pc.and_(pc.equal(found["defect"], kind), pc.equal(found["field"], field))).num_rows
            assert hits > 0, (kind, field)
            eligible = len(persons)
            if kind in ("wrong_transliteration", "mojibake"):
                eligible = umlauts[field].sum()
            if kind in ("nickname", "ocr_digits") or field == "email" or (kind, field) == ("typo", "last_name"):
                continue  # only some names, cards and digits can have it; duplicates have more typos and fewer e-mails
            expected = rate * eligible
            assert abs(hits - expected) < 5 * expected**0.5 + 0.12 * expected + 3, (kind, field, hits, expected)


def test_the_truth_names_what_differs_and_nothing_else(entity, people, history):
    _, data, truth = history
    table = read_content(entity, data).table
    key = pc.binary_join_element_wise(table["contact_no"], table["changed_at"], "|").to_pylist()
    records = truth.filter(pc.is_null(truth["defect"]))
    owner = dict(zip(records["record_key"].to_pylist(), records["person"].to_pylist(), strict=True))
    known = people.identity(np.array([owner[each] for each in key]), 0)
    wrong = {}
    for row in _defects(truth).to_pylist():
        wrong.setdefault(row["field"], set()).add(row["record_key"])
        if row["defect"] == "swapped_names":
            wrong.setdefault("first_name", set()).add(row["record_key"])
    for field in ("last_name", "first_name", "street", "town", "email", "postcode"):
        excused = wrong[field] | (wrong["address"] if field in ("street", "town", "postcode") else set())
        for at, value, true in zip(key, table[field].to_pylist(), known[field], strict=True):
            if at in excused:
                continue
            assert value == true or not true.isascii(), (field, value, true)  # cp1252 lacks some letters
    dates = known["birth_date"]
    for at, value, true in zip(key, table["birth_date"].to_pylist(), dates, strict=True):
        assert at in wrong["birth_date"] or value == f"{true[8:]}.{true[5:7]}.{true[:4]}"


def test_duplicates_have_no_email_or_a_typo_in_the_name(entity, people, history):
    new, data, _ = history
    twice = np.flatnonzero(np.bincount(new, minlength=people.n) > 1)
    assert len(twice) > 500
    table = read_content(entity, data).table
    emails = dict(zip(table["contact_no"].to_pylist(), table["email"].to_pylist(), strict=True))
    second = [emails[number] for number in people.contact_no(twice, 1) if number in emails]
    assert 0.6 < np.mean([email is None for email in second]) < 0.8


def test_days_bring_new_and_changed_contacts_in_the_right_measure(entity, people):
    counts = []
    for day in range(1, 40):
        new, changed = crm.daily(people, SEED, day)
        data, truth = crm.contacts(people, day, SEED, new, changed)
        content = read_content(entity, data)
        counts.append((len(new), len(changed), content.table.num_rows))
        minutes = {value[:10] for value in content.table["changed_at"].to_pylist()}
        when = np.datetime64(FIRST_DAY + day, "D").item()
        assert minutes == {when.strftime("%d.%m.%Y")}
    new, changed, rows = np.mean(counts, axis=0)
    assert 5 < new < 60
    assert 5 < changed < 60
    assert rows > new


def test_a_move_reaches_the_crm_late_or_never_and_the_truth_says_so(people):
    moved = np.unique(np.concatenate([people.life_events(day)["move"] for day in range(1, 30)]))
    moved = moved[crm.entry_days(people, SEED)[moved, 0] == 0]
    old = []
    for day in (31, 150):
        _, truth = crm.contacts(people, day, SEED, np.array([], dtype=int), moved)
        old.append(_defects(truth, "old_address").num_rows / len(moved))
    assert 0.4 < old[0] < 0.8
    assert 0.15 < old[1] < old[0]


def test_a_day_without_contacts_is_a_file_with_a_header(entity, people):
    data, truth = crm.contacts(people, 3, SEED, np.array([], dtype=int), np.array([], dtype=int))
    assert read_content(entity, data).table.num_rows == 0
    assert truth.num_rows == 0
