"""The contact centre: who gets in touch and why, the messages, the agents' answers and their partly wrong labels."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulator.nordhaus import catalogue, randomness, texts
from simulator.nordhaus.clock import epoch, iso_utc, seconds_of_day
from simulator.nordhaus.formatting import as_text, table
from simulator.nordhaus.orders import order_numbers
from simulator.nordhaus.people import People
from simulator.nordhaus.shop import full_name
from simulator.nordhaus.state import INTEREST, State
from simulator.nordhaus.traits import Traits

CHANNELS = np.array(("email", "chat", "form", "phone"))
CHANNEL_WEIGHTS = np.array((0.34, 0.22, 0.14, 0.30))
RESOLVES_AT_ONCE = {"phone": 0.75, "chat": 0.7, "email": 0.15, "form": 0.1}
SECOND_INTENT = 0.12
# How the contact centre knows who it is: what a caller leaves behind.
DEFECTS = {"no_account": 0.35, "other_email": 0.06, "no_email": 0.25, "wrong_order_no": 0.01}
_ANSWERS = {
    0: "Guten Tag, vielen Dank für Ihre Nachricht. Wir kümmern uns darum und melden uns spätestens übermorgen.",
    1: "Hello, thank you for your message. We are looking into it and will come back to you within two days.",
}
INTENT = {name: number for number, name in enumerate(texts.INTENTS)}


@dataclass(frozen=True)
class Contacts:
    """Everybody who gets in touch on a day, one entry a contact: why, about which order, how they feel."""

    person: np.ndarray
    intent: np.ndarray
    order_day: np.ndarray
    mood: np.ndarray

    @classmethod
    def together(cls, parts: list[tuple]) -> "Contacts":
        """One contact per person and day: the first reason in the list is the one that counts."""
        person, intent, order_day, mood = (np.concatenate(column) for column in zip(*parts, strict=True))
        _, first = np.unique(person, return_index=True)
        return cls(person[first], intent[first], order_day[first], mood[first])


def reasons(seed: int, day: int, state: State, traits: Traits, moved: np.ndarray, failing: np.ndarray) -> Contacts:
    """Who gets in touch on `day`. `moved`: persons with a life event; `failing`: owners of a machine with an error."""
    orders = state.orders
    row = np.arange(len(orders["person"]))
    impatient = 1.3 - traits.patience[orders["person"]]

    def chance(purpose: str) -> np.ndarray:
        return randomness.uniform(seed, f"contact/{purpose}", orders["person"], orders["day"], day)

    late = (orders["ships"] >= 0) & (day > orders["promised"]) & (day <= orders["arrives"])
    very_late = late & (day > orders["promised"] + 2)
    waiting = (orders["ships"] >= 0) & (day > orders["day"]) & (day <= orders["promised"])
    arrived = day - orders["arrives"]
    cases = [
        ("complain_delivery", very_late, 0.30 * impatient, -0.6),
        ("track", late, 0.30 * impatient, -0.2),
        ("track", waiting, 0.04 * impatient, 0.0),
        ("complain_product", orders["is_faulty"] & (arrived >= 1) & (arrived <= 4), 0.45, -0.7),
        ("return", orders["returns"] == day + 1, 0.45, -0.1),
        ("cancel", (orders["cancels"] == day) & (orders["paid"] >= 0), 0.8, 0.0),
        ("pay", (orders["day"] == day) & (orders["paid"] != day), 0.35, -0.3),
        ("voucher", (orders["day"] == day) & (orders["discount_cents"] == 0), 0.03, 0.0),
        ("praise", (arrived == 2) & ~orders["is_faulty"], 0.02, 0.7),
    ]
    parts = []
    for name, where, rate, mood in cases:
        who = row[where & (chance(name) < rate)]
        person = orders["person"][who]
        parts.append((person, np.full(len(who), INTENT[name]), orders["day"][who], np.full(len(who), mood)))
    everybody = np.arange(len(state.need))
    talks = traits.talkative * traits.active(day)
    asks = (state.phase == INTEREST) & (randomness.uniform(seed, "asks", everybody, day) < 0.10 * talks)
    stock = catalogue.is_on("stock_out", day)
    for name, who, rate in (
        ("device_help", failing, 0.25),
        ("change_data", moved, 0.12),
        ("ask_availability" if stock else "ask_product", everybody[asks], 1.0),
        ("consent", everybody[state.fatigue > 1.2], 0.004),
        ("out_of_scope", everybody, 0.0004),
    ):
        kept = who[randomness.uniform(seed, f"contact/{name}", who, day) < rate]
        parts.append((kept, np.full(len(kept), INTENT[name]), np.full(len(kept), -1), state.mood[kept]))
    return Contacts.together(parts)


def feel(day: int, state: State, contacts: Contacts) -> None:
    """A complaint stays open for some days and spoils the mood; praise does the opposite."""
    bad = np.isin(contacts.intent, [INTENT["complain_delivery"], INTENT["complain_product"], INTENT["pay"]])
    state.open_complaint_until[contacts.person[bad]] = day + 5
    state.mood[contacts.person] = (state.mood[contacts.person] + 0.5 * contacts.mood).clip(-1, 1)


def tickets_and_messages(
    seed: int, day: int, people: People, contacts: Contacts, products: catalogue.Products
) -> tuple[pa.Table, pa.Table, dict]:
    """The day's tickets (each as opened, and as resolved), their messages, and the truth columns of the tickets."""
    who = contacts.person
    channel = randomness.weighted(seed, "contact channel", CHANNEL_WEIGHTS, who, day)
    second = seconds_of_day(seed, "contacts", "contact", who, day).clip(0, 80_000)
    opened = epoch(day, second)
    at_once = np.array(list(RESOLVES_AT_ONCE.values()))[[list(RESOLVES_AT_ONCE).index(c) for c in CHANNELS]][channel]
    waits = randomness.uniform(seed, "resolved at once", who, day) >= at_once
    lasts = 300 + randomness.integers(seed, "handling", 1500, who, day)
    resolved = opened + lasts + waits * 86_400 * (1 + randomness.integers(seed, "days open", 5, who, day))
    number = randomness.bits(seed, "message number", who, day).astype(np.int64) & np.int64(2**53 - 1)
    label = texts.agent_label(seed, number, contacts.intent)
    names = np.array([*texts.INTENTS, ""])
    ticket = np.strings.add("T", randomness.codes(seed, "ticket", 8, who, day))
    left = _left_behind(seed, day, people, contacts)
    base = {
        "ticket_id": ticket,
        "created_at": iso_utc(opened),
        "channel": CHANNELS[channel],
        "category": names[label],
        **left,
        "handling_seconds": lasts,
        "agent": np.strings.add("a", randomness.integers(seed, "agent", 24, who, day).astype("U2")),
    }
    open_at = np.minimum(opened + 30, epoch(day, 86_390))
    first = base | {
        "status": np.full(len(who), "open"),
        "updated_at": iso_utc(open_at),
        "resolved_at": np.full(len(who), ""),
    }
    first |= {"promised_until": np.where(waits, iso_utc(opened + 2 * 86_400), "")}
    last = first | {
        "status": np.full(len(who), "resolved"),
        "updated_at": iso_utc(resolved),
        "resolved_at": iso_utc(resolved),
    }
    both = {name: np.concatenate([first[name], last[name]]) for name in first}
    truth = {
        "record_key": ticket,
        "person": who,
        "defect": np.where((label >= 0) & (label != contacts.intent), "wrong_label", ""),
        "intent": names[contacts.intent],
    }
    return table(both), _messages(seed, day, people, contacts, products, channel, number, ticket, opened, left), truth


