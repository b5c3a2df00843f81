"""The smart coffee machines: who registers one, how many cups it brews, which errors it reports."""

import numpy as np

from simulator.nordhaus import catalogue, randomness
from simulator.nordhaus.clock import epoch, iso_utc
from simulator.nordhaus.formatting import csv_bytes, jsonl_bytes
from simulator.nordhaus.people import People

REGISTERED_BEFORE = 0.7  # of the owners, when the history begins
IS_ONLINE = 0.9
ERRORS, ERRORS_IN_INCIDENT = 0.004, 0.06
ERROR_CODES = np.array(("E01", "E04", "E07", "E12"))
DEFECTS = {"negative_cups": 0.0005, "impossible_litres": 0.0005}


def registration_days(seed: int, people: People) -> np.ndarray:
    """On which day each person registers a machine (n); 0 is "before the history", a million is never."""
    person = np.arange(people.n)
    early = randomness.uniform(seed, "registered", person) < REGISTERED_BEFORE
    day = np.where(early, 0, 1 + randomness.integers(seed, "registers", 360, person))
    return np.where(people.has_device & people.has_account, day, 1_000_000)


def registrations(seed: int, day: int, people: People, days: np.ndarray) -> tuple:
    """The file of the day: (name, bytes, day of delivery, truth columns)."""
    who = np.flatnonzero(days == day)
    columns = {
        "serial_no": people.serial_no(who),
        "account_id": people.account_id(who),
        "registered_at": iso_utc(epoch(day, 36_000 + randomness.integers(seed, "registers at", 30_000, who))),
    }
    truth = {"record_key": columns["serial_no"], "person": who, "defect": np.full(len(who), "")}
    return f"devices/registrations_{catalogue.date_of(day)}.jsonl", jsonl_bytes(columns), day, truth


def telemetry(seed: int, day: int, people: People, days: np.ndarray) -> tuple[tuple, np.ndarray]:
    """The file of the day, and who has a machine with an error (persons)."""
    who = np.flatnonzero((days <= day) & (randomness.uniform(seed, "online", np.arange(people.n), day) < IS_ONLINE))
    rate = ERRORS_IN_INCIDENT if catalogue.is_on("firmware_fault", day) else ERRORS
    fails = randomness.uniform(seed, "machine fails", who, day) < rate
    cups = randomness.poisson(seed, "cups", 3.2, who, day)
    draw = randomness.uniform(seed, "telemetry defect", who, day)
    negative = draw < DEFECTS["negative_cups"]
    impossible = (draw >= DEFECTS["negative_cups"]) & (draw < sum(DEFECTS.values()))
    litres = np.where(impossible, "NaN", np.round(cups * 0.14, 2).astype("U6"))
    columns = {
        "serial_no": people.serial_no(who),
        "measured_date": np.full(len(who), str(catalogue.date_of(day))),
        "cups": np.where(negative, -1, cups),
        "water_litres": litres,
        "error_code": np.where(fails, ERROR_CODES[randomness.integers(seed, "error", 4, who, day)], ""),
        "firmware": np.full(len(who), "2.4.1" if day >= catalogue.INCIDENTS["firmware_fault"].first else "2.3.9"),
    }
    truth = {
        "record_key": columns["serial_no"],
        "person": who,
        "defect": np.select([negative, impossible], ["negative_cups", "impossible_litres"], ""),
    }
    return (f"devices/telemetry_{catalogue.date_of(day)}.csv", csv_bytes(columns), day, truth), who[fails]
