"""Tell every destination what changed since it last acknowledged, and keep its answers.

Planning, marking as sent and keeping the answers are transactions of their own. Whenever a run dies, the next one sends
what is open under the same keys: a destination that knows the key does nothing twice.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

from psycopg2.extras import execute_values

from activation.changes import plan_changes
from activation.destinations.change import REMOVE, Answer, Change, Sender, Unavailable
from activation.destinations.configured import Destination, DestinationError, destinations
from activation.destinations.file import File
from activation.destinations.mautic import Mautic
from activation.destinations.table import Table
from activation.destinations.webhook import Webhook
from activation.quiet_hours import awake, quiet_channels
from runtime import warehouse

logger = logging.getLogger(__name__)
SENDERS = {"file": File, "table": Table, "webhook": Webhook, "mautic": Mautic}
_KEEP = """
    with answers (change_number, is_acknowledged, words, destination_id) as (values %s),
    kept as (
        update activation.deliveries as told
        set status = case when answers.is_acknowledged then 'acknowledged' else 'refused' end,
            answer = answers.words, destination_id = coalesce(answers.destination_id, told.destination_id)
        from answers
        where told.change_number = answers.change_number
        returning told.*
    ),
    gone as (
        delete from activation.acknowledged as held using kept
        where kept.status = 'acknowledged' and kept.kind = 'remove'
            and held.destination = kept.destination and held.customer_id = kept.customer_id
    )
    insert into activation.acknowledged as held (destination, customer_id, content_hash, destination_id, as_of)
    select destination, customer_id, content_hash, destination_id, as_of
    from kept
    where status = 'acknowledged' and kind <> 'remove'
    on conflict (destination, customer_id) do update set content_hash = excluded.content_hash, as_of = excluded.as_of,
        destination_id = coalesce(excluded.destination_id, held.destination_id)
"""


class DeliveryFailed(RuntimeError):
    """A destination could not be told everything; the message says which and why. What is open is sent next time."""


@dataclass
class Delivery:
    """What one destination was told: changes by kind, how many were acknowledged or wait for the end of quiet hours
    (`quiet_until` is the first), and what went wrong.
    """

    destination: str
    kinds: Counter = field(default_factory=Counter)
    acknowledged: int = 0
    refused: int = 0
    removes_refused: int = 0
    waiting: int = 0
    quiet_until: datetime | None = None
    trouble: str = ""
    note: str = ""

    def summary(self) -> str:
        """Say it in a line."""
        told = ", ".join(f"{self.kinds[kind]} {kind}" for kind in ("add", "change", "remove") if self.kinds[kind])
        if self.note:
            return f"{self.destination}: {self.note}"
        trouble = f"; {self.trouble}" if self.trouble else ""
        answers = f"{self.acknowledged} acknowledged, {self.refused} refused"
        waiting = f", {self.waiting} wait for {self.quiet_until:%Y-%m-%d %H:%M %Z}" if self.quiet_until else ""
        return f"{self.destination}: {told or 'nothing changed'}; {answers}{waiting}{trouble}"

    def keep_waiting(self, part: Sequence[Change], quiet: Mapping[str, datetime]) -> None:
        """Count who has to wait."""
        self.waiting += sum(change.channel in quiet for change in part)
        self.quiet_until = min([*filter(None, [self.quiet_until]), *quiet.values()], default=None)


def deliver(
    as_of: date,
    dry_run: bool = False,
    removes_only: bool = False,
    only: str | None = None,
    moment: datetime | None = None,
) -> list[Delivery]:
    """Tell all destinations (or `only` one) what changed; without destinations nothing happens.

    What is for a channel that has quiet hours (vocabulary.quiet_hours) at `moment` (with a time zone; default: the
    clock) stays open for the next run; who has to leave, leaves at any hour.

    A day before the published one tells nobody anything: its marts do not know what was said since.
    `removes_only`: who withdrew consent, was taken back or expired leaves at once, without waiting for a publication.
    `dry_run`: nothing is written or sent. Raises DeliveryFailed at the end if one could not be reached or refused a
    remove; the others were told.
    """
    known = _configured(only)
    live = published_day() if known else None
    if live is not None and live > as_of:
        return [Delivery(one.name, note=f"{live} is published, so nothing is told as of {as_of}") for one in known]
    return _finish([_tell(one, as_of, dry_run, removes_only, None, moment) for one in known])


def take_back(customers: Sequence[str], as_of: date) -> list[Delivery]:
    """Remove `customers` from every destination that holds them, whatever is published. Raises DeliveryFailed."""
    if not customers:
        return []
    known = _configured(None)
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select distinct destination
            from (
                select destination, customer_id from activation.acknowledged
                union all
                select destination, customer_id from activation.deliveries where status = 'pending' and attempts > 0
            ) as told
            where customer_id = any(%s) and destination <> all (%s)
            order by 1
            """,
            (list(customers), [one.name for one in known]),
        )
        lost = [name for (name,) in cursor.fetchall()]
    done = [_tell(one, as_of, False, True, customers) for one in known]
    done += [Delivery(name, trouble="holds customers and is no longer in destinations.yml") for name in lost]
    return _finish(done)


