"""Who the members of a household are to each other: sex, age, origin, first and family names, twins and juniors.

All functions take whole blocks of persons in order, so `head` and the places of a household are indices into them.
"""

import numpy as np

from simulator.nordhaus import lives, names, randomness

FIRST_DAY = 20089  # 2025-01-01 in days since 1970
MARRIED = 0.66  # of couples that live together
TWINS, JUNIORS = 0.06, 0.07  # of younger siblings; of sons
NOBLE, DOUBLE_NAME = 0.006, 0.015
# What a spouse does with the name: takes the other's, adds the own one to it, keeps the own one.
TAKES, ADDS = 0.74, 0.11
NO_NAME = np.int32(-1)


def sexes(seed: int, persons: np.ndarray, head: np.ndarray, role: np.ndarray) -> np.ndarray:
    """Return names.FEMALE or names.MALE per person; partners are mostly of the other sex."""
    chance = randomness.uniform(seed, "sex", persons)
    sex = np.where(chance < np.where(role == lives.HEAD, 0.4, 0.52), names.FEMALE, names.MALE)
    other = np.where(chance < 0.03, sex[head], 1 - sex[head])
    return np.where(role == lives.PARTNER, other, sex).astype(np.int8)


def birth_days(seed: int, persons: np.ndarray, head: np.ndarray, role: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Return the day of birth per person in days since 1970 (int32); children are 16 to 30 and have adult parents."""
    _, size, parents = (np.array(column) for column in zip(*lives.KINDS, strict=True))
    is_family = (size > parents) & (parents > 0)
    middle = np.where(is_family[kind], 50, np.where(parents[kind] == 0, 26, 49))
    spread = np.where(is_family[kind], 6, np.where(parents[kind] == 0, 5, 17))
    age = middle + spread * randomness.normal(seed, "age", persons)
    age = np.clip(age, np.where(is_family[kind], 40, 18), np.where(is_family[kind], 64, 94))
    gap = 3.5 * randomness.normal(seed, "age gap", persons)
    is_partner = role == lives.PARTNER
    age = np.where(is_partner, np.clip(age[head] + gap, np.where(is_family[kind], 38, 18), 94), age)
    youngest = age[head].copy()
    np.minimum.at(youngest, head, np.where(is_partner, age, 99))
    oldest_child = np.minimum(30, youngest[head] - 20)
    is_child = role == lives.CHILD
    age = np.where(is_child, 16 + (oldest_child - 16) * randomness.uniform(seed, "child's age", persons), age)
    born = (FIRST_DAY - (age + randomness.uniform(seed, "birthday", persons)) * 365.25).astype(np.int32)
    return _twins(seed, persons, head, is_child, born)


def _twins(seed: int, persons: np.ndarray, head: np.ndarray, is_child: np.ndarray, born: np.ndarray) -> np.ndarray:
    has_older = np.zeros(len(persons), dtype=bool)
    has_older[1:] = is_child[1:] & is_child[:-1] & (head[1:] == head[:-1])
    twin = np.flatnonzero(has_older & (randomness.uniform(seed, "twin", persons) < TWINS))
    for _ in range(3):  # triplets: the second must have the first's day before the third takes it
        born[twin] = born[twin - 1]
    return born


def origins(seed: int, persons: np.ndarray, head: np.ndarray, role: np.ndarray) -> np.ndarray:
    """Return the index into names.ORIGINS per person: a family has one, a partner or flatmate may have another."""
    own = randomness.weighted(seed, "origin", [share for share, _ in names.ORIGINS.values()], persons)
    is_own = (role == lives.SINGLE) | (role == lives.HEAD) | (role == lives.FLATMATE)
    is_own |= (role == lives.PARTNER) & (randomness.uniform(seed, "same origin", persons) > 0.8)
    return np.where(is_own, own, own[head]).astype(np.int8)


def first_names(
    seed: int, draw: int, persons: np.ndarray, sex: np.ndarray, born: np.ndarray, origin: np.ndarray, role: np.ndarray
) -> np.ndarray:
    """Return a code in names.first_names() per person; a third of immigrants' children have German names."""
    vocabulary = names.first_names()
    chance = randomness.uniform(seed, "first name", persons, draw)
    is_german = (origin == 0) | ((role == lives.CHILD) & (randomness.uniform(seed, "German name", persons) < 0.35))
    band = np.searchsorted(names.BANDS, 1970 + born / 365.25, side="right")
    codes = np.zeros(len(persons), dtype=np.int32)
    for number, place in enumerate(names.ORIGINS):
        for each in (names.FEMALE, names.MALE):
            rows = np.flatnonzero((sex == each) & (is_german if number == 0 else (origin == number) & ~is_german))
            if number:
                codes[rows] = vocabulary.draw((place, each), chance[rows])
                continue
            for fashion in range(len(names.BAND_NAMES)):
                some = rows[band[rows] == fashion]
                codes[some] = vocabulary.draw((place, each, fashion), chance[some])
    return codes


def birth_names(seed: int, persons: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Return a code in names.last_names() per person, as if nobody were related."""
    vocabulary = names.last_names()
    chance = randomness.uniform(seed, "last name", persons)
    codes = np.zeros(len(persons), dtype=np.int32)
    for number, place in enumerate(names.ORIGINS):
        rows = np.flatnonzero(origin == number)
        codes[rows] = vocabulary.draw((place,), chance[rows])
    noble = np.flatnonzero((origin == 0) & (randomness.uniform(seed, "noble", persons) < NOBLE))
    codes[noble] = vocabulary.draw(("noble",), chance[noble])
    return codes


def family_names(
    seed: int, persons: np.ndarray, head: np.ndarray, role: np.ndarray, born_as: np.ndarray, is_married: np.ndarray
) -> np.ndarray:
    """Return both parts of each name on the first day (int32, shape (len(persons), 2)); NO_NAME for no second part."""
    second = np.where(randomness.uniform(seed, "double name", persons) < DOUBLE_NAME, np.roll(born_as, 1), NO_NAME)
    second = np.where((np.arange(len(persons)) % lives.BLOCK == 0) | (second == born_as), NO_NAME, second)
    own = np.stack([born_as, second], axis=1).astype(np.int32)
    after = name_after_marriage(seed, persons, own, own[head])
    current = np.where((is_married & (role == lives.PARTNER))[:, None], after, own)
    return np.where((role == lives.CHILD)[:, None], own[head], current)


def name_after_marriage(seed: int, persons: np.ndarray, own: np.ndarray, spouses: np.ndarray) -> np.ndarray:
    """Return the name's two parts after a marriage: the spouse's, both with a hyphen, or the own one as before."""
    chance = randomness.uniform(seed, "name after marriage", persons)
    adds = np.stack([spouses[:, 0], own[:, 0]], axis=1)
    adds[adds[:, 0] == adds[:, 1], 1] = NO_NAME
    return np.where((chance < TAKES)[:, None], spouses, np.where((chance < TAKES + ADDS)[:, None], adds, own))


def with_siblings_and_juniors(
    seed: int, persons: np.ndarray, head: np.ndarray, role: np.ndarray, sex: np.ndarray, family: np.ndarray,
    first: np.ndarray, again: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return first names where some sons have the father's and no two neighbours in a family share one by chance.

    `again` is a second drawn name for those who would be called like the sibling before them or a parent.
    """
    result = first.copy()
    before = np.roll(result, 1)
    is_alike = (role == lives.CHILD) & ((result == before) | (result == result[head]))
    result = np.where(is_alike, again, result)
    partner = np.minimum(head + 1, len(persons) - 1)
    has_partner = role[partner] == lives.PARTNER
    father = np.where(sex[head] == names.MALE, head, np.where(has_partner & (sex[partner] == names.MALE), partner, -1))
    is_son = (role == lives.CHILD) & (sex == names.MALE) & (father >= 0)
    is_son &= (family[father] == family).all(axis=1) & (randomness.uniform(seed, "junior", persons) < JUNIORS)
    older = np.zeros(len(persons), dtype=bool)
    older[1:] = is_son[:-1] & (head[1:] == head[:-1])
    is_junior = is_son & ~older
    return np.where(is_junior, result[father], result)


def spoken(names_parts: np.ndarray, sex: np.ndarray) -> np.ndarray:
    """Return family names as borne by that sex (object array) from their two parts."""
    his, hers = names.last_names().texts, names.feminine_last_names()
    female = sex == names.FEMALE
    one = np.where(female, hers[names_parts[:, 0]], his[names_parts[:, 0]])
    rows = np.flatnonzero(names_parts[:, 1] != NO_NAME)
    two = names_parts[rows, 1]
    one[rows] = one[rows] + "-" + np.where(female[rows], hers[two], his[two])
    return one
