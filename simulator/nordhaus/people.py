"""The latent persons: who each one is on any day, and the ids under which the departments know them.

Nobody outside the simulator sees a person's number. Texts are empty ("") where a person has none; names keep all their
letters (writers transliterate), phones are E.164 (writers format).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.nordhaus import families, ids, lives, mailboxes, names, places, randomness

FIRST_DAY = families.FIRST_DAY
MOBILE_PREFIXES = np.array(
    [str(prefix) for prefix in (151, 152, 157, 159, 160, 162, 163, *range(170, 180))], dtype=object
)
TITLES = np.array(["", "Dr.", "Prof. Dr.", "Dipl.-Ing."], dtype=object)
SALUTATIONS = np.array(["Frau", "Herr"], dtype=object)  # by names.FEMALE, names.MALE
LANGUAGES = ("de", "en")
MAILBOXES = 3
OWN_HOME = 1 << 40  # added to a person's number when the person moves out, so it is no household's
SHARED_EMAIL, SECOND_EMAIL = 0.05, 0.28
SHARED_COMPUTER = 0.45  # of households of several relatives
IDENTITY = ("salutation", "title", "first_name", "last_name", "birth_date", "email", "second_email", "phone", "street",
            "postcode", "town", "country")  # fmt: skip


class People(ids.Numbers):
    """`n` persons, the first ones of an endless line: person i is the same for every n."""

    def __init__(self, seed: int, n: int) -> None:
        super().__init__(seed)
        self.n = n
        whole = -(-n // lives.BLOCK) * lives.BLOCK
        persons = np.arange(whole)
        head, role, kind = lives.households(seed, persons)
        sex = families.sexes(seed, persons, head, role)
        born = families.birth_days(seed, persons, head, role, kind)
        origin = families.origins(seed, persons, head, role)
        is_couple = (role == lives.HEAD) | (role == lives.PARTNER)
        is_married = is_couple & (randomness.uniform(seed, "married", head) < families.MARRIED)
        born_as = families.birth_names(seed, persons, origin)
        family = families.family_names(seed, persons, head, role, born_as, is_married)
        first, again = (families.first_names(seed, draw, persons, sex, born, origin, role) for draw in (0, 1))
        first = families.with_siblings_and_juniors(seed, persons, head, role, sex, family, first, again)
        self._days = _events(seed, persons, head, role, born, is_married)
        after = _names_after_marriage(seed, persons, sex, head, role, family, origin)
        self.household, self.role, self.sex, self.birth_day = (each[:n] for each in (head, role, sex, born))
        self._first, self._family, self._married, self._born_as = (each[:n] for each in (first, family, after, born_as))
        self._days = {kind: days[:n] for kind, days in self._days.items()}
        persons = persons[:n]
        english = np.array([share for _, share in names.ORIGINS.values()])[origin[:n]]
        self.language = (randomness.uniform(seed, "language", persons) < english).astype(np.int8)
        self._title = self._titles()
        self._flags(persons)
        self._emails = self._mailboxes(persons)

    def age(self, day: int) -> np.ndarray:
        """Return everybody's age in full years on that day (int64)."""
        return ((FIRST_DAY + day - self.birth_day) / 365.2425).astype(np.int64)

    def identity(
        self, persons: np.ndarray, day: int | np.ndarray, fields: tuple[str, ...] = IDENTITY
    ) -> dict[str, np.ndarray]:
        """Return who the persons are on that day (a number, or one per person): object arrays by field of IDENTITY."""
        persons = np.asarray(persons, dtype=np.int64)
        wanted = set(fields)
        known: dict[str, np.ndarray] = {}
        if "salutation" in wanted:
            known["salutation"] = SALUTATIONS[self.sex[persons]]
        if "title" in wanted:
            known["title"] = TITLES[self._title[persons]]
        if "first_name" in wanted:
            known["first_name"] = names.first_names().texts[self._first[persons]]
        if "last_name" in wanted:
            known["last_name"] = self.last_name(persons, day)
        if "birth_date" in wanted:
            known["birth_date"] = self.birth_day[persons].astype("datetime64[D]").astype(str).astype(object)
        if "email" in wanted:
            known["email"] = self.email(persons, day)
        if "second_email" in wanted:
            known["second_email"] = np.where(self.has_second_email[persons], self._mailbox(persons, 2), "")
        if "phone" in wanted:
            known["phone"] = self.phone(persons, day)
        if wanted & {"street", "postcode", "town", "country"}:
            known |= self.address(persons, day)
        return {field: known[field] for field in fields}

    def last_name(self, persons: np.ndarray, day: int | np.ndarray) -> np.ndarray:
        """Return the family names on that day (object array)."""
        is_new = lives.count_until(self._days["marriage"][persons], day) > 0
        parts = np.where(is_new[:, None], self._married[persons], self._family[persons])
        return families.spoken(parts, self.sex[persons])

    def email(self, persons: np.ndarray, day: int | np.ndarray) -> np.ndarray:
        """Return the main e-mail addresses on that day (object array); some partners use the other's."""
        owner = np.where(self.shares_email[persons], self.household[persons], persons)
        version = lives.count_until(self._days["new_email"][owner], day)
        return self._mailbox(owner, version)

    def phone(self, persons: np.ndarray, day: int | np.ndarray) -> np.ndarray:
        """Return the phone numbers on that day (object array, E.164): a mobile one or the household's landline."""
        version = lives.count_until(self._days["new_phone"][persons], day)
        prefix = MOBILE_PREFIXES[randomness.integers(self.seed, "prefix", len(MOBILE_PREFIXES), persons, version)]
        number = ids.padded(ids.permuted(self.seed, "mobile", 13, persons * 4 + version), 8)
        mobile = ids.as_texts(pc.binary_join_element_wise("+49", ids.arrow(prefix), number, ""))
        rows = np.flatnonzero(self.uses_landline[persons])
        if len(rows):
            home = self.household[persons[rows]]
            dialling = places.addresses(self.seed, home, np.zeros(len(home), dtype=np.int64), home)["dialling"]
            digits = ids.padded(randomness.integers(self.seed, "landline", 7_000_000, home) + 200_000, 6)
            mobile[rows] = dialling + ids.as_texts(digits)
        return mobile

    def address(self, persons: np.ndarray, day: int | np.ndarray, back: int = 0) -> dict[str, np.ndarray]:
        """Return street, postcode, town and country on that day, or those that many (`back`, 0 or 1) moves before."""
        alone = lives.count_until(self._days["move_out"][persons], day)
        together = lives.count_until(self._days["household_move"][persons], day)
        has_left = alone > back
        home = np.where(has_left, persons + OWN_HOME, self.household[persons])
        version = np.where(has_left, alone - back, np.where(alone == 0, together - back, together))
        known = places.addresses(self.seed, home, version, self.household[persons])
        return {field: known[field] for field in ("street", "postcode", "town", "country")}

    def life_events(self, day: int) -> dict[str, np.ndarray]:
        """Return the persons to whom something happened on that day, by kind: move, marriage, new_phone, new_email.

        `marriage` names both spouses of a couple, whoever keeps the name; `new_name` those whose family name changed.
        """
        kinds = ("move", "marriage", "new_phone", "new_email")
        happened = {kind: np.flatnonzero((self.event_days(kind) == day).any(axis=1)) for kind in kinds}
        married = happened["marriage"]
        return happened | {"new_name": married[(self._married[married] != self._family[married]).any(axis=1)]}

    def event_days(self, kind: str) -> np.ndarray:
        """Return the days of a kind of event for everybody (int32, shape (n, events kept)), lives.NEVER for none."""
        return self._days[kind]

    def visitor_ids(self, persons: np.ndarray, day: int | np.ndarray, device: np.ndarray | int = 0) -> np.ndarray:
        """Return the cookie of each person's browser on that day (20 letters and digits).

        Device 0 is the person's phone, 1 the computer, which all of a household use where `shares_computer`. A cookie
        lives 7 to 400 days, by browser.
        """
        persons = np.asarray(persons, dtype=np.int64)
        is_shared = (np.asarray(device) == 1) & self.shares_computer[persons]
        owner = np.where(is_shared, self.household[persons], persons)
        slot = np.asarray(device) + 2 * is_shared
        lifetime = np.array([7, 30, 90, 180, 400])[randomness.integers(self.seed, "browser", 5, owner, slot)]
        offset = randomness.integers(self.seed, "cookie offset", lifetime, owner, slot)
        era = (np.asarray(day) + offset) // lifetime
        halves = [randomness.codes(self.seed, f"cookie/{half}", 10, owner, slot, era) for half in (0, 1)]
        return halves[0].astype(object) + halves[1].astype(object)

    def _titles(self) -> np.ndarray:
        chance = randomness.uniform(self.seed, "title", np.arange(self.n))
        title = np.searchsorted([0.002, 0.018, 0.021], chance, side="right")
        code = np.array([2, 1, 3, 0])[title]
        return np.where(self.age(0) < 28, 0, code).astype(np.int8)

    def _flags(self, persons: np.ndarray) -> None:
        """Decide what the persons have: account, card, app, device, landline, second or shared e-mail, computer."""
        age = self.age(0)
        young = np.clip((60 - age) / 40, 0, 1)
        draw = {name: randomness.uniform(self.seed, name, persons) for name in ("account", "card", "app", "device")}
        self.has_account = draw["account"] < 0.5 + 0.3 * young
        self.has_card = draw["card"] < 0.55 - 0.2 * young
        self.has_app = self.has_account & (draw["app"] < 0.2 + 0.45 * young)
        self.has_device = self.has_account & (draw["device"] < 0.12)
        self.uses_landline = randomness.uniform(self.seed, "landline user", persons) < np.where(age > 62, 0.35, 0.06)
        self.has_second_email = randomness.uniform(self.seed, "second e-mail", persons) < SECOND_EMAIL
        shares = randomness.uniform(self.seed, "shared e-mail", persons)
        self.shares_email = (self.role == lives.PARTNER) & (shares < SHARED_EMAIL)
        related = (self.role != lives.SINGLE) & (self.role != lives.FLATMATE)
        household = randomness.uniform(self.seed, "shared computer", self.household)
        self.shares_computer = related & (household < SHARED_COMPUTER)

    def _mailbox(self, persons: np.ndarray, slot: np.ndarray | int) -> np.ndarray:
        return ids.as_texts(self._emails.take(pa.array(persons * MAILBOXES + slot)))

    def _mailboxes(self, persons: np.ndarray) -> pa.Array:
        """Choose three addresses for each: the main one, its successor, the second one (Arrow texts, 3 n)."""
        first = names.first_names().texts[self._first]
        was_born_so = np.stack([self._born_as, np.full(self.n, families.NO_NAME)], axis=1)
        uses_birth_name = randomness.uniform(self.seed, "birth name in address", persons) < 0.25
        changed = (self._days["marriage"] <= self._days["new_email"])[:, 0]
        parts = [
            np.where(uses_birth_name[:, None] & (self.role == lives.PARTNER)[:, None], was_born_so, self._family),
            np.where(changed[:, None], self._married, self._family),
            self._family,
        ]
        local = [
            mailboxes.chosen(self.seed, slot, persons, first, families.spoken(part, self.sex), self.birth_day)
            for slot, part in enumerate(parts)
        ]
        return mailboxes.distinct(self.seed, persons, local)


