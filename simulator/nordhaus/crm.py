"""The department crm: contacts typed in branches, on the phone, from web forms and lead lists, with their defects.

`daily` decides who is entered or changed on a day, `contacts` writes that day's file (landing contract
departments/nordhaus/crm.yml) and the truth: one row per record (defect null: whose record it is) and one per defect.
"""

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.nordhaus import handwriting, ids, lives, randomness
from simulator.nordhaus.people import FIRST_DAY, LANGUAGES, People

# kind -> field -> chance that a contact's field has it, where it can (an umlaut, a nickname). At most one kind a field.
DEFECTS: dict[str, dict[str, float]] = {
    "typo": {"first_name": 0.012, "last_name": 0.015, "email": 0.008, "street": 0.014, "town": 0.006},
    "swapped_names": {"last_name": 0.006},
    "ocr_digits": {"phone": 0.006, "postcode": 0.004, "loyalty_card_no": 0.006},
    "missing": {
        "birth_date": 0.12,
        "email": 0.10,
        "phone": 0.14,
        "street": 0.02,
        "postcode": 0.015,
        "first_name": 0.006,
    },
    "default": {
        "first_name": 0.003,
        "last_name": 0.002,
        "birth_date": 0.015,
        "email": 0.006,
        "phone": 0.008,
        "postcode": 0.003,
    },
    "wrong_transliteration": {"first_name": 0.04, "last_name": 0.05, "street": 0.05, "town": 0.03},
    "mojibake": {"first_name": 0.004, "last_name": 0.004, "street": 0.004, "town": 0.004},
    "wrong_birth_year": {"birth_date": 0.008},
    "invalid_birth_date": {"birth_date": 0.0015},
    "blanks": {"first_name": 0.008, "last_name": 0.008, "street": 0.008, "town": 0.006},
    "wrong_case": {"first_name": 0.006, "last_name": 0.008, "email": 0.01, "town": 0.006},
    "nickname": {"first_name": 0.06},
    "old_address": {"address": 0.02},
    "extra_field": {"row": 0.001},
}
# What reaches the CRM of a life event: the share that never does, and the mean delay in days of the rest.
REPORTS = {"move": (0.25, 20), "marriage": (0.2, 35), "new_phone": (0.4, 30), "new_email": (0.3, 15)}
OUTDATED = {"marriage": "last_name", "new_phone": "phone", "new_email": "email"}
CONTACTS_ON_FIRST_DAY, ENTERED_PER_YEAR = 0.55, 0.3
DUPLICATE, TRIPLICATE = 0.09, 0.15  # of the contacts; of the duplicates
OTHER_CHANGES = 0.0004  # of the contacts per day: something is saved again
SOURCES = ("Webformular", "Filiale", "Telefon", "Leadliste")
SOURCE_WEIGHTS, DUPLICATE_SOURCE_WEIGHTS = (38, 30, 17, 15), (0, 20, 20, 60)
COLUMNS = {
    "contact_no": "Kontakt-Nr", "salutation": "Anrede", "title": "Titel", "first_name": "Vorname",
    "last_name": "Nachname", "birth_date": "Geburtsdatum", "email": "E-Mail", "is_email_verified": "E-Mail bestätigt",
    "phone": "Telefon", "street": "Straße", "postcode": "PLZ", "town": "Ort", "country": "Land", "language": "Sprache",
    "loyalty_card_no": "Kundenkarte", "source": "Herkunft", "changed_at": "Geändert am",
}  # fmt: skip
HISTORY_DAYS = 700  # the first file holds contacts last changed up to this long ago
_TEXTS = ("department", "entity", "record_key", "defect", "field")
TRUTH = pa.schema([(name, pa.string()) for name in _TEXTS]).insert(3, pa.field("person", pa.int64()))
Defects = list[tuple[str, str, np.ndarray]]  # kind, field, rows


