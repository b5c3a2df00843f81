"""The department consent: who allowed what on which channel, who took it back, and who wants to be forgotten.

The truth of a person is one state per purpose and channel (CELLS): given on a day, perhaps withdrawn, perhaps given
again. Records tell it in the ids that the place knows where somebody clicked or signed. Some are delivered late. A
withdrawal sometimes comes with a grant of the same second from another place (the withdrawal is true), and a newsletter
counts only after its confirmation (double opt-in).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.nordhaus import crm, ids, lives, randomness
from simulator.nordhaus.people import FIRST_DAY, People

# Purpose and channel -> share of customers who allow it on the first day, share of the others who do so per year.
CELLS: dict[tuple[str, str], tuple[float, float]] = {
    ("marketing", "email"): (0.52, 0.18), ("marketing", "push"): (0.24, 0.10), ("marketing", "phone"): (0.14, 0.03),
    ("marketing", "letter"): (0.58, 0.03), ("service", "email"): (0.80, 0.10), ("service", "push"): (0.30, 0.10),
    ("service", "phone"): (0.55, 0.06), ("service", "letter"): (0.85, 0.02), ("profiling", "any"): (0.46, 0.08),
}  # fmt: skip
PURPOSES, CHANNELS = (np.array(column, dtype=object) for column in zip(*CELLS, strict=True))
CELL = {name: number for number, name in enumerate(CELLS)}
WITHDRAWN_PER_YEAR = {"marketing": 0.14, "service": 0.015, "profiling": 0.06}
GIVEN_AGAIN_PER_YEAR = 0.08
# A contact in the last week multiplies the chance to withdraw marketing consent by this much each (see `changes`).
PRESSURE_FACTOR = 1.35
ERASED_PER_YEAR = 0.006
DEFECTS = {
    "contradiction": 0.06,
    "late_record": 0.02,
    "duplicate_record": 0.01,
    "missing_id": 0.004,
}  # per change; see above
LATEST_DAYS = 3  # after which a late record arrives
CONFIRMED = 0.8  # of newsletter sign-ups
HISTORY_DAYS = 700  # the first file holds consent given up to this long ago
SOURCES = np.array(["preference_centre", "checkout", "branch_form", "newsletter_footer", "hotline", "newsletter_signup",
                    "double_opt_in"], dtype=object)  # fmt: skip
HOTLINE, SIGN_UP, DOUBLE_OPT_IN = 4, 5, 6
ONLINE, OFFLINE = (0, 1), (2, HOTLINE)  # where the account or the contact number is known
GIVEN_BY, WITHDRAWN_BY = (34, 30, 26, 0, 10), (40, 0, 8, 36, 16)
CHANGE, TWIN, COPY, CONFIRMATION = range(4)  # kinds of record
NEVER = lives.NEVER
ROWS_AT_ONCE = 50_000  # the first day has four records for each person


class Consent:
    """Everybody's consent, day by day; call `changes` for each day in order, because withdrawals follow pressure.

    `seed` must be the one that `crm` gets: a record names a contact only once the CRM has it.
    """

    def __init__(self, people: People, seed: int) -> None:
        self.people, self.seed = people, seed
        persons, cells = np.arange(people.n)[:, None], np.arange(len(CELLS))[None, :]
        share, yearly = (np.array(column)[None, :] for column in zip(*CELLS.values(), strict=True))
        reachable = _is_reachable(people)
        is_known = people.has_account | people.has_card | (crm.entry_days(people, seed)[:, 0] == 0)
        start = randomness.uniform(seed, "consent/first day", persons, cells) < share * reachable * is_known[:, None]
        wait = -np.log1p(-randomness.uniform(seed, "consent/wait", persons, cells)) * 365.25 / yearly
        later = np.where(reachable, 1 + wait, NEVER)
        self._given = np.where(start, 0, np.minimum(later, NEVER)).astype(np.int32)
        self._is_signed_up = (~start) & (cells == CELL["marketing", "email"])
        confirmed = randomness.uniform(seed, "consent/confirms", persons[:, 0]) < CONFIRMED
        self._is_confirmed = ~self._is_signed_up | confirmed[:, None]
        self.withdrawn = np.full(self._given.shape, NEVER, dtype=np.int32)
        self.again = np.full(self._given.shape, NEVER, dtype=np.int32)
        self._erased = lives.event_days(seed, "erasure", 1, np.full(people.n, ERASED_PER_YEAR), persons[:, 0])[:, 0]

    def allowed(self, persons: np.ndarray, purpose: str, channel: str, day: int) -> np.ndarray:
        """Return the truth: whether each person allows that at the end of the day (bool); profiling is on "any"."""
        return self._is_given(np.asarray(persons), day)[:, CELL[purpose, channel]]

    def changes(self, day: int, pressure: np.ndarray | None = None) -> tuple[bytes, pa.Table]:
        """Return the day's records (JSON lines, contract consent.changes) and their truth; decide the withdrawals.

        `pressure` is the number of marketing contacts of each of the `n` persons in the last seven days. On day 0 the
        file holds what was given before. A day without a change is a file with an empty line.
        """
        if day > 0:
            self._decide(day, pressure)
        parts = [self._happened(event) for event in range(max(day - LATEST_DAYS, 0), day + 1)]
        persons, cells, event, gives = (np.concatenate(column) for column in zip(*parts, strict=True))
        unit = (persons, cells, event)
        is_late = (event > 0) & (randomness.uniform(self.seed, "consent/late", *unit) < DEFECTS["late_record"])
        wait = np.where(is_late, 1 + randomness.integers(self.seed, "consent/days late", LATEST_DAYS, *unit), 0)
        is_due = event + wait == day
        return self._written(day, persons[is_due], cells[is_due], event[is_due], gives[is_due])

    def erasure_requests(self, day: int) -> tuple[bytes, pa.Table]:
        """Return the day's requests to be forgotten (JSON lines, contract consent.erasure_requests) and their truth.

        Half of them name only the e-mail, a quarter only the contact number. Empty bytes if there is none.
        """
        persons = self.erased_on(day)
        chance = randomness.uniform(self.seed, "erasure/ids", persons)
        has_contact = crm.entry_days(self.people, self.seed)[persons, 0] <= day
        number = randomness.codes(self.seed, "erasure", 12, persons).astype(object)
        seconds = _seconds(self.seed, "erasure/second", day, persons)
        by_contact = has_contact & (chance > 0.5)
        columns = {
            "request_id": number,
            "received_at": _utc(seconds),
            "email": np.where(by_contact & (chance > 0.75), None, self.people.email(persons, day)),
            "contact_no": np.where(by_contact, self.people.contact_no(persons), None),
        }
        order = np.lexsort((number, seconds))
        text = _json_lines({name: values[order] for name, values in columns.items()})
        return text, crm.truth_table("consent", "erasure_requests", number[order], persons[order], [])

    def erased_on(self, day: int) -> np.ndarray:
        """Return the persons who ask to be forgotten on that day."""
        return np.flatnonzero(self._erased == day)

    def _is_given(self, persons: np.ndarray, day: int) -> np.ndarray:
        given = (self._given[persons] <= day) & self._is_confirmed[persons]
        given &= (self.withdrawn[persons] > day) | (self.again[persons] <= day)
        return given & (self._erased[persons] > day)[:, None]

    def _decide(self, day: int, pressure: np.ndarray | None) -> None:
        """Let people withdraw and give again on that day, each at most once per cell."""
        persons, cells = np.arange(self.people.n), np.arange(len(CELLS))
        is_given = self._is_given(persons, day - 1)
        chance = randomness.uniform(self.seed, "consent/changes mind", persons[:, None], cells[None, :], day)
        rate = np.array([[WITHDRAWN_PER_YEAR[purpose] / 365.25 for purpose, _ in CELLS]])
        if pressure is not None:
            is_marketing = np.array([[purpose == "marketing" for purpose, _ in CELLS]])
            factor = PRESSURE_FACTOR ** np.minimum(np.asarray(pressure, dtype=np.float64), 14)
            rate = np.where(is_marketing, rate * factor[:, None], rate)
        leaves = is_given & (self.withdrawn == NEVER) & (self._given < day) & (chance < rate)
        back = (self.withdrawn < day) & (self.again == NEVER) & (chance < GIVEN_AGAIN_PER_YEAR / 365.25)
        self.withdrawn[leaves] = day
        self.again[back] = day

    def _happened(self, day: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return persons, cells, the day (repeated) and whether it was given rather than withdrawn."""
        lives_on = (self._erased > day)[:, None]
        gives = ((self._given == day) | (self.again == day)) & lives_on
        persons, cells = np.nonzero(gives | ((self.withdrawn == day) & lives_on))
        return persons, cells, np.full(len(persons), day, dtype=np.int64), gives[persons, cells]

    def _written(
        self, day: int, persons: np.ndarray, cells: np.ndarray, event: np.ndarray, gives: np.ndarray
    ) -> tuple[bytes, pa.Table]:
        """Write one record per change and the extra ones: contradictions, duplicates, confirmations."""
        seed, unit, rows = self.seed, (persons, cells, event), np.arange(len(persons))
        pending = self._is_signed_up[persons, cells] & (self._given[persons, cells] == event)
        seconds = _seconds(seed, "consent/second", event, persons, cells)
        seconds -= (event == 0) * 86_400 * (1 + randomness.integers(seed, "consent/history", HISTORY_DAYS, *unit))
        twin = rows[~gives & (randomness.uniform(seed, "consent/contradiction", *unit) < DEFECTS["contradiction"])]
        copy = rows[randomness.uniform(seed, "consent/duplicate", *unit) < DEFECTS["duplicate_record"]]
        sure = rows[pending & self._is_confirmed[persons, cells]]
        index = np.concatenate([rows, twin, copy, sure])
        kind = np.repeat([CHANGE, TWIN, COPY, CONFIRMATION], [len(rows), len(twin), len(copy), len(sure)])
        confirmed_after = 60 + randomness.integers(seed, "consent/click", 3000, *unit)
        seconds = seconds[index] + np.where(kind == CONFIRMATION, confirmed_after[index], 0)
        same_id = np.where(kind == COPY, CHANGE, kind)
        number = randomness.codes(seed, "consent/change", 12, persons[index], cells[index], event[index], same_id)
        order = np.lexsort((kind, number, seconds))
        index, kind, seconds, number = index[order], kind[order], seconds[order], number[order].astype(object)
        persons, cells, event, gives, pending = (each[index] for each in (persons, cells, event, gives, pending))
        chance = randomness.uniform(seed, "consent/no id", persons, cells, event)
        no_id = (kind == CHANGE) & (chance < DEFECTS["missing_id"])
        granted = (kind == TWIN) | (gives & ((kind == CONFIRMATION) | ~pending))
        found = [("contradiction", "is_granted", kind == TWIN), ("duplicate_record", "row", kind == COPY)]
        found += [("late_record", "changed_at", (kind == CHANGE) & (event < day)), ("missing_id", "row", no_id)]
        source = self._sources(persons, cells, event, gives, pending, kind)
        text = []
        for start in range(0, len(index), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            known = self._who(persons[part], cells[part], event[part], kind[part], source[part], no_id[part])
            at = {"change_id": number[part], "changed_at": _utc(seconds[part])}
            what = {"purpose": PURPOSES[cells[part]], "channel": CHANNELS[cells[part]], "is_granted": granted[part]}
            text.append(_json_lines(at | known | what | {"source": SOURCES[source[part]]}))
        defects = [(name, field, np.flatnonzero(hit)) for name, field, hit in found]
        return b"".join(text) or b"\n", crm.truth_table("consent", "changes", number, persons, defects)

    def _sources(
        self, persons: np.ndarray, cells: np.ndarray, event: np.ndarray, gives: np.ndarray, pending: np.ndarray,
        kind: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        """Return the index into SOURCES per record: a newsletter is asked for and confirmed, twins come by phone."""
        unit = (persons, cells, event)
        weights = [randomness.weighted(self.seed, "consent/source", each, *unit) for each in (GIVEN_BY, WITHDRAWN_BY)]
        source = np.where(pending, SIGN_UP, np.where(gives, weights[0], weights[1]))
        return np.where(kind == CONFIRMATION, DOUBLE_OPT_IN, np.where(kind == TWIN, HOTLINE, source))

    def _who(
        self, persons: np.ndarray, cells: np.ndarray, day: np.ndarray, kind: np.ndarray, source: np.ndarray,
        no_id: np.ndarray,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """Return the ids that the place of each record knows; a contradiction comes from another place."""
        people = self.people
        has_contact = crm.entry_days(people, self.seed)[persons, 0] <= day
        online = np.isin(source, ONLINE) & people.has_account[persons]
        offline = np.isin(source, OFFLINE) & has_contact
        by_mail = ~online & (~offline | (randomness.uniform(self.seed, "consent/mail too", persons, cells) < 0.2))
        by_mail |= online & (kind != TWIN)
        return {
            "email": np.where(by_mail & ~no_id, people.email(persons, day), None),
            "contact_no": np.where(offline & ~no_id, people.contact_no(persons), None),
            "account_id": np.where(online & ~no_id, people.account_id(persons), None),
        }


def _is_reachable(people: People) -> np.ndarray:
    """Return by person and cell whether the channel exists for them: push needs the app (bool, shape (n, cells))."""
    return np.stack([people.has_app if channel == "push" else np.ones(people.n, dtype=bool) for _, channel in CELLS], 1)


def _seconds(seed: int, purpose: str, day: np.ndarray | int, *keys: np.ndarray) -> np.ndarray:
    """Return UTC seconds since 1970 on that day, from 06:00 to 21:00."""
    return (FIRST_DAY + day) * 86_400 + 21_600 + randomness.integers(seed, purpose, 54_000, *keys, day)


def _utc(seconds: np.ndarray) -> np.ndarray:
    return (seconds.astype("datetime64[s]").astype(str)).astype(object) + "Z"


def _json_lines(columns: dict[str, np.ndarray]) -> bytes:
    """Return one JSON object per row; texts hold neither quotation marks nor backslashes."""
    parts = []
    for name, values in columns.items():
        if values.dtype == bool:
            parts.append(ids.arrow(np.where(values, f'"{name}":true', f'"{name}":false').astype(object)))
            continue
        text = pc.binary_join_element_wise(f'"{name}":"', ids.arrow(values), '"', "")
        parts.append(pc.fill_null(text, f'"{name}":null'))
    fields = pc.binary_join_element_wise(*parts, ",")
    lines = pc.binary_join_element_wise("{", fields, "}\n", "")
    ends = np.frombuffer(lines.buffers()[1], dtype=np.int32)[: len(lines) + 1]
    return lines.buffers()[2].to_pybytes()[: ends[-1]] if len(lines) else b""
