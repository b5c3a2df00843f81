"""The shop's tables as changes of a day; `shop_database.py` brings them into a database."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.nordhaus import catalogue, randomness
from simulator.nordhaus.clock import epoch, iso_utc
from simulator.nordhaus.formatting import as_text, table
from simulator.nordhaus.orders import OrderChanges, OrderLines, order_numbers
from simulator.nordhaus.people import People
from simulator.nordhaus.state import State

TABLES = ("accounts", "orders", "order_lines", "products", "deletions")
DELETES_ACCOUNT = 0.00005  # a day
# What people type into the shop's form.
DEFECTS = {"name_in_capitals": 0.03, "no_birth_date": 0.45, "no_phone": 0.55, "typed_email_wrong": 0.004}


def account_days(seed: int, people: People, joins_day: np.ndarray) -> np.ndarray:
    """On which day each person opens an account (n); -1 is "before the history", a million is never."""
    person = np.arange(people.n)
    day = np.where(joins_day > 0, joins_day + randomness.integers(seed, "opens account", 10, person), -1)
    return np.where(people.has_account, day, 1_000_000)


def deletion_days(seed: int, people: People) -> np.ndarray:
    """On which day each person has the account removed (n); most after the end of time."""
    draw = randomness.uniform(seed, "deletes account", np.arange(people.n))
    return (-np.log1p(-draw) / DELETES_ACCOUNT).astype(np.int64)


def accounts(seed: int, day: int, people: People, opened: np.ndarray, deleted: np.ndarray) -> tuple[pa.Table, dict]:
    """Accounts opened or changed on `day`, and the truth columns."""
    is_first = opened == day if day else opened <= 0
    changed = [who for kind, who in people.life_events(day).items() if kind != "none"]
    moved = np.unique(np.concatenate([*changed, np.empty(0, np.int64)])).astype(np.int64)
    tells = moved[randomness.uniform(seed, "tells the shop", moved, day) < 0.6]
    who = np.union1d(np.flatnonzero(is_first), tells[opened[tells] < day])
    who = who[deleted[who] > day]
    identity = people.identity(who, day)
    draws = {kind: randomness.uniform(seed, f"shop/{kind}", who) for kind in DEFECTS}
    has = {kind: draw < DEFECTS[kind] for kind, draw in draws.items()}
    name = full_name(identity)
    email = as_text(identity["email"])
    wrong = pc.replace_substring(pa.array(email), ".", ",", max_replacements=1).to_numpy(zero_copy_only=False)
    at = epoch(day, 30_000 + randomness.integers(seed, "account at", 40_000, who, day))
    created = np.where(opened[who] < 0, at - 86_400 * (30 + randomness.integers(seed, "since", 900, who)), at)
    columns = {
        "account_id": people.account_id(who),
        "email": np.where(has["typed_email_wrong"], wrong, email),
        "is_email_verified": randomness.uniform(seed, "verified", who) < 0.85,
        "full_name": np.where(has["name_in_capitals"], np.char.upper(name), name),
        "birth_date": np.where(has["no_birth_date"], "", as_text(identity["birth_date"])),
        "phone": np.where(has["no_phone"], "", as_text(identity["phone"])),
        **{part: as_text(identity[part]) for part in ("street", "postcode", "town", "country")},
        "language": np.where(people.language[who] == 0, "de", "en"),
        "created_at": iso_utc(created),
        "updated_at": iso_utc(at),
    }
    defect = np.select(
        [has["typed_email_wrong"], has["name_in_capitals"]], ["typed_email_wrong", "name_in_capitals"], ""
    )
    return table(columns), {"record_key": columns["account_id"], "person": who, "defect": defect}


def orders(seed: int, people: People, day: int, state: State, changes: OrderChanges) -> tuple[pa.Table, dict]:
    """Rows of orders as they are after each change of the day, and the truth columns."""
    known = {name: values[changes.row] for name, values in state.orders.items()}
    person, placed = known["person"], known["day"]
    to = _recipients(seed, people, person, placed, known["is_gift"], day)
    columns = {
        "order_no": order_numbers(seed, person, placed),
        "account_id": people.account_id(person),
        "ordered_at": iso_utc(epoch(placed, known["second"])),
        "status": changes.status,
        "total_cents": known["total_cents"],
        "discount_cents": known["discount_cents"],
        "voucher_code": np.where(known["discount_cents"] > 0, "NORD15", ""),
        "promised_date": np.datetime_as_string(np.datetime64(catalogue.FIRST_DAY) + known["promised"]),
        **to,
        "updated_at": iso_utc(changes.changed_at),
    }
    return table(columns), {"record_key": columns["order_no"], "person": person, "defect": np.full(len(person), "")}


def order_lines(
    seed: int, day: int, buyers: np.ndarray, at: np.ndarray, lines: OrderLines, products: catalogue.Products
) -> pa.Table:
    """The articles of the day's orders; `buyers` and `at` (epoch seconds) are one entry an order."""
    return table(
        {
            "order_no": order_numbers(seed, buyers, day)[lines.owner],
            "line_no": lines.line_no,
            "sku": products.sku[lines.product],
            "quantity": lines.quantity,
            "price_cents": lines.price_cents,
            "created_at": iso_utc(at[lines.owner]),
        }
    )


def product_list(products: catalogue.Products) -> pa.Table:
    """The whole range."""
    kind = products.category
    brands = np.array(("Nordhaus", "Kontor", "Import"))[np.arange(len(kind)) % 3]
    usage = catalogue.USAGE_DAYS[kind]
    return table(
        {
            "sku": products.sku,
            "name": products.name,
            "category": np.array(catalogue.NAMES)[kind],
            "brand": brands,
            "price_cents": products.price_cents,
            "margin_percent": (catalogue.MARGIN[kind] * 100).round(1),
            "usage_days": np.where(usage > 0, usage.astype("U4"), ""),
        }
    )


def deletions(seed: int, day: int, people: People, opened: np.ndarray, deleted: np.ndarray) -> pa.Table:
    """The accounts that are removed on `day`; the database's trigger writes its own note of it."""
    who = np.flatnonzero((deleted == day) & (opened < day))
    at = epoch(day, 40_000 + randomness.integers(seed, "deleted at", 20_000, who))
    return table({"row_key": people.account_id(who), "deleted_at": iso_utc(at)})


def _recipients(seed, people, person, placed, is_gift, day) -> dict[str, np.ndarray]:
    """Where an order goes: home, or as a gift to somebody else in the household or far away."""
    # The friend is one of the 64 around the buyer: the same in a world of any size.
    friend = person // 64 * 64 + randomness.integers(seed, "gift to", 64, person, placed)
    receiver = np.where(is_gift & (friend < people.n), friend, person)
    identity = people.identity(receiver, day)
    name = full_name(identity)
    return {"ship_to_name": name} | {
        f"ship_to_{part}": as_text(identity[part]) for part in ("street", "postcode", "town")
    }


def full_name(identity: dict[str, np.ndarray]) -> np.ndarray:
    """First and last name with a blank between them."""
    return np.strings.add(np.strings.add(as_text(identity["first_name"]), " "), as_text(identity["last_name"]))