def _left_behind(seed: int, day: int, people: People, contacts: Contacts) -> dict[str, np.ndarray]:
    """How the contact can be recognised: e-mail or number, account and order, each often missing or somebody else's."""
    who = contacts.person
    has = {kind: randomness.uniform(seed, f"contact/{kind}", who, day) < rate for kind, rate in DEFECTS.items()}
    identity = people.identity(who, day)
    email = np.where(has["other_email"], as_text(identity["second_email"]), as_text(identity["email"]))
    about = contacts.order_day >= 0
    order = np.where(about, order_numbers(seed, who, contacts.order_day), "")
    knows_account = people.has_account[who] & ~has["no_account"]
    calls = has["no_email"] | (randomness.uniform(seed, "leaves number", who, day) < 0.3)
    return {
        "contact_email": np.where(has["no_email"], "", email),
        "contact_phone": np.where(calls, as_text(identity["phone"]), ""),
        "contact_name": full_name(identity),
        "account_id": np.where(knows_account, people.account_id(who), ""),
        "order_no": np.where(has["wrong_order_no"] & about, randomness.codes(seed, "no order", 10, who, day), order),
    }


def _messages(seed, day, people, contacts, products, channel, number, ticket, opened, left) -> pa.Table:
    who = contacts.person
    identity = people.identity(who, day)
    other = randomness.integers(seed, "second intent", len(texts.INTENTS), who, day)
    two = randomness.uniform(seed, "two intents", who, day) < SECOND_INTENT
    names = ("email", "chat", "form", "phone_note")
    facts = {
        "first_name": as_text(identity["first_name"]),
        "last_name": as_text(identity["last_name"]),
        "order_no": left["order_no"],
        "product": products.name[randomness.integers(seed, "about", len(products.sku), who, day)],
        "days_late": 1 + randomness.integers(seed, "days late", 6, who, day),
    }
    spoken = np.array([texts.CHANNELS.index(name) for name in names])[channel]
    written = texts.write(
        seed, number, contacts.intent, people.language[who], spoken, contacts.mood, facts, np.where(two, other, -1)
    )
    answer = np.array([_ANSWERS[0], _ANSWERS[1]])[people.language[who]]
    answered = opened + 60 + randomness.integers(seed, "answered", 7200, who, day)
    customer = {
        "message_id": np.strings.add(ticket, "-1"),
        "ticket_id": ticket,
        "sent_at": iso_utc(opened),
        "direction": np.full(len(who), "in"),
        "text": np.array(written, dtype=object),
    }
    agent = {
        "message_id": np.strings.add(ticket, "-2"),
        "ticket_id": ticket,
        "sent_at": iso_utc(np.minimum(answered, epoch(day, 86_395))),
        "direction": np.full(len(who), "out"),
        "text": answer.astype(object),
    }
    return table({name: np.concatenate([customer[name], agent[name]]) for name in customer})
