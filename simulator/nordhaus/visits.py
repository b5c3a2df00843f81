"""What sessions leave in web and app: hourly JSON lines and daily Parquet, with bots, late hours, repeated events."""

from dataclasses import dataclass

import numpy as np

from simulator.nordhaus import catalogue, randomness
from simulator.nordhaus.clock import epoch
from simulator.nordhaus.formatting import jsonl_bytes, parquet_bytes
from simulator.nordhaus.needs import Sessions
from simulator.nordhaus.people import People

DEFECTS = {
    "bot_event": 0.03,  # share of all web events
    "repeated_event": 0.003,  # an event that the next hour delivers once more
    "late_hour": 0.01,  # hours whose file comes two days late
    "hour_delivered_twice": 0.008,
}
LATE_DAYS = 2
# Events of a session by purpose: a beginning, a middle that repeats, an end.
_PATTERNS = {
    "browse": ((), ("view", "view", "search"), (), 3.0),
    "compare": (("search",), ("view", "view", "cart"), (), 4.0),
    "buy": ((), ("view", "search"), ("cart", "login", "checkout", "order"), 2.5),
    "track": (("login",), (), ("track",), 0.0),
    "return": (("login",), (), ("return_form",), 0.0),
    "cancel": (("login",), (), ("cancel_form",), 0.0),
    "help": ((), ("help", "search"), (), 1.5),
}
_AGENTS = np.array(
    (
        *("Mozilla/5.0 (Windows NT 10.0) Firefox/128.0", "Mozilla/5.0 (iPhone) Safari/605.1"),
        *("Mozilla/5.0 (Linux; Android 14) Chrome/126.0", "Mozilla/5.0 (Macintosh) Safari/605.1"),
    )
)
_DEVICES = np.array(("desktop", "phone", "phone", "desktop"))
_BOTS = np.array(("Googlebot/2.1", "python-requests/2.32", "AhrefsBot/7.0", "HeadlessChrome/126.0"))
STAYS_LOGGED_IN = 0.45


@dataclass(frozen=True)
class Events:
    """Events in the order of time; `session` is the index of the session, text is empty where there is none."""

    session: np.ndarray
    number: np.ndarray
    event: np.ndarray
    at: np.ndarray
    is_known: np.ndarray


def events_of(seed: int, day: int, sessions: Sessions) -> Events:
    """Unfold sessions into events, some seconds apart."""
    parts = []
    for purpose, (start, middle, end, mean) in _PATTERNS.items():
        rows = np.flatnonzero(sessions.purpose == purpose)
        person = sessions.person[rows]
        count = 1 + randomness.poisson(seed, f"events {purpose}", mean, person, day) if middle else rows * 0
        total = len(start) + count + len(end)
        owner = np.repeat(np.arange(len(rows)), total)
        place = np.arange(len(owner)) - (np.cumsum(total) - total)[owner]
        from_end = total[owner] - place
        words = np.array(start + middle + end)
        repeating = len(start) + place % max(len(middle), 1)
        index = np.where(from_end <= len(end), len(words) - from_end, np.where(place < len(start), place, repeating))
        stays = randomness.uniform(seed, f"stays {purpose}", person, day) < STAYS_LOGGED_IN
        parts.append((rows[owner], place, words[index], stays[owner] | _is_after_login(start, end, from_end)))
    session, number, event, known = (np.concatenate(column) for column in zip(*parts, strict=True))
    person = sessions.person[session]
    pause = 4 + randomness.integers(seed, "pause", 55, person, day, sessions.second[session], number)
    second = np.minimum(sessions.second[session] + number * 30 + pause, 86_399)
    order = np.lexsort((number, session, second))
    at = epoch(day, second)
    return Events(*(values[order] for values in (session, number, event, at, known)))


def _is_after_login(start: tuple[str, ...], end: tuple[str, ...], from_end: np.ndarray) -> np.ndarray:
    """Tell which events of a pattern come with or after its login."""
    if "login" in start:
        return np.ones(len(from_end), np.bool_)
    return from_end <= (len(end) - end.index("login") if "login" in end else 0)


