"""The life of models: `python -m ml models history|champion|rollback|saw ...`."""

import argparse
import sys
from collections.abc import Callable
from datetime import date

from ml import history, registry, rollback, seen_batches
from runtime.settings import SettingsError
from runtime.warehouse import WarehouseError, transaction


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; return 0, 1 if it is not possible, 2 (argparse) if it cannot be read."""
    given = _parser().parse_args(arguments)
    try:
        given.act(given)
    except (rollback.RollbackRefused, registry.RegistryError, SettingsError, WarehouseError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml", description=__doc__)
    models = parser.add_subparsers(required=True, metavar="models").add_parser("models", help="who serves, and why")
    commands = models.add_subparsers(required=True, metavar="history|champion|rollback|saw")

    def command(name: str, act: Callable[[argparse.Namespace], None], words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".")
        added.set_defaults(act=act)
        return added

    told = command("history", _history, "list what became of each version, the oldest first")
    told.add_argument("model", nargs="?", metavar="MODEL", help="for example cx_intent (default: all)")
    champion = command("champion", _champion, "say who was champion on a day, who promoted it, and why")
    champion.add_argument("--on", type=date.fromisoformat, metavar="DAY", help="default: the newest day judged")
    back = command("rollback", _rollback, "make an earlier champion champion again")
    back.add_argument("model", metavar="MODEL")
    back.add_argument("version", metavar="VERSION", help="a version that was champion before")
    back.add_argument("--by", required=True, metavar="WHO", help="who decides; is kept")
    back.add_argument("--because", required=True, metavar="WHY", help="why; is kept and shown, so name no person in it")
    back.add_argument("--as-of", type=date.fromisoformat, metavar="DAY", help="default: the newest day judged")
    saw = command("saw", _saw, "list the versions that were trained from a batch, and what they decided")
    saw.add_argument("department", metavar="DEPARTMENT")
    which = saw.add_mutually_exclusive_group(required=True)
    which.add_argument("--batch", metavar="BATCH", help="as in quality.batch_verdicts")
    which.add_argument("--day", type=date.fromisoformat, metavar="DAY", help="all batches of the day")
    saw.add_argument("--decisions", action="store_true", help="also list each decision")
    return parser


def _history(given: argparse.Namespace) -> None:
    with transaction() as connection:
        for model, version, alias, day, by, reason in history.events(connection, given.model):
            print(f"{day} {model} {version} {alias} by {by}: {reason}")


def _champion(given: argparse.Namespace) -> None:
    with transaction() as connection:
        day = given.on or rollback.newest_day(connection)
        champions = history.champions_on(connection, day)
    if not champions:
        raise registry.RegistryError(f"No model had a champion on {day}.")
    for model, version, since, until, by, reason, data_hash in champions:
        print(f"{model} {version}, from {since}{f' to {until}' if until else ''}, by {by}: {reason}")
        print(f"  data hash {data_hash or 'not kept'}")


def _rollback(given: argparse.Namespace) -> None:
    replaced = rollback.rollback(given.model, given.version, given.by, given.because, given.as_of)
    if replaced is None:
        print(f"Version {given.version} is the champion of {given.model} already.")
        return
    print(f"{given.model}: version {given.version} is champion, version {replaced.version} is withdrawn.")
    print("Scores and decisions that were made stay. To score a day again: clear score_intent of score_customers.")


def _saw(given: argparse.Namespace) -> None:
    batches = seen_batches.find_batches(given.department, given.batch, given.day)
    if not batches:
        raise registry.RegistryError(f"{given.department} has no judged batch {given.batch or f'of {given.day}'}.")
    for batch_id, verdict, known in batches:
        print(f"{batch_id}: {verdict}, known from {known}")
    found = seen_batches.versions_that_saw(given.department, [batch_id for batch_id, *_ in batches])
    for saw in found:
        role = "champion" if saw.is_champion else "was champion" if saw.champion_from else "never champion"
        span = f" from {saw.first_decided} to {saw.last_decided}, {saw.live} live" if saw.decisions else ""
        doubt = "" if saw.is_recorded else " (by its day: it may have seen it)"
        trained = f"{saw.model} {saw.version}, trained as of {saw.trained_as_of}{doubt}"
        print(f"{trained}: {role}, {saw.decisions} decisions{span}")
    if not found:
        print("No model version saw it.")
    if given.decisions:
        for decision_id, day, action, is_live in seen_batches.decisions_of(found):
            print(f"{decision_id} {day} {action}{' live' if is_live else ''}")


if __name__ == "__main__":
    sys.exit(main())