def published_day() -> date | None:
    """Return the day that channels read, None before the first publication."""
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select max(as_of_date) from activation.next_best_actions")
        return cursor.fetchone()[0]


def _configured(only: str | None) -> list[Destination]:
    found = destinations()
    if only is not None and only not in {one.name for one in found}:
        raise DeliveryFailed(f"There is no destination {only}. Destinations: {', '.join(one.name for one in found)}.")
    return [one for one in found if only in (None, one.name)]


def _finish(done: list[Delivery]) -> list[Delivery]:
    for one in done:
        logger.info("%s", one.summary())
    failed = [one.summary() for one in done if one.trouble or one.removes_refused]
    if failed:
        raise DeliveryFailed("\n".join(failed))
    return done


def _tell(
    destination: Destination,
    as_of: date,
    dry_run: bool,
    removes_only: bool,
    customers: Sequence[str] | None,
    moment: datetime | None = None,
) -> Delivery:
    told = Delivery(destination.name)
    try:
        with _alone(destination):
            with warehouse.transaction() as connection:
                changes = plan_changes(connection, destination, as_of, removes_only, customers)
                if dry_run:
                    with connection.cursor() as cursor:
                        told.keep_waiting(changes, quiet_channels(cursor, changes, moment))
                    connection.rollback()
            told.kinds.update(change.kind for change in changes)
            if changes and not dry_run:
                _send(SENDERS[destination.kind](destination), changes, told, moment)
    except (Unavailable, DestinationError) as problem:  # the other destinations are told all the same
        told.trouble = str(problem)
    return told


def _send(sender: Sender, changes: list[Change], told: Delivery, moment: datetime | None) -> None:
    """Send part by part; each is marked as sent before, and its answers are kept after, whatever happens between."""
    removes = {change.number for change in changes if change.kind == REMOVE}
    for start in range(0, len(changes), sender.at_once):
        part = _mark_sent(changes[start : start + sender.at_once], told, moment)
        if not part:
            continue
        answers: list[Answer] = []
        try:
            for answer in sender.send(part):
                answers.append(answer)
        finally:
            _keep(answers)
            told.acknowledged += sum(answer.is_acknowledged for answer in answers)
            told.refused += sum(not answer.is_acknowledged for answer in answers)
            told.removes_refused += sum(not a.is_acknowledged and a.number in removes for a in answers)


def _mark_sent(part: Sequence[Change], told: Delivery, moment: datetime | None) -> list[Change]:
    """Return what may be sent at this hour, marked: the one way to a destination, so nobody is told in quiet hours."""
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        quiet = quiet_channels(cursor, part, moment)
        told.keep_waiting(part, quiet)
        sent = awake(part, quiet)
        cursor.execute(
            """
            update activation.deliveries as told
            set attempts = attempts + 1, status = 'pending', channel = sent.channel,
                sent_at = coalesce(%s, clock_timestamp())
            from unnest(%s::bigint[], %s::text[]) as sent (change_number, channel)
            where told.change_number = sent.change_number
            """,
            (moment, [change.number for change in sent], [change.channel for change in sent]),
        )
    return sent


def _keep(answers: list[Answer]) -> None:
    if not answers:
        return
    rows = [(a.number, a.is_acknowledged, a.words, a.destination_id) for a in answers]
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        execute_values(
            cursor, _KEEP, rows, template="(%s::bigint, %s::boolean, %s::text, %s::text)", page_size=len(rows)
        )


@contextmanager
def _alone(destination: Destination) -> Iterator[None]:
    """One run at a time tells a destination, or a change would be sent twice at once."""
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            "select pg_try_advisory_xact_lock(hashtextextended('activation/' || %s, 6))", (destination.name,)
        )
        if not cursor.fetchone()[0]:
            raise Unavailable(f"{destination.name}: another run is telling it right now.")
        yield
