"""The latent persons are the same in a world of any size, live plausible lives, and their ids say nothing of them."""

from collections import Counter

import numpy as np
import pytest

from simulator.nordhaus import lives, places
from simulator.nordhaus.people import FIRST_DAY, IDENTITY, People

SEED = 11


@pytest.fixture(scope="module")
def people() -> People:
    return People(SEED, 20_000)


@pytest.fixture(scope="module")
def city() -> People:
    return People(SEED, 100_000)


def _same(left: dict, right: dict) -> bool:
    return all((left[field] == right[field]).all() for field in IDENTITY)


@pytest.mark.parametrize("n", [1, 37, 5_000])
def test_the_first_persons_are_the_same_at_another_scale(people, n):
    small, persons = People(SEED, n), np.arange(n)
    for day in (0, 90, 700):
        assert _same(small.identity(persons, day), people.identity(persons, day))
    for name in ("household", "language", "sex", "birth_day", "has_account", "has_card", "has_app", "has_device"):
        assert (getattr(small, name) == getattr(people, name)[:n]).all()
    for ids in ("account_id", "card_no", "contact_no", "install_id", "serial_no"):
        assert (getattr(small, ids)(persons) == getattr(people, ids)(persons)).all()
    assert (small.visitor_ids(persons, 5, 1) == people.visitor_ids(persons, 5, 1)).all()


def test_another_seed_is_another_world(people):
    persons = np.arange(people.n)
    other = People(SEED + 1, people.n).identity(persons, 0)["email"]
    assert (other == people.identity(persons, 0)["email"]).mean() < 0.01


def test_a_day_per_person_gives_what_one_day_for_all_gives(people):
    persons = np.arange(2_000)
    days = persons % 3 * 400
    mixed = people.identity(persons, days)
    for day in (0, 400, 800):
        some = days == day
        assert _same({field: mixed[field][some] for field in IDENTITY}, people.identity(persons[some], day))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("move", ("street", "postcode")),
        ("new_name", ("last_name",)),
        ("new_phone", ("phone",)),
        ("new_email", ("email",)),
    ],
)
def test_a_life_event_shows_from_its_day_on_and_not_before(people, kind, fields):
    for day in (1, 45, 180):
        persons = people.life_events(day)[kind]
        if kind == "new_phone":
            persons = persons[~people.uses_landline[persons]]
        if kind == "new_email":
            persons = persons[~people.shares_email[persons]]
        before, after = people.identity(persons, day - 1, fields), people.identity(persons, day, fields)
        assert np.logical_or.reduce([before[field] != after[field] for field in fields]).all()


def test_nothing_changes_without_a_life_event(people):
    before, after = (people.identity(np.arange(people.n), day) for day in (59, 60))
    events = people.life_events(60)
    changed = np.logical_or.reduce([before[field] != after[field] for field in IDENTITY])
    touched = np.concatenate(list(events.values()))
    touched = np.concatenate([touched, np.flatnonzero(people.shares_email & np.isin(people.household, touched))])
    assert set(np.flatnonzero(changed)) <= set(touched)
    assert 0 < changed.sum() < 0.01 * people.n


def test_a_bride_has_one_name_before_and_another_after_her_wedding(people):
    married = [(day, person) for day in range(1, 200) for person in people.life_events(day)["new_name"]]
    assert len(married) > 20
    for day, person in married[:20]:
        person = np.array([person])
        names = [people.identity(person, when)["last_name"][0] for when in (0, day - 1, day, day + 300)]
        assert names[0] == names[1] != names[2] == names[3]


def test_rates_of_a_year_are_plausible(people):
    kinds = ("move", "marriage", "new_phone", "new_email")
    shares = {kind: (people.event_days(kind) <= 365).any(axis=1).mean() for kind in kinds}
    assert 0.05 < shares["move"] < 0.15
    assert 0.01 < shares["marriage"] < 0.04
    assert 0.1 < shares["new_phone"] < 0.15
    assert 0.04 < shares["new_email"] < 0.08
    assert min(people.event_days(kind).min() for kind in kinds) >= 1


def test_households_hold_one_to_five_persons_at_one_address(people):
    members = Counter(people.household.tolist())
    assert set(members.values()) == {1, 2, 3, 4, 5}
    known = people.identity(np.arange(people.n), 0)
    assert (known["street"] == known["street"][people.household]).all()
    children = np.flatnonzero(people.role == lives.CHILD)
    assert (people.birth_day[children] > people.birth_day[people.household[children]] + 17 * 365).all()


