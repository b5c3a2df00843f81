"""Market research: answers to surveys after deliveries and contacts; the angry and the delighted answer more often."""

import numpy as np

from simulator.nordhaus import catalogue, randomness, texts
from simulator.nordhaus.clock import epoch, utc_offset
from simulator.nordhaus.formatting import csv_bytes
from simulator.nordhaus.orders import order_numbers
from simulator.nordhaus.people import People
from simulator.nordhaus.state import State

ANSWERS = 0.12
COMMENTS = 0.35
DEFECTS = {"score_out_of_range": 0.003, "no_email": 0.2}


def answers(seed: int, day: int, people: People, state: State) -> tuple:
    """The file of the day: (name, bytes, day of delivery, truth columns)."""
    orders = state.orders
    row = np.flatnonzero(orders["arrives"] == day - 2)
    who, placed = orders["person"][row], orders["day"][row]
    late = (orders["arrives"] - orders["promised"])[row].clip(0, 5)
    happy = 0.55 + 0.5 * state.mood[who] - 0.18 * late - 0.9 * orders["is_faulty"][row]
    happy = happy + 0.35 * randomness.normal(seed, "satisfaction", who, placed)
    strong = np.abs(happy - 0.4).clip(0, 1)
    answered = randomness.uniform(seed, "answers", who, placed) < ANSWERS * (0.5 + 1.2 * strong)
    who, placed, happy = who[answered], placed[answered], happy[answered]
    score = np.round(7.5 + 3.0 * happy).clip(0, 10).astype(np.int64)
    draw = randomness.uniform(seed, "feedback defect", who, placed)
    wrong = draw < DEFECTS["score_out_of_range"]
    second = 32_000 + randomness.integers(seed, "answers at", 40_000, who, placed)
    hours = utc_offset(day) // 3600
    local = np.datetime_as_string((epoch(day, second) + utc_offset(day)).astype("datetime64[s]"))
    comments = randomness.uniform(seed, "comments", who, placed) < COMMENTS
    columns = {
        "answer_id": randomness.codes(seed, "answer", 10, who, placed),
        "answered_at": np.strings.add(local, f"+{hours:02d}:00"),
        "survey": np.full(len(who), "nps"),
        "score": np.where(wrong, 77, score),
        "comment": _comments(seed, people, who, placed, happy, comments, day),
        "email": np.where(
            randomness.uniform(seed, "answers by name", who, placed) < DEFECTS["no_email"],
            "",
            np.asarray(people.identity(who, day)["email"]).astype("U"),
        ),
        "order_no": order_numbers(seed, who, placed),
        "ticket_id": np.full(len(who), "", "U10"),
    }
    truth = {
        "record_key": columns["answer_id"],
        "person": who,
        "defect": np.where(wrong, "score_out_of_range", ""),
    }
    return f"feedback/answers_{catalogue.date_of(day)}.csv", csv_bytes(columns), day, truth


def _comments(seed, people, who, placed, happy, has_comment, day) -> np.ndarray:
    written = np.full(len(who), "", dtype=object)
    rows = np.flatnonzero(has_comment)
    if not len(rows):
        return written
    person = who[rows]
    intent = np.where(happy[rows] > 0.5, texts.INTENTS.index("praise"), texts.INTENTS.index("complain_delivery"))
    number = randomness.bits(seed, "comment number", person, placed[rows]).astype(np.int64) & np.int64(2**53 - 1)
    identity = people.identity(person, day)
    facts = {
        "first_name": np.asarray(identity["first_name"]).astype("U"),
        "last_name": np.asarray(identity["last_name"]).astype("U"),
        "order_no": order_numbers(seed, person, placed[rows]),
        "product": np.full(len(rows), "Nord coffee"),
        "days_late": np.full(len(rows), 2),
    }
    channel = np.full(len(rows), texts.CHANNELS.index("survey"))
    text = texts.write(
        seed, number, intent, people.language[person], channel, happy[rows].clip(-1, 1), facts, np.full(len(rows), -1)
    )
    written[rows] = [one.replace("\n", " ") for one in text]
    return written