def web_files(seed: int, day: int, people: People, sessions: Sessions, products: catalogue.Products) -> list[tuple]:
    """The hourly files of a day: (name, bytes, day on which it is handed over, truth columns).

    The truth names the person behind each event and each planted defect.
    """
    events = events_of(seed, day, sessions)
    columns, person = _web_columns(seed, day, people, sessions, events, products)
    columns, person = _with_bots(seed, day, columns, person, products)
    hour = ((columns["ts"] // 1000 - epoch(day, 0)) // 3600).astype(np.int64).clip(0, 23)
    if catalogue.is_on("web_outage", day):
        kept = (hour < 10) | (hour > 15)
        columns, person, hour = {name: values[kept] for name, values in columns.items()}, person[kept], hour[kept]
    repeated = randomness.uniform(seed, "repeated", columns["ts"], person) < DEFECTS["repeated_event"]
    files = []
    for one in range(24):
        own = hour == one
        again = repeated & (hour == one - 1)
        rows = np.concatenate([np.flatnonzero(own), np.flatnonzero(again)])
        if not len(rows):
            continue
        data = jsonl_bytes({name: values[rows] for name, values in columns.items()})
        late = bool(randomness.uniform(seed, "late hour", day, one) < DEFECTS["late_hour"])
        twice = bool(randomness.uniform(seed, "hour twice", day, one) < DEFECTS["hour_delivered_twice"])
        truth = {
            "record_key": columns["event_id"][rows],
            "person": person[rows],
            "defect": np.where(
                person[rows] < 0, "bot_event", np.where(np.arange(len(rows)) >= own.sum(), "repeated_event", "")
            ),
        }
        name = f"web/events_{catalogue.date_of(day)}T{one:02d}"
        files.append((f"{name}.jsonl", data, day + LATE_DAYS * late, truth))
        if twice:
            files.append((f"{name}-2.jsonl", data, day + 1, None))
    return files


def _web_columns(seed, day, people, sessions, events, products) -> tuple[dict[str, np.ndarray], np.ndarray]:
    on_web = ~sessions.is_app[events.session]
    session, number = events.session[on_web], events.number[on_web]
    event, known = events.event[on_web], events.is_known[on_web]
    person = sessions.person[session]
    shown = np.isin(event, ("view", "cart", "order"))
    article = products.choose(seed, "looks at", sessions.category[session].astype(np.int64), person, day, number)
    known = known & people.has_account[person]
    agent = randomness.integers(seed, "agent", len(_AGENTS), person)
    with_order = np.isin(event, ("order", "track", "return_form", "cancel_form"))
    columns = {
        "event_id": randomness.codes(seed, "web event", 12, person, day, sessions.second[session], number),
        "ts": events.at[on_web] * 1000 + randomness.integers(seed, "millisecond", 1000, person, day, number),
        "visitor_id": people.visitor_ids(person, day, _DEVICES[agent] == "desktop").astype("U20"),
        "login": np.where(known, people.account_id(person), ""),
        "event": event,
        "page": np.char.add("/", event),
        "sku": np.where(shown, products.sku[article], ""),
        "order_no": np.where(with_order, sessions.order_no[session], ""),
        "utm_campaign": np.full(len(person), "", "U8"),
        "device_type": _DEVICES[agent],
        "user_agent": _AGENTS[agent],
    }
    return columns, person


def _with_bots(seed, day, columns, person, products) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Add machines that crawl: they look at articles fast, never log in, and some say what they are."""
    count = int(len(person) * DEFECTS["bot_event"] / (1 - DEFECTS["bot_event"]))
    number = np.arange(count)
    crawler = number // 60
    second = randomness.integers(seed, "bot begins", 80_000, crawler, day) + number % 60
    category = randomness.integers(seed, "bot looks", len(catalogue.NAMES), number, day)
    bots = {
        "event_id": randomness.codes(seed, "bot event", 12, number, day),
        "ts": epoch(day, second) * 1000 + randomness.integers(seed, "bot millisecond", 1000, number, day),
        "visitor_id": randomness.codes(seed, "bot", 12, crawler, day),
        "event": np.full(count, "view"),
        "page": np.full(count, "/view"),
        "sku": products.sku[products.choose(seed, "bot article", category, number, day)],
        "device_type": np.full(count, "desktop"),
        "user_agent": _BOTS[randomness.integers(seed, "bot name", len(_BOTS), crawler, day)],
    }
    empty = np.full(count, "")
    together = {name: np.concatenate([values, bots.get(name, empty)]) for name, values in columns.items()}
    who = np.concatenate([person, np.full(count, -1)])
    order = np.lexsort((together["event_id"], together["ts"]))
    return {name: values[order] for name, values in together.items()}, who[order]


def app_file(seed: int, day: int, people: People, sessions: Sessions, products: catalogue.Products) -> tuple:
    """The app's file of a day: (name, bytes, day of delivery, truth columns)."""
    events = events_of(seed, day, sessions)
    on_app = sessions.is_app[events.session]
    session, number = events.session[on_app], events.number[on_app]
    person, event = sessions.person[session], events.event[on_app]
    shown = np.isin(event, ("view", "cart", "order"))
    article = products.choose(seed, "looks at", sessions.category[session].astype(np.int64), person, day, number)
    columns = {
        "event_id": randomness.codes(seed, "app event", 12, person, day, sessions.second[session], number),
        "epoch": events.at[on_app],
        "install_id": people.install_id(person),
        "account_id": np.where(people.has_account[person] & events.is_known[on_app], people.account_id(person), ""),
        "event": event,
        "sku": np.where(shown, products.sku[article], ""),
        "platform": np.where(randomness.uniform(seed, "platform", person) < 0.6, "android", "ios"),
    }
    truth = {"record_key": columns["event_id"], "person": person, "defect": np.full(len(person), "")}
    return f"app/events_{catalogue.date_of(day)}.parquet", parquet_bytes(columns), day, truth