def test_there_are_juniors_and_twins_and_family_mailboxes(people):
    known = people.identity(np.arange(people.n), 0)
    full = known["first_name"] + " " + known["last_name"]
    children = np.flatnonzero(people.role == lives.CHILD)
    assert (full[children] == full[people.household[children]]).sum() > 20
    later = children[1:][(np.diff(children) == 1) & (np.diff(people.household[children]) == 0)]
    twins = later[people.birth_day[later] == people.birth_day[later - 1]]
    assert len(twins) > 20
    assert (full[twins] != full[twins - 1]).mean() > 0.9
    shared = people.shares_email
    assert (known["email"][shared] == known["email"][people.household[shared]]).all()
    assert len(set(known["email"][~shared])) == (~shared).sum()


def test_names_and_towns_have_a_long_tail(people):
    known = people.identity(np.arange(people.n), 0)
    for field, most in (("first_name", 0.02), ("last_name", 0.012), ("town", 0.08), ("street", 0.01)):
        counts = Counter(known[field].tolist())
        assert counts.most_common(1)[0][1] < most * people.n
        assert sum(count == 1 for count in counts.values()) > 300
    letters = set("".join(known["last_name"]))
    assert set("äöüß-ćłğ") <= letters
    assert any(name.startswith(("von ", "zu ", "Freiherr", "Freifrau")) for name in known["last_name"])
    assert 0.8 < (people.language == 0).mean() < 0.9


def test_a_town_has_only_its_own_postcodes(people):
    known = people.identity(np.arange(people.n), 0)
    towns = places.towns()
    for town, start, stop in (("Köln", "50667", "51149"), ("Graz", "8010", "8055"), ("Leipzig", "04103", "04357")):
        codes = known["postcode"][known["town"] == town]
        assert len(codes)
        assert all(start <= code <= stop for code in codes)
    assert set(known["town"]) <= set(towns.name)
    austrian = known["country"] == "AT"
    assert {len(code) for code in known["postcode"][austrian]} == {4}
    assert {len(code) for code in known["postcode"][~austrian]} == {5}


def test_ages_are_those_of_customers(people):
    age = people.age(0)
    assert age.min() >= 15
    assert age.max() < 100
    assert (people.age(0) == ((FIRST_DAY - people.birth_day) / 365.2425).astype(int)).all()
    assert np.bincount(people.birth_day - people.birth_day.min()).max() < 20  # no day is favoured


@pytest.mark.parametrize("ids", ["account_id", "card_no", "contact_no", "install_id", "serial_no", "visitor_ids"])
def test_ids_are_unique_and_say_nothing_of_the_person(city, ids):
    persons = np.arange(city.n)
    made = city.visitor_ids(persons, 3) if ids == "visitor_ids" else getattr(city, ids)(persons)
    assert len(set(made)) == city.n
    rank = np.argsort(np.argsort(made))
    assert abs(np.corrcoef(rank, persons)[0, 1]) < 0.02
    assert abs(np.corrcoef(rank, city.household)[0, 1]) < 0.02


def test_contacts_of_one_person_have_unrelated_numbers(city):
    persons = np.arange(city.n)
    made = np.concatenate([city.contact_no(persons, k) for k in range(4)])
    assert len(set(made)) == 4 * city.n
    assert all(len(number) == 9 and number[0] == "K" for number in made[:100])
    first, second = (np.array([int(number[1:]) for number in made[k * city.n : (k + 1) * city.n]]) for k in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02


def test_card_numbers_have_a_valid_check_digit(people):
    for card in people.card_no(np.arange(200)):
        digits = [int(digit) for digit in reversed(card)]
        total = sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
        assert len(card) == 16
        assert total % 10 == 0


def test_a_family_computer_is_one_visitor_and_a_phone_is_not(people):
    persons = np.arange(people.n)
    computer, phone = people.visitor_ids(persons, 10, 1), people.visitor_ids(persons, 10, 0)
    shared = people.shares_computer
    assert (computer[shared] == computer[people.household[shared]]).all()
    assert len(set(phone)) == people.n
    assert len(set(computer[~shared])) == (~shared).sum()
    kept = (people.visitor_ids(persons, 11, 0) == phone).mean()
    assert 0.9 < kept < 1.0