def daily(people: People, seed: int, day: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the persons newly entered on that day (once per contact) and those whose first contact is changed."""
    entered = entry_days(people, seed)
    new = np.concatenate([np.flatnonzero(entered[:, k] == day) for k in range(entered.shape[1])])
    persons = np.arange(people.n)
    is_changed = randomness.uniform(seed, "crm/other change", persons, day) < OTHER_CHANGES
    for kind in REPORTS:
        is_changed |= (_report_days(people, seed, kind) == day).any(axis=1)
    return new, np.flatnonzero(is_changed & (entered[:, 0] < day))


def contacts(people: People, day: int, seed: int, new: np.ndarray, changed: np.ndarray) -> tuple[bytes, pa.Table]:
    """Return the day's file (cp1252, contract crm.contacts) and its truth.

    A person in `new` who has a contact already, or stands there twice, gets one more. Rows are in order of time.
    """
    new = np.asarray(new, dtype=np.int64)
    changed = np.setdiff1d(np.asarray(changed, dtype=np.int64), new)
    persons = np.concatenate([new, changed])
    k = np.concatenate([_earlier_contacts(people, seed, new, day), np.zeros(len(changed), dtype=np.int64)])
    is_new = np.arange(len(persons)) < len(new)
    key = persons * 4 + k
    minute = _changed_minutes(seed, key, day)
    contact_no = people.contact_no(persons, k)
    order = np.lexsort((contact_no, minute))
    persons, k, is_new, key, minute, contact_no = (
        each[order] for each in (persons, k, is_new, key, minute, contact_no)
    )
    row, defects = _known(people, seed, persons, key, is_new, day)
    weights = [
        randomness.weighted(seed, "crm/source", each, key) for each in (SOURCE_WEIGHTS, DUPLICATE_SOURCE_WEIGHTS)
    ]
    source = np.where(k > 0, weights[1], weights[0])
    row["contact_no"] = contact_no
    row["source"] = np.array(SOURCES, dtype=object)[source]
    row["changed_at"] = _german_minutes(minute)
    asked = (source == 1) | (randomness.uniform(seed, "crm/card asked", key) < 0.5)
    row["loyalty_card_no"] = np.where(people.has_card[persons] & asked, people.card_no(persons), "")
    defects += _damage(seed, row, key, k)
    is_sure = randomness.uniform(seed, "crm/verified", key) < np.where(source == 0, 0.85, 0.2)
    row["is_email_verified"] = np.where(row["email"] == "", "", np.where(is_sure, "J", "N")).astype(object)
    lines = _lines(row)
    extra = np.flatnonzero(randomness.uniform(seed, "crm/extra field", key, day) < DEFECTS["extra_field"]["row"])
    lines[extra] = lines[extra] + ";geprüft"
    defects.append(("extra_field", "row", extra))
    text = "\r\n".join([";".join(COLUMNS.values()), *lines.tolist(), ""])
    record_key = ids.as_texts(
        pc.binary_join_element_wise(*(ids.arrow(row[name]) for name in ("contact_no", "changed_at")), "|")
    )
    return text.encode("cp1252"), truth_table("crm", "contacts", record_key, persons, defects)


def truth_table(
    department: str, entity: str, record_key: np.ndarray, persons: np.ndarray, defects: Defects
) -> pa.Table:
    """Return one row per record (defect null) and one per defect; a defect is (kind, field, rows)."""
    parts = [(None, None, np.arange(len(persons))), *defects]
    rows = np.concatenate([each for _, _, each in parts]).astype(np.int64)
    columns = [np.concatenate([np.full(len(part[2]), part[place], dtype=object) for part in parts]) for place in (0, 1)]
    whose = [np.full(len(rows), name, dtype=object) for name in (department, entity)]
    return pa.table([*whose, record_key[rows], persons[rows], *columns], schema=TRUTH)


@lru_cache(maxsize=2)
def entry_days(people: People, seed: int) -> np.ndarray:
    """Return the day on which each person's contact 0, 1 and 2 is entered (int32, shape (n, 3)); lives.NEVER: none."""
    persons = np.arange(people.n)
    chance = [randomness.uniform(seed, "crm/contact", persons, k) for k in range(3)]
    waits = lives.event_days(seed, "crm/entry", 1, np.full(people.n, ENTERED_PER_YEAR), persons)[:, 0]
    first = np.where(chance[0] < CONTACTS_ON_FIRST_DAY, 0, waits).astype(np.int64)
    days = [first]
    for k, share in ((1, DUPLICATE), (2, TRIPLICATE)):
        gap = (3 - 150 * np.log1p(-randomness.uniform(seed, "crm/gap", persons, k))).astype(np.int64)
        is_old = (days[-1] == 0) & (randomness.uniform(seed, "crm/old", persons, k) < 0.7)
        days.append(
            np.where((chance[k] < share) & (days[-1] < lives.NEVER), np.where(is_old, 0, days[-1] + gap), lives.NEVER)
        )
    return np.minimum(np.stack(days, axis=1), lives.NEVER).astype(np.int32)


@lru_cache(maxsize=8)
def _report_days(people: People, seed: int, kind: str) -> np.ndarray:
    """Return when the CRM hears of each event of a kind (int32, shape (n, events kept)), lives.NEVER if it does not."""
    days = people.event_days(kind)
    never, delay = REPORTS[kind]
    keys = np.arange(people.n)[:, None], np.arange(days.shape[1])[None, :]
    wait = -delay * np.log1p(-randomness.uniform(seed, f"crm/report {kind}", *keys))
    heard = (days < lives.NEVER) & (randomness.uniform(seed, f"crm/never {kind}", *keys) >= never)
    return np.where(heard, np.minimum(days.astype(np.int64) + wait.astype(np.int64), lives.NEVER), lives.NEVER).astype(
        np.int32
    )


def _earlier_contacts(people: People, seed: int, persons: np.ndarray, day: int) -> np.ndarray:
    """Return how many contacts each person has before this row of the day's list (int64, at most 3)."""
    order = np.argsort(persons, kind="stable")
    is_first = np.diff(persons[order], prepend=-1) != 0
    position = np.arange(len(persons))
    again = np.empty(len(persons), dtype=np.int64)
    again[order] = position - np.maximum.accumulate(np.where(is_first, position, 0)) if len(persons) else 0
    return np.minimum(again + (entry_days(people, seed)[persons] < day).sum(axis=1), 3)


def _known(
    people: People, seed: int, persons: np.ndarray, key: np.ndarray, is_new: np.ndarray, day: int
) -> tuple[dict[str, np.ndarray], Defects]:
    """Return what the CRM believes of the persons, and where that is outdated."""
    now = people.identity(persons, day)
    defects = []
    row = {field: now[field] for field in ("salutation", "title", "first_name", "last_name", "email", "phone")}
    for kind, field in OUTDATED.items():
        known = people.identity(persons, _last_known(people, seed, kind, persons, is_new, day), (field,))[field]
        defects.append(("outdated", field, np.flatnonzero(known != now[field])))
        row[field] = known
    place = {field: now[field] for field in ("street", "postcode", "town", "country")}
    known = people.address(persons, _last_known(people, seed, "move", persons, is_new, day))
    is_old = is_new & (randomness.uniform(seed, "crm/old address", key) < DEFECTS["old_address"]["address"])
    former = people.address(persons, day, back=1)
    place = {field: np.where(is_old, former[field], known[field]) for field in place}
    differs = (place["street"] != now["street"]) | (place["postcode"] != now["postcode"])
    defects.append(("old_address", "address", np.flatnonzero(differs)))
    row |= place
    row["phone"] = handwriting.phones(seed, "crm/phone format", key, row["phone"])
    row["birth_date"] = handwriting.german_dates(people.birth_day[persons])
    row["language"] = np.array(LANGUAGES, dtype=object)[people.language[persons]]
    return row, defects


def _last_known(people: People, seed: int, kind: str, persons: np.ndarray, is_new: np.ndarray, day: int) -> np.ndarray:
    """Return the last day whose truth the CRM knows: today, or the day before an event that nobody has reported yet."""
    happened, heard = people.event_days(kind)[persons], _report_days(people, seed, kind)[persons]
    entered = np.where(is_new, day, entry_days(people, seed)[persons, 0])
    known = np.full(len(persons), day, dtype=np.int64)
    is_settled = np.zeros(len(persons), dtype=bool)
    for number in reversed(range(happened.shape[1])):
        was = happened[:, number] <= day
        is_unheard = was & ~is_settled & (heard[:, number] > day) & (happened[:, number] > entered)
        known = np.where(is_unheard, happened[:, number] - 1, known)
        is_settled |= was & ~is_unheard
    return known


def _damage(seed: int, row: dict[str, np.ndarray], key: np.ndarray, k: np.ndarray) -> Defects:
    """Put defects into the row's fields and return them. A duplicate has no e-mail or a typo in its name."""
    defects = []
    clumsy = (k > 0) & (randomness.uniform(seed, "crm/clumsy", key) < 0.3)
    for field in dict.fromkeys(name for rates in DEFECTS.values() for name in rates if name in row):
        kinds = [kind for kind, rates in DEFECTS.items() if field in rates]
        ends = np.cumsum([DEFECTS[kind][field] for kind in kinds])
        chosen = np.searchsorted(ends, randomness.uniform(seed, f"crm/defect {field}", key), side="right")
        if field == "email":
            chosen = np.where((k > 0) & ~clumsy, kinds.index("missing"), chosen)
        if field == "last_name":
            chosen = np.where(clumsy, kinds.index("typo"), chosen)
        how = randomness.uniform(seed, f"crm/how {field}", key)
        for number, kind in enumerate(kinds):
            rows = np.flatnonzero(chosen == number)
            if kind == "swapped_names":
                first, last = row["first_name"][rows], row["last_name"][rows]
                rows = rows[(first != last) & (first != "")]
                row["first_name"][rows], row["last_name"][rows] = row["last_name"][rows], row["first_name"][rows]
                defects.append((kind, field, rows))
                continue
            before = row[field][rows]
            row[field][rows] = handwriting.damaged(kind, field, before, how[rows])
            defects.append((kind, field, rows[(row[field][rows] != before) & ((before != "") | (kind == "default"))]))
    return defects


def _changed_minutes(seed: int, key: np.ndarray, day: int) -> np.ndarray:
    """Return local minutes since 1970, 08:00 to 20:00 of the day; on the first day spread over the two years before."""
    ago = randomness.integers(seed, "crm/history", HISTORY_DAYS, key) if day == 0 else 0
    return (FIRST_DAY + day - ago) * 1440 + 480 + randomness.integers(seed, "crm/minute", 720, key, day)


def _german_minutes(minutes: np.ndarray) -> np.ndarray:
    """Return DD.MM.YYYY HH24:MI of minutes since 1970 (object array)."""
    clock = np.array([f" {minute // 60:02d}:{minute % 60:02d}" for minute in range(1440)], dtype=object)
    return handwriting.german_dates(minutes // 1440) + clock[minutes % 1440]


def _lines(row: dict[str, np.ndarray]) -> np.ndarray:
    columns = [ids.arrow(handwriting.in_code_page(row[field])) for field in COLUMNS]
    return ids.as_texts(pc.binary_join_element_wise(*columns, ";"))
