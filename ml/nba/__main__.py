"""Questions about decisions, answered without writing anything.

`python -m ml.nba why CUSTOMER [ACTION] [--as-of DAY] [--language de]`: why an action was decided, or why not.
`python -m ml.nba dry-run [--actions FILE] [--policies FILE] [--capacities FILE] [--as-of DAY] [--rules-of DAY]`: what
other actions and rules would have decided.
"""

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import Any

from psycopg2.extras import RealDictCursor

from ml.frames import EmptyFrame
from ml.nba.dry_run import dry_run
from ml.nba.why import explain
from ml.registry import RegistryError
from runtime import warehouse
from runtime.settings import SettingsError
from runtime.warehouse import WarehouseError


class NoDecision(RuntimeError):
    """The ledger has no such decision, or the action was no candidate of it."""


def main(arguments: list[str] | None = None) -> int:
    """Answer; return 0, or 1 if there is nothing to be answered."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.nba", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    why = commands.add_parser("why", help="say why an action was decided, or why not, and what would flip it")
    why.add_argument("customer", metavar="CUSTOMER", help="the customer_id")
    why.add_argument("action", metavar="ACTION", nargs="?", help="an action_id (default: all)")
    why.add_argument("--as-of", type=date.fromisoformat, metavar="DAY", help="the day (default: the last one decided)")
    why.add_argument("--language", choices=("en", "de"), default="en")
    why.set_defaults(answer=_why)
    dry = commands.add_parser("dry-run", help="say what other actions, policies or capacities would have decided")
    for name, seed in {"actions": "action_versions", "policies": "policy_versions", "capacities": "capacities"}.items():
        dry.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"a CSV like the seed {seed}.csv")
    dry.add_argument(
        "--rules-of", type=date.fromisoformat, metavar="DAY",
        help="take the versions that hold on that day (default: all that the files announce)",
    )  # fmt: skip
    dry.add_argument("--as-of", type=date.fromisoformat, metavar="DAY", help="the day (default: the last one decided)")
    dry.set_defaults(answer=_dry_run)
    given = parser.parse_args(arguments)
    try:
        lines = given.answer(given)
    except (NoDecision, EmptyFrame, RegistryError, SettingsError, WarehouseError, OSError, ValueError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


def _why(given: argparse.Namespace) -> list[str]:
    answers = explain(decision_of(given.customer, given.as_of))
    answers = [answer for answer in answers if given.action in (None, answer.action_id)]
    if not answers:
        raise NoDecision(f"{given.action} was no candidate of this decision.")
    return [f"{answer.action_id} [{answer.stage}] {getattr(answer, given.language)}" for answer in answers]


def _dry_run(given: argparse.Namespace) -> list[str]:
    return dry_run(given.as_of, given.policies, given.capacities, given.actions, given.rules_of).lines()


def decision_of(customer_id: str, as_of: date | None) -> dict[str, Any]:
    """Return the standing decision of a customer as the ledger holds it. Raises NoDecision."""
    with warehouse.transaction() as connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(
            "select * from decisions.standing_decisions"
            " where customer_id = %(customer)s and as_of_date = coalesce(%(day)s, as_of_date)"
            " order by as_of_date desc limit 1",
            {"customer": customer_id, "day": as_of},
        )
        found = cursor.fetchone()
    if found is None:
        raise NoDecision("There is no decision about this customer" + (f" on {as_of}." if as_of else "."))
    return found


if __name__ == "__main__":
    sys.exit(main())