def _events(
    seed: int, persons: np.ndarray, head: np.ndarray, role: np.ndarray, born: np.ndarray, is_married: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the days of all events of whole blocks by kind (int32, shape (len(persons), events kept))."""
    rates, kept = lives.RATES, lives.EVENTS_KEPT
    age = (FIRST_DAY - born) / 365.25
    youth = np.where(age < 35, 1.6, np.where(age < 60, 0.8, 0.4))
    single = (role == lives.SINGLE) | (role == lives.FLATMATE)
    per_year = {
        "household_move": np.where(single, rates["single_move"], rates["household_move"])[head] * youth[head],
        "move_out": np.where((role == lives.CHILD) | (role == lives.FLATMATE), rates["move_out"], 0.0),
        "marriage": rates["marriage"] * (age > 21) * (age < 60) * ((role == lives.SINGLE) | (role == lives.CHILD)),
        "new_phone": np.full(len(persons), rates["new_phone"]),
        "new_email": np.full(len(persons), rates["new_email"]),
    }
    days = {kind: lives.event_days(seed, kind, kept[kind], rate, persons) for kind, rate in per_year.items()}
    days["household_move"] = days["household_move"][head]
    couple = lives.event_days(seed, "couple marriage", 1, np.full(len(head), rates["couple_marriage"]), head)
    is_unmarried = ((role == lives.HEAD) | (role == lives.PARTNER)) & ~is_married
    is_unmarried &= np.bincount(head, role == lives.PARTNER, len(head))[head] > 0
    days["marriage"] = np.where(is_unmarried[:, None], couple, days["marriage"])
    later = 10 + randomness.integers(seed, "address after marriage", 60, persons)
    renames = (days["marriage"][:, 0] < lives.NEVER) & (randomness.uniform(seed, "renames", persons) < 0.35)
    after = np.where(renames, days["marriage"][:, 0].astype(np.int64) + later, lives.NEVER)
    days["new_email"] = np.minimum(days["new_email"], after[:, None]).astype(np.int32)
    together = np.where(days["household_move"] >= days["move_out"][:, :1], lives.NEVER, days["household_move"])
    days["move"] = np.sort(np.concatenate([together, days["move_out"]], axis=1), axis=1).astype(np.int32)
    return days


def _names_after_marriage(
    seed: int,
    persons: np.ndarray,
    sex: np.ndarray,
    head: np.ndarray,
    role: np.ndarray,
    family: np.ndarray,
    origin: np.ndarray,
) -> np.ndarray:
    """Return everybody's name if they marry: partners mostly take the head's, others marry somebody unknown."""
    unknown = families.birth_names(seed, persons + OWN_HOME, origin)
    stranger = np.stack([unknown, np.full_like(unknown, families.NO_NAME)], axis=1)
    spouse = np.where((role == lives.PARTNER)[:, None], family[head], stranger)
    after = families.name_after_marriage(seed, persons, family, spouse)
    keeps = (role == lives.HEAD) | (
        (role != lives.PARTNER) & (sex == names.MALE) & (randomness.uniform(seed, "man keeps", persons) < 0.92)
    )
    return np.where(keeps[:, None], family, after)
