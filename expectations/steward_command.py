"""The steward's commands: `python -m expectations quarantine|release|recall|suspects ...`."""

import argparse
import sys
from datetime import date

from expectations import recall, stewardship
from expectations.stewardship import Decision, StewardError

COMMANDS = ("quarantine", "release", "recall", "suspects")
ROWS_LISTED = 20  # a screen
STATUSES = ("waiting", "repaired", "released", "discarded", "replaced", "all")


def main(arguments: list[str]) -> int:
    """Carry out one command; return 0, or 1 if it is not possible."""
    given = _parser().parse_args(arguments)
    try:
        given.act(given)
    except StewardError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m expectations", description="Decide on what the raw gates kept back."
    )
    commands = parser.add_subparsers(required=True, metavar="quarantine|release|recall|suspects")
    release = commands.add_parser(
        "release",
        help="let a held batch in",
        description="Let a held batch in; every later run of the gate keeps to it.",
    )
    release.add_argument("department")
    release.add_argument(
        "batch_id", help="as in quality.batch_verdicts, for example receipts/2025-06-30/B01/1a2b3c4d5e6f"
    )
    _decided(release, _release_batch)
    recalled = commands.add_parser(
        "recall",
        help="take a batch out again that was let in",
        description="Take a batch out of the warehouse: the next build is as if it had never come.",
    )
    recalled.add_argument("department")
    recalled.add_argument("batch_id", help="as in quality.batch_verdicts")
    recalled.add_argument("--lift", action="store_true", help="end a recall: the gate judges the batch again")
    _decided(recalled, _recall)
    suspects = commands.add_parser("suspects", help="which values the contracts' checks mark; their rows go on")
    suspects.add_argument("--department")
    suspects.set_defaults(act=_suspects)
    rows = commands.add_parser("quarantine", help="list, show, repair, release or discard rows")
    actions = rows.add_subparsers(required=True, metavar="list|show|repair|release|discard")
    listed = actions.add_parser("list", help="which rows wait, and why; shows no value of a person")
    listed.add_argument("--department")
    listed.add_argument("--status", default="waiting", choices=STATUSES)
    listed.add_argument("--limit", type=int, default=ROWS_LISTED)
    listed.set_defaults(act=_list)
    shown = _about_a_row(actions, "show", "one row as it came (or was repaired), its reasons and what was decided")
    shown.set_defaults(act=_show)
    repaired = _about_a_row(actions, "repair", "give corrected values; the delivered row stays as it came")
    repaired.add_argument("values", nargs="+", type=_value, metavar="column=value", help="for example quantity=2")
    _decided(repaired, _repair)
    _decided(_about_a_row(actions, "release", "let the row in as it came"), _release)
    _decided(_about_a_row(actions, "discard", "close the case: the row stays out"), _discard)
    return parser


def _about_a_row(actions, name: str, words: str) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".")
    parser.add_argument("department")
    parser.add_argument("batch_id")
    parser.add_argument("row_number", type=int)
    return parser


def _decided(parser: argparse.ArgumentParser, act) -> None:
    parser.add_argument("--by", required=True, metavar="NAME", help="who decides; is kept")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; is kept")
    parser.add_argument(
        "--as-of",
        type=date.fromisoformat,
        metavar="DAY",
        help="business day of the decision; default: the gate's newest",
    )
    parser.set_defaults(act=act)


def _value(text: str) -> tuple[str, str]:
    column, sign, value = text.partition("=")
    if not sign or not column:
        raise argparse.ArgumentTypeError(f"'{text}' is not column=value")
    return column, value


def _decision(given: argparse.Namespace) -> Decision:
    return Decision(given.by, given.reason, given.as_of)


def _release_batch(given: argparse.Namespace) -> None:
    stewardship.release_batch(given.department, given.batch_id, _decision(given))
    print(f"{given.batch_id} is released. The next run of raw.{given.department} accepts it; to have it now:")
    print(f"  python -m expectations raw.{given.department} <as_of>")


def _recall(given: argparse.Namespace) -> None:
    if given.lift:
        recall.lift_recall(given.department, given.batch_id, _decision(given))
        print(f"The recall of {given.batch_id} is lifted. The next run of raw.{given.department} judges it.")
        return
    recall.recall_batch(given.department, given.batch_id, _decision(given))
    print(f"{given.batch_id} is recalled. Which models learned from it:")
    print(f"  python -m ml models saw {given.department} --batch {given.batch_id}")
    print(
        "The next build_warehouse leaves it out, in past days too; train_intent with `retrain` then learns without it."
    )


def _list(given: argparse.Namespace) -> None:
    found = stewardship.waiting_rows(given.department, given.status, given.limit)
    for department, batch_id, row_number, status, reasons in found:
        print(f"{status:9} {department} {batch_id} {row_number}: {reasons}")
    print(f"{len(found)} rows" + (f" (at most {given.limit} are listed)" if len(found) == given.limit else ""))


def _suspects(given: argparse.Namespace) -> None:
    for place, rule, values, example in stewardship.suspect_values(given.department):
        print(f"{values:7,} {place} {rule}, for example {example}")


def _show(given: argparse.Namespace) -> None:
    case, history = stewardship.case_and_history(given.department, given.batch_id, given.row_number)
    for name, value in case.record.items():
        print(f"{name:24} {'' if value is None else value}")
    for rule, _, reason, status in case.rules:
        print(f"{status}: {reason} [{rule}]")
    for as_of, action, fields, done_by, reason in history:
        print(f"{as_of} {action} {fields} by {done_by}: {reason}")


def _repair(given: argparse.Namespace) -> None:
    stewardship.repair(given.department, given.batch_id, given.row_number, dict(given.values), _decision(given))
    _tell(given, "repaired: the next build_warehouse takes it in, once")


def _release(given: argparse.Namespace) -> None:
    stewardship.release(given.department, given.batch_id, given.row_number, _decision(given))
    _tell(given, "released: the next build_warehouse takes it in, as it was delivered")


def _discard(given: argparse.Namespace) -> None:
    stewardship.discard(given.department, given.batch_id, given.row_number, _decision(given))
    _tell(given, "discarded: it stays out")


def _tell(given: argparse.Namespace, words: str) -> None:
    print(f"Row {given.row_number} of {given.batch_id} is {words}.")
