"""The customers of Nordhaus, day by day: people want, buy, wait, complain and answer. departments.py writes."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulator.nordhaus import (
    after_sales,
    catalogue,
    consent,
    effects,
    machines,
    mailings,
    needs,
    orders,
    randomness,
    service,
    shop,
)
from simulator.nordhaus.mailings import Sent
from simulator.nordhaus.needs import Purchases, Sessions
from simulator.nordhaus.orders import OrderChanges, OrderLines
from simulator.nordhaus.people import People
from simulator.nordhaus.service import Contacts
from simulator.nordhaus.state import NOBODY, State
from simulator.nordhaus.traits import Traits

USES_VOUCHER = 0.10
NO_ACTIONS = (np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True)
class Happenings:
    """Everything that happened on one day, before any department wrote it down."""

    day: int
    sessions: Sessions
    online: Purchases
    online_lines: OrderLines
    in_branch: Purchases
    branch_lines: OrderLines
    changes: OrderChanges
    contacts: Contacts
    telemetry: tuple
    sent: Sent
    responses: pa.Table
    consent_changes: tuple


class World:
    """A company of `n` customers with everything about them that only the truth knows."""

    def __init__(self, seed: int, n: int, state: State | None = None) -> None:
        self.seed, self.n = seed, n
        self.people = People(seed, n)
        self.products = catalogue.Products.create(seed)
        self.traits = Traits.create(seed, self.people.age(0))
        self.opened = shop.account_days(seed, self.people, self.traits.joins_day)
        self.removed = shop.deletion_days(seed, self.people)
        self.registers = machines.registration_days(seed, self.people)
        self.consent = consent.Consent(self.people, seed)
        self.state = state or State.create(n)
        if state:
            self.consent.withdrawn, self.consent.again = state.consent_withdrawn, state.consent_again

    def reach(self, day: int) -> dict[str, np.ndarray]:
        """Who may and can be addressed for marketing on each channel (bool, n)."""
        everybody = np.arange(self.n)
        may = {
            channel: self.consent.allowed(everybody, "marketing", channel, day)
            for channel in ("email", "push", "letter", "phone")
        }
        return may | {"push": may["push"] & self.people.has_app}

    def effects(self, person: np.ndarray) -> effects.Effects:
        """The truth: what each action would do to `person` (m) on the morning after the day that was lived last."""
        day = self.state.day + 1
        return effects.effects(day, person, self.state, self.traits, self.reach(day))

    def live(self, person: np.ndarray = NO_ACTIONS[0], action: np.ndarray = NO_ACTIONS[1]) -> Happenings:
        """Live the next day; each `person` (m) gets its `action` (m, index into effects.NAMES) in the morning."""
        seed, state, traits, people = self.seed, self.state, self.traits, self.people
        day = state.day + 1
        self._act(day, person, action)
        needs.awaken(seed, day, state, traits)
        has_account = people.has_account & (self.opened <= day) & (day < self.removed)
        sessions, bought = needs.pursue(seed, day, state, traits, has_account, people.has_app & has_account)
        bought = self._with_responses(day, bought, has_account)
        online, in_branch = (_chosen(bought, where) for where in (bought.branch == NOBODY, bought.branch != NOBODY))
        online_lines, branch_lines = (orders.lines_of(seed, day, some, self.products) for some in (online, in_branch))
        draw = randomness.uniform(seed, "voucher", online.person, day)
        voucher = draw < USES_VOUCHER * (1 + 2 * (state.nudge[online.person] > 0.02))
        orders.place(seed, day, online, online_lines, state, voucher)
        telemetry, failing = machines.telemetry(seed, day, people, self.registers)
        later = after_sales.sessions(seed, day, state, traits, people.has_app, failing)
        contacts = service.reasons(seed, day, state, traits, self._moved(day), failing)
        own = mailings.send(seed, day, self.reach(day), state, traits)
        sent = Sent.together([own, mailings.act(seed, day, person, action)])
        # Contacts wear off at 7 % a day: what is left of them is about the number of the last week.
        changes = self.consent.changes(day, np.round(state.fatigue / mailings.TIRES * 0.6))
        return Happenings(
            day=day,
            sessions=self._numbered(day, Sessions.together([sessions, later])),
            online=online,
            online_lines=online_lines,
            in_branch=in_branch,
            branch_lines=branch_lines,
            changes=orders.changes_of(seed, day, state),
            contacts=contacts,
            telemetry=telemetry,
            sent=sent,
            responses=mailings.respond(seed, day, sent, state, traits),
            consent_changes=changes,
        )

    def end(self, happened: Happenings) -> None:
        """Close the day: what happened leaves its mark, what is over is forgotten."""
        service.feel(happened.day, self.state, happened.contacts)
        orders.forget_closed(happened.day, self.state)
        self.state.evening()
        self.state.consent_withdrawn, self.state.consent_again = self.consent.withdrawn, self.consent.again
        self.state.day = happened.day

    def _moved(self, day: int) -> np.ndarray:
        parts = [np.asarray(who, dtype=np.int64) for who in self.people.life_events(day).values()]
        return np.unique(np.concatenate([*parts, np.empty(0, np.int64)]))

    def _act(self, day: int, person: np.ndarray, action: np.ndarray) -> None:
        """Draw who will respond to an action and who is annoyed by it; responses come on their own day."""
        if not len(person):
            return
        truth = effects.effects(day, person, self.state, self.traits, self.reach(day))
        responds, annoyed = effects.outcomes(self.seed, day, person, action, truth)
        due = effects.response_day(self.seed, day, person, action)
        self.state.await_responses(person[responds], due[responds])
        self.state.opted_out[person[annoyed]] = True
        self.state.mood[person[annoyed]] = (self.state.mood[person[annoyed]] - 0.4).clip(-1, 1)
        soothing = np.isin(action, [effects.NAMES.index("apology_voucher"), effects.NAMES.index("service_callback")])
        self.state.mood[person[responds & soothing]] += 0.4

    def _with_responses(self, day: int, bought: Purchases, has_account: np.ndarray) -> Purchases:
        """Add the purchases that answer an action, for those who do not buy today anyway."""
        who = np.setdiff1d(self.state.responses_due(day), bought.person)
        branch = randomness.integers(self.seed, "branch", len(catalogue.BRANCHES), who, 0)
        more = Purchases(
            person=who,
            second=50_000 + randomness.integers(self.seed, "answers at", 12_000, who, day),
            category=self.traits.favourite[who].astype(np.int64),
            lines=1 + randomness.poisson(self.seed, "lines", 0.9 * self.traits.spend_factor[who], who, day),
            branch=np.where(has_account[who], NOBODY, branch),
            is_app=np.zeros(len(who), np.bool_),
        )
        self.state.last_purchase[who] = day
        names = Purchases.__dataclass_fields__
        return Purchases(**{name: np.concatenate([getattr(bought, name), getattr(more, name)]) for name in names})

    def _numbered(self, day: int, sessions: Sessions) -> Sessions:
        """Sessions that end in an order know its number."""
        buys = sessions.purpose == "buy"
        number = np.where(buys, orders.order_numbers(self.seed, sessions.person, day), sessions.order_no)
        columns = {name: getattr(sessions, name) for name in Sessions.__dataclass_fields__}
        return Sessions(**columns | {"order_no": number})


def _chosen(purchases: Purchases, where: np.ndarray) -> Purchases:
    names = Purchases.__dataclass_fields__
    return Purchases(**{name: getattr(purchases, name)[where] for name in names})
