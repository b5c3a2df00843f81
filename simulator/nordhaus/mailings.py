"""Marketing: newsletters, pushes and letters, who opened, clicked, bounced or left, and what it does to people."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulator.nordhaus import catalogue, effects, randomness
from simulator.nordhaus.clock import epoch, iso_utc
from simulator.nordhaus.formatting import table
from simulator.nordhaus.people import People
from simulator.nordhaus.state import State
from simulator.nordhaus.traits import Traits

TUESDAY, WEDNESDAY, FRIDAY = 1, 2, 4
SENDS_AT = {"email": 8 * 3600, "push": 18 * 3600, "letter": 6 * 3600}
TIRES = 0.28  # fatigue per mailing
NUDGE = 0.10  # additional needs per day after a click that fits; it wears off in days
DEFECTS = {"bounced_address": 0.012, "robot_click": 0.006}


@dataclass(frozen=True)
class Mailing:
    """One mailing: its id, channel, category of goods and the day it goes out."""

    campaign_id: str
    name: str
    channel: str
    category: int
    day: int
    copies: int = 1


def plan(seed: int, day: int) -> list[Mailing]:
    """The department's own mailings of a day: newsletters Tuesday and Friday, a push Wednesday, letters monthly."""
    when = catalogue.date_of(day)
    kinds = {TUESDAY: ["email"], WEDNESDAY: ["push"], FRIDAY: ["email"]}.get(when.weekday(), [])
    kinds = kinds + (["letter"] if when.day == 12 else [])
    copies = 3 if catalogue.is_on("newsletter_mistake", day) else 1
    kinds = kinds or (["email"] if copies > 1 else [])
    found = []
    for kind in kinds:
        category = int(randomness.weighted(seed, f"mailing {kind}", catalogue.DEMAND, day))
        number = int(randomness.integers(seed, f"mailing number {kind}", 900_000, day)) + 100_000
        name = f"{kind} {catalogue.NAMES[category]} {when:%d.%m.}"
        found.append(Mailing(f"C{number}", name, kind, category, day, copies))
    return found


def mailing_list(seed: int, until: int) -> pa.Table:
    """Every mailing announced up to `until`."""
    every = [one for day in range(until + 1) for one in plan(seed, day)]
    days = np.array([one.day for one in every], dtype=np.int64)
    dates = np.datetime64(catalogue.FIRST_DAY)
    return table(
        {
            "campaign_id": np.array([one.campaign_id for one in every], dtype="U16"),
            "name": np.array([one.name for one in every], dtype="U80"),
            "category": np.array([catalogue.NAMES[one.category] for one in every], dtype="U24"),
            "channel": np.array([one.channel for one in every], dtype="U8"),
            "purpose": np.full(len(every), "marketing"),
            "starts_date": np.datetime_as_string(dates + days),
            "ends_date": np.datetime_as_string(dates + days + 14),
        }
    )


@dataclass(frozen=True)
class Sent:
    """Mailings in people's hands, one entry a send: who, how fitting it was, and the id."""

    person: np.ndarray
    send_id: np.ndarray
    campaign_id: np.ndarray
    channel: np.ndarray
    category: np.ndarray
    action: np.ndarray
    at: np.ndarray

    @classmethod
    def together(cls, parts: list["Sent"]) -> "Sent":
        """All sends of several mailings, in their order."""
        parts = parts or [_sent(0, np.empty(0, np.int64), "", "email", -1, "", 0, 0)]
        names = cls.__dataclass_fields__
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def send(seed: int, day: int, reach: dict[str, np.ndarray], state: State, traits: Traits) -> Sent:
    """Send the day's own mailings to everybody who may be addressed on the channel."""
    parts = []
    for one in plan(seed, day):
        for copy in range(one.copies):
            person = np.flatnonzero(reach[one.channel] & traits.active(day) & ~state.opted_out)
            parts.append(_sent(seed, person, one.campaign_id, one.channel, one.category, "", day, copy))
    return Sent.together(parts)


