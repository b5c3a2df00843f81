"""Who is told what: `python -m activation deliver|destinations`."""

import argparse
import logging
import sys
from datetime import date, datetime

from activation.deliver import DeliveryFailed, deliver, published_day
from activation.destinations.configured import DestinationError, destinations
from runtime.settings import SettingsError
from runtime.warehouse import WarehouseError, transaction


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; return 0, 1 if it is not possible or not complete, 2 (argparse) if it cannot be read."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        given.act(given)
    except (DeliveryFailed, DestinationError, SettingsError, WarehouseError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m activation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="deliver|destinations")
    told = commands.add_parser("deliver", help="tell the destinations what changed since they last acknowledged")
    told.add_argument("--as-of", type=date.fromisoformat, metavar="DAY", help="default: the day that is published")
    told.add_argument("--only", metavar="DESTINATION", help="default: all")
    told.add_argument("--removes-only", action="store_true", help="only who has to leave")
    told.add_argument("--at", type=_moment, metavar="MOMENT", help="by whose hour quiet hours count; default: now")
    told.add_argument("--dry-run", action="store_true", help="count what would be told; nothing is written or sent")
    told.set_defaults(act=_deliver)
    listed = commands.add_parser("destinations", help="list the destinations, what they hold and what is open")
    listed.set_defaults(act=_list)
    return parser


def _deliver(given: argparse.Namespace) -> None:
    done = deliver(given.as_of or _published_day(), given.dry_run, given.removes_only, given.only, given.at)
    for one in done:
        print(("dry run, " if given.dry_run else "") + one.summary())
    if not done:
        print("There is no destination: see activation/destinations/README.md.")


def _list(given: argparse.Namespace) -> None:
    with transaction() as connection, connection.cursor() as cursor:
        for one in destinations():
            cursor.execute(
                "select (select count(*) from activation.acknowledged where destination = %(name)s),"
                " count(*) filter (where status = 'pending'), count(*) filter (where status = 'refused')"
                " from activation.deliveries where destination = %(name)s",
                {"name": one.name},
            )
            held, pending, refused = cursor.fetchone()
            print(f"{one.name} ({one.kind}, {one.owner}): holds {held} customers; {pending} pending, {refused} refused")


def _moment(text: str) -> datetime:
    """Read an ISO 8601 moment; ValueError (told by argparse) without a time zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no time zone: write 2026-03-01T21:30+01:00")
    return moment


def _published_day() -> date:
    day = published_day()
    if day is None:
        raise DeliveryFailed("Nothing is published yet: run score_customers first.")
    return day


if __name__ == "__main__":
    sys.exit(main())
