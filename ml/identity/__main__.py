"""The data steward's commands: who is one person, why, and what to do when it is wrong. See docs/identity.md."""

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

from ml.identity import screen, steward
from ml.identity.mapping import MappingError
from ml.identity.resolve import ResolveError
from ml.identity.steward import Decision, StewardError
from runtime.settings import SettingsError
from runtime.warehouse import WarehouseError

ENTITY = "an entity: account/<account_id>, contact/<contact_no> or card/<card number>"


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; return 0, 1 if it is not possible, 2 (argparse) if it cannot be read."""
    given = _parser().parse_args(arguments)
    try:
        given.act(given)
    except (StewardError, MappingError, ResolveError, SettingsError, WarehouseError, OSError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.identity", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, act: Callable[[argparse.Namespace], None], words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".")
        added.set_defaults(act=act)
        return added

    split = command("split", _split, "decide that entities are another person than others of their customer")
    split.add_argument("entities", nargs="+", metavar="ENTITY", help=ENTITY)
    split.add_argument(
        *("--from",), dest="others", nargs="+", default=[], metavar="ENTITY", help="default: all others of the customer"
    )
    join = command("join", _join, "decide that entities of two customers are one person")
    join.add_argument("entities", nargs="+", metavar="ENTITY", help=ENTITY)
    join.add_argument("--with", dest="others", nargs="+", required=True, metavar="ENTITY", help="entities of the other")
    revoke = command("revoke", _revoke, "let a decision hold no longer")
    revoke.add_argument("decision_id", type=int, metavar="NUMBER", help="as `decisions` lists it")
    for parser_of_decision in (split, join, revoke):
        _decided(parser_of_decision)
    decisions = command("decisions", _decisions, "list what stewards decided")
    decisions.add_argument("--all", action="store_true", help="also what was revoked")
    command("cases", _cases, "list suspicious clusters that were published in parts, and what to do")
    command("held", _held, "list the values that too many share, so that they do not merge; masked")
    explain = command(
        "explain", _explain, "say why two entities are one customer, or why not: rules, scores, source rows"
    )
    explain.add_argument("one", metavar="ENTITY", help=ENTITY)
    explain.add_argument("other", metavar="ENTITY", help="the other one")
    _shows_values(explain)
    draw = command("draw", _draw, "draw a customer: entities, what joins them, the weak bridge")
    draw.add_argument("customer_id", metavar="CUSTOMER", help="a customer_id")
    draw.add_argument("--to", type=Path, required=True, metavar="FILE.png", help="where the picture goes; mode 600")
    _shows_values(draw)
    tried = command("try-rules", _try_rules, "print what other rules would change; writes nothing")
    tried.add_argument("file", type=Path, help="a changed copy of ml/identity/person_records.yml")
    tried.add_argument(
        "--as-of", type=date.fromisoformat, required=True, metavar="DAY", help="the day to try, YYYY-MM-DD"
    )
    retractions = command("retractions", _retractions, "list what was decided and published for a wrong person")
    retractions.add_argument(
        "--since", type=date.fromisoformat, metavar="DAY", help="only who moved on this day or later"
    )
    return parser


def _decided(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", required=True, metavar="NAME", help="who decides; is kept")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; is kept, so name no person in it")
    parser.add_argument(
        "--date", type=date.fromisoformat, metavar="DAY", help="from when it holds; default: the newest day known"
    )


def _shows_values(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--show-values", action="store_true", help="personal data as they are; default: masked")


def _decision(given: argparse.Namespace) -> Decision:
    return Decision(given.by, given.reason, given.date)


def _split(given: argparse.Namespace) -> None:
    screen.show_kept("split", steward.split(given.entities, given.others, _decision(given)))


def _join(given: argparse.Namespace) -> None:
    screen.show_kept("join", steward.join(given.entities, given.others, _decision(given)))


def _revoke(given: argparse.Namespace) -> None:
    day = steward.revoke(given.decision_id, _decision(given))
    screen.say(f"Decision {given.decision_id} holds no longer from {day} on; the next build_warehouse goes by that.")


def _decisions(given: argparse.Namespace) -> None:
    screen.show_decisions(steward.list_decisions(given.all))


def _cases(given: argparse.Namespace) -> None:
    from ml.identity.suspicion import list_cases

    screen.show_cases(list_cases())


def _held(given: argparse.Namespace) -> None:
    from ml.identity.suspicion import list_held
    from ml.identity.unusable import list_unusable

    screen.show_held([*list_held(), *list_unusable()])


def _explain(given: argparse.Namespace) -> None:
    from ml.identity.explanation import explain

    screen.show_explanation(explain(given.one, given.other), given.show_values)


def _draw(given: argparse.Namespace) -> None:
    from ml.identity.drawing import draw

    drawn = draw(given.customer_id, given.to, given.show_values)
    screen.say(f"{given.to}: {drawn} entities. Remove the picture when you have looked at it.")


def _try_rules(given: argparse.Namespace) -> None:
    from ml.identity.dry_run import try_rules

    screen.show_dry_run(try_rules(given.file, given.as_of))


def _retractions(given: argparse.Namespace) -> None:
    from ml.identity.retractions import list_retractions

    screen.show_retractions(list_retractions(given.since))


if __name__ == "__main__":
    sys.exit(main())
