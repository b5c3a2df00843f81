"""What a company knows of its customers from its own records: counted day by day from what happened, never from truth.

Windows end with the evening before the decision. Sessions are known of people with an account or the app only.
"""

import numpy as np

from simulator.nordhaus import catalogue
from simulator.nordhaus.service import INTENT
from simulator.nordhaus.state import NOBODY
from simulator.nordhaus.world import Happenings, World

_COMPLAINTS = [INTENT["complain_delivery"], INTENT["complain_product"], INTENT["pay"]]
_KEPT_DAYS = 29
_WEARS_OFF, _CALMS_DOWN = 0.93, 0.97  # decay per day of mailings and complaints: half gone in 10 and 23 days
NEVER = 999


class Facts:
    """Daily counts of the last weeks (ring buffers of shape (days, n)) and totals since the beginning (n)."""

    def __init__(self, world: World) -> None:
        self.world = world
        size = world.n
        kinds = ("bought", "sessions", "compares", "app", "mails", "opens", "clicks", "tickets", "complaints")
        self.recent = {kind: np.zeros((_KEPT_DAYS, size), np.float32) for kind in kinds}
        self.ever = {
            kind: np.zeros(size, np.float32) for kind in ("bought", "mails", "opens", "clicks", "tickets", "vouchers")
        }
        self.margin, self.lines, self.online = np.zeros(size), np.zeros(size), np.zeros(size)
        self.pressure, self.trouble = np.zeros(size), np.zeros(size)
        self.last_bought = np.full(size, -NEVER)
        self.last_session = np.full(size, -NEVER)
        self.bought_of = np.zeros((size, len(catalogue.NAMES)), np.float32)
        self.looked_at = np.zeros((size, len(catalogue.NAMES)), np.float32)

    def note(self, happened: Happenings) -> None:
        """Take in one day."""
        place = happened.day % _KEPT_DAYS
        for counts in self.recent.values():
            counts[place] = 0
        for bought, lines in ((happened.online, happened.online_lines), (happened.in_branch, happened.branch_lines)):
            who = bought.person
            products = self.world.products
            each = lines.quantity * products.price_cents[lines.product] / 100
            each = each * catalogue.MARGIN[products.category[lines.product]]
            self.margin += np.bincount(who[lines.owner], each, self.world.n)
            self.lines += np.bincount(who, bought.lines, self.world.n)
            self.online += np.bincount(who, bought.branch == NOBODY, self.world.n)
            self._count("bought", place, who)
            self.last_bought[who] = happened.day
            np.add.at(self.bought_of, (who, bought.category), 1)
        orders = self.world.state.orders
        reduced = (orders["day"] == happened.day) & (orders["discount_cents"] > 0)
        self.ever["vouchers"] += np.bincount(orders["person"][reduced], minlength=self.world.n)
        self._note_visits(happened, place)
        self._note_mailings(happened, place)
        self.pressure = self.pressure * _WEARS_OFF + self.recent["mails"][place]
        self._count("tickets", place, happened.contacts.person)
        self._count("complaints", place, happened.contacts.person[np.isin(happened.contacts.intent, _COMPLAINTS)])
        self.trouble = self.trouble * _CALMS_DOWN + self.recent["complaints"][place]

    def table(self, day: int, person: np.ndarray) -> dict[str, np.ndarray]:
        """Return the features (n) of `person` on the morning of `day`, by name."""
        fans = self.world.people
        # What somebody buys most; before the first purchase, what they look at.
        favourite = (self.bought_of + 0.1 * self.looked_at / (1 + self.looked_at.sum(axis=1, keepdims=True))).argmax(
            axis=1
        )
        usage = np.where(self.ever["bought"] > 0, catalogue.USAGE_DAYS[favourite], 0)
        since = day - self.last_bought
        orders = np.maximum(self.ever["bought"], 1)
        mails = np.maximum(self.ever["mails"], 1)
        found = {
            "recency_days": since.clip(0, NEVER),
            "baskets_7d": self._within("bought", day, 7),
            "baskets_28d": self._within("bought", day, 28),
            "baskets": self.ever["bought"],
            "margin_per_basket_eur": np.where(self.ever["bought"] > 0, self.margin / orders, np.nan),
            "usual_margin_eur": self._usual(favourite),
            "favourite_margin_eur": (catalogue.MEDIAN_PRICE * catalogue.MARGIN)[favourite],
            "lines_per_basket": np.where(self.ever["bought"] > 0, self.lines / orders, np.nan),
            "online_share": np.where(self.ever["bought"] > 0, self.online / orders, np.nan),
            "mail_pressure": self.pressure,
            "trouble": self.trouble,
            "days_to_repurchase": np.where(usage > 0, usage - since, np.nan),
            "overdue_ratio_168d": np.where(usage > 0, since / np.maximum(usage, 1), np.nan),
            "buys_coffee_machines": self.bought_of[:, catalogue.SMART_CATEGORY],
            "voucher_share": self.ever["vouchers"] / orders,
            "session_recency_days": (day - self.last_session).clip(0, NEVER),
            "sessions_3d": self._within("sessions", day, 3),
            "sessions_28d": self._within("sessions", day, 28),
            "compares_1d": self._within("compares", day, 1),
            "compares_3d": self._within("compares", day, 3),
            "app_sessions_28d": self._within("app", day, 28),
            "mailings_7d": self._within("mails", day, 7),
            "mailings_28d": self._within("mails", day, 28),
            "open_share": self.ever["opens"] / mails,
            "click_share": self.ever["clicks"] / mails,
            "clicks_7d": self._within("clicks", day, 7),
            "open_cases": self._within("complaints", day, 5),
            "tickets_28d": self._within("tickets", day, 28),
            "tickets": self.ever["tickets"],
            "age_years": fans.age(day),
            "has_app": fans.has_app,
            "has_account": fans.has_account,
        }
        return {name: np.asarray(values, dtype=np.float32)[person] for name, values in found.items()}

    def _usual(self, favourite: np.ndarray) -> np.ndarray:
        """Return what a basket of each customer brings, with two baskets of those who like the same to start from."""
        kinds = len(catalogue.NAMES)
        baskets = np.bincount(favourite, self.ever["bought"], kinds)
        alike = (np.bincount(favourite, self.margin, kinds) + 10) / (baskets + 1)
        return (self.margin + 2 * alike[favourite]) / (self.ever["bought"] + 2)

    def _note_visits(self, happened: Happenings, place: int) -> None:
        people = self.world.people
        known = people.has_account[happened.sessions.person] | happened.sessions.is_app
        who, purpose = happened.sessions.person[known], happened.sessions.purpose[known]
        self._count("sessions", place, who)
        self._count("app", place, who[happened.sessions.is_app[known]])
        self._count("compares", place, who[np.isin(purpose, ["compare", "buy"])])
        self.last_session[who] = happened.day
        np.add.at(self.looked_at, (who, happened.sessions.category[known].clip(0)), 1)

    def _note_mailings(self, happened: Happenings, place: int) -> None:
        sent = happened.sent
        self._count("mails", place, sent.person)
        order = np.argsort(sent.send_id)
        for kind, name in (("open", "opens"), ("click", "clicks")):
            rows = happened.responses.column("kind").to_numpy(zero_copy_only=False) == kind
            ids = happened.responses.column("send_id").to_numpy(zero_copy_only=False)[rows].astype(str)
            at = np.searchsorted(sent.send_id, ids, sorter=order) if len(order) else np.empty(0, int)
            self._count(name, place, sent.person[order[at]] if len(order) else sent.person)

    def _count(self, kind: str, place: int, who: np.ndarray) -> None:
        counts = np.bincount(who, minlength=self.world.n)
        self.recent[kind][place] += counts
        if kind in self.ever:
            self.ever[kind] += counts

    def _within(self, kind: str, day: int, days: int) -> np.ndarray:
        places = [(day - back) % _KEPT_DAYS for back in range(1, days + 1)]
        return self.recent[kind][places].sum(axis=0)