def act(seed: int, day: int, person: np.ndarray, action: np.ndarray) -> Sent:
    """Carry out the platform's actions that are messages; `action` is an index into effects.NAMES (m)."""
    parts = []
    for number, name in enumerate(effects.NAMES):
        channel = effects.CHANNELS[number]
        who = person[action == number]
        if channel in SENDS_AT and len(who):
            parts.append(_sent(seed, who, f"A{number:02d}{day:04d}", channel, -1, name, day, 9))
    return Sent.together(parts)


def sends_table(people: People, sent: Sent, day: int) -> pa.Table:
    """The rows of `sends`: the recipient is what the channel addresses."""
    identity = people.identity(sent.person, day)
    email = np.asarray(identity["email"]).astype("U")
    install, contact = people.install_id(sent.person), people.contact_no(sent.person, 0)
    recipient = np.select([sent.channel == "email", sent.channel == "push"], [email, install], contact)
    return table(
        {
            "send_id": sent.send_id,
            "campaign_id": sent.campaign_id,
            "recipient": recipient,
            "channel": sent.channel,
            "action_id": sent.action,
            "sent_at": iso_utc(sent.at),
        }
    )


def respond(seed: int, day: int, sent: Sent, state: State, traits: Traits) -> pa.Table:
    """Let people open, click, bounce and unsubscribe; clicks nudge their needs, too many mailings tire them."""
    who = sent.person
    unit = randomness.bits(seed, "send", who, day, sent.at % 97).astype(np.int64)

    def chance(purpose: str) -> np.ndarray:
        return randomness.uniform(seed, f"mailing/{purpose}", unit)

    is_letter = sent.channel == "letter"
    bounces = (sent.channel == "email") & (chance("bounce") < DEFECTS["bounced_address"])
    fits = (traits.favourite[who] == sent.category) * 0.9 + (state.need[who] == sent.category) * 1.4
    tired = state.fatigue[who]
    opens = ~bounces & ~is_letter & (chance("open") < _logistic(-1.9 + 2.2 * traits.mail_openness[who] - 0.5 * tired))
    clicks = opens & (chance("click") < _logistic(-2.1 + fits + 0.7 * traits.price_sensitivity[who]))
    robots = ~bounces & ~is_letter & (chance("robot") < DEFECTS["robot_click"])
    leaves = ~bounces & (chance("leave") < _logistic(-7.2 + 1.5 * tired - 1.0 * state.mood[who]))
    state.fatigue[:] += np.bincount(who, minlength=len(state.fatigue)) * TIRES
    nudged = who[clicks]
    state.nudge[nudged] += NUDGE * (0.4 + 0.6 * (fits[clicks] > 0)) * np.exp(-0.4 * tired[clicks])
    state.nudge_category[nudged] = np.where(sent.category[clicks] >= 0, sent.category[clicks], traits.favourite[nudged])
    state.opted_out[who[leaves]] = True
    kinds = [
        ("bounce", bounces, 30),
        ("open", opens, 3600),
        ("click", clicks, 3700),
        ("click", robots, 5),
        ("unsubscribe", leaves, 4000),
    ]
    tables = []
    for kind, where, delay in kinds:
        rows = np.flatnonzero(where)
        after = delay + (randomness.uniform(seed, f"mailing/after {kind}", unit[rows]) ** 2 * 20_000).astype(np.int64)
        at = np.minimum(sent.at[rows] + (delay if kind == "bounce" else after), epoch(day, 86_398))
        tag = f"{kind}{delay}"
        tables.append(
            {
                "response_id": randomness.codes(seed, f"response/{tag}", 12, unit[rows]),
                "send_id": sent.send_id[rows],
                "kind": np.full(len(rows), kind, "U11"),
                "occurred_at": iso_utc(at),
            }
        )
    return table({name: np.concatenate([part[name] for part in tables]) for name in tables[0]})


def _sent(seed, person, campaign_id, channel, category, action, day, copy) -> Sent:
    second = SENDS_AT[channel] + randomness.integers(seed, f"sent {channel}", 1800, person, day, copy)
    count = len(person)
    return Sent(
        person,
        randomness.codes(seed, f"send {channel}", 12, person, day, copy),
        np.full(count, campaign_id, "U16"),
        np.full(count, channel, "U8"),
        np.full(count, category, np.int64),
        np.full(count, action, "U24"),
        epoch(day, second),
    )


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
