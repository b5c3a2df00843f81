"""What Nordhaus sells and where, and what goes wrong on which days. Only the truth knows the incidents."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from simulator.nordhaus import randomness

FIRST_DAY = date(2025, 1, 1)
HISTORY_DAYS = 180

# Category: price level in EUR (median), spread (sigma of the logarithm), margin in percent, days a piece lasts (0: no
# consumable), share of the demand, how often it comes back in percent.
CATEGORIES = {
    "coffee": (9.5, 0.35, 38, 24, 0.20, 1),
    "household": (14.0, 0.60, 42, 60, 0.15, 4),
    "kitchen": (27.0, 0.80, 36, 0, 0.12, 7),
    "textiles": (24.0, 0.60, 48, 0, 0.14, 19),
    "toys": (19.0, 0.60, 40, 0, 0.08, 6),
    "garden": (22.0, 0.80, 35, 0, 0.08, 6),
    "electronics": (59.0, 0.90, 21, 0, 0.07, 11),
    "care": (7.0, 0.50, 45, 40, 0.10, 2),
    "coffee_machines": (249.0, 0.40, 18, 0, 0.02, 8),
    "sports": (32.0, 0.70, 39, 0, 0.04, 13),
}
NAMES = tuple(CATEGORIES)
PRODUCTS_PER_CATEGORY = 40
SMART_CATEGORY = NAMES.index("coffee_machines")
COFFEE = NAMES.index("coffee")
DEMAND = np.array([numbers[4] for numbers in CATEGORIES.values()])
RETURN_SHARE = np.array([numbers[5] / 100 for numbers in CATEGORIES.values()])
MARGIN = np.array([numbers[2] / 100 for numbers in CATEGORIES.values()])
USAGE_DAYS = np.array([numbers[3] for numbers in CATEGORIES.values()])
MEDIAN_PRICE = np.array([numbers[0] for numbers in CATEGORIES.values()])

_BRANCH_TOWNS = ("HH1", "HH2", "B1", "B2", "M1", "K1", "F1", "S1", "L1", "HB1", "H1", "N1")
BRANCHES = np.array(_BRANCH_TOWNS)
LATE_BRANCH = 7  # its files come two days late, always
LATE_BRANCH_DAYS = 2
ADJECTIVES = ("Classic", "Nord", "Hafen", "Elbe", "Insel", "Fjord", "Kontor", "Deich")


@dataclass(frozen=True)
class Products:
    """Every article: arrays of length 400, ordered by category; prices in EUR cent."""

    sku: np.ndarray
    name: np.ndarray
    category: np.ndarray
    price_cents: np.ndarray
    weight: np.ndarray

    @classmethod
    def create(cls, seed: int) -> "Products":
        """Make the range; it is the same for every size of the world."""
        number = np.arange(len(NAMES) * PRODUCTS_PER_CATEGORY)
        category = number // PRODUCTS_PER_CATEGORY
        spread = np.array([numbers[1] for numbers in CATEGORIES.values()])[category]
        price = MEDIAN_PRICE[category] * np.exp(spread * randomness.normal(seed, "price", number) * 0.7)
        digits = randomness.integers(seed, "sku", 9_000_000, number) + 1_000_000
        words = np.array(ADJECTIVES)[randomness.integers(seed, "name", len(ADJECTIVES), number)]
        name = [
            f"{word} {NAMES[kind].replace('_', ' ')} {n % 97}"
            for word, kind, n in zip(words, category, number, strict=True)
        ]
        return cls(
            sku=np.char.add("N", digits.astype("U7")),
            name=np.array(name),
            category=category,
            price_cents=(np.round(price * 2) * 50).astype(np.int64).clip(100) - 1,
            # A few sell most: Zipf within the category.
            weight=1.0 / (1 + number % PRODUCTS_PER_CATEGORY) ** 0.8,
        )

    def choose(self, seed: int, purpose: str, category: np.ndarray, *keys: np.ndarray) -> np.ndarray:
        """Return an article of each `category` (index into the arrays), popular ones more often."""
        ends = np.cumsum(self.weight[:PRODUCTS_PER_CATEGORY])
        place = np.searchsorted(ends, randomness.uniform(seed, purpose, *keys) * ends[-1], side="right")
        return category * PRODUCTS_PER_CATEGORY + place.clip(0, PRODUCTS_PER_CATEGORY - 1)


@dataclass(frozen=True)
class Incident:
    """Something that goes wrong (or viral) from `first` to `last` day, both included."""

    kind: str
    first: int
    last: int

    def holds(self, day: int) -> bool:
        """Tell whether the incident is on."""
        return self.first <= day <= self.last


INCIDENTS = {
    one.kind: one
    for one in (
        Incident("viral_spike", 40, 42),  # a clip makes the toys famous
        Incident("courier_bad_week", 60, 68),
        Incident("web_outage", 75, 75),  # ten to sixteen o'clock
        Incident("newsletter_mistake", 88, 88),  # the same newsletter goes out three times
        Incident("payment_failure", 95, 98),
        Incident("stock_out", 120, 134),  # coffee
        Incident("firmware_fault", 140, 152),  # the coffee machines report errors
    )
}


def is_on(kind: str, day: int) -> bool:
    """Tell whether an incident of the plan holds on `day`."""
    return INCIDENTS[kind].holds(day)


def date_of(day: int) -> date:
    """The calendar date of a day of the world."""
    return FIRST_DAY + timedelta(days=int(day))


def day_of(when: date) -> int:
    """The day of the world of a calendar date."""
    return (when - FIRST_DAY).days


def datetime_utc(text: str) -> datetime:
    """Read an ISO time; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def demand_factor(day: int) -> float:
    """How much more or less is wanted on this date: weekday, payday, spring, the viral days."""
    when = date_of(day)
    weekday = (0.95, 0.9, 0.95, 1.0, 1.2, 1.35, 0.65)[when.weekday()]
    payday = 1.15 if when.day >= 28 or when.day <= 3 else 1.0
    season = 1.0 + 0.12 * np.sin(2 * np.pi * (day - 60) / 365)
    return float(weekday * payday * season * (1.5 if is_on("viral_spike", day) else 1.0))
