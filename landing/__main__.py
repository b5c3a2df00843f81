"""`python -m landing draft|check|land`: a contract from a file, is it right, what does it land; by hand."""

import argparse
import logging
import sys
from datetime import date
from pathlib import Path

from landing.contracts import ContractError, load_contract
from landing.draft import CannotDraft, draft
from landing.land import LandingBusy, land_department
from landing.pulls import SourceUnavailable
from runtime.bootstrap import open_raw_schema
from runtime.settings import SettingsError
from runtime.warehouse import WarehouseError

EXPECTED = (CannotDraft, ContractError, LandingBusy, SourceUnavailable, SettingsError, WarehouseError, OSError)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; an expected error is one message and code 1."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        return given.run(given)
    except EXPECTED as problem:
        print(f"landing: {problem}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m landing", description="Contracts and landing by hand.")
    commands = parser.add_subparsers(required=True, metavar="draft|check|land")
    drafting = commands.add_parser("draft", help="print the draft of a contract for a CSV, JSON lines or Parquet file")
    drafting.add_argument("file", type=Path)
    drafting.add_argument("--department", help="default: the name of the file's folder")
    drafting.add_argument("--entity", default="records", help="what a row is, in the plural (default: records)")
    drafting.set_defaults(run=_draft)
    checking = commands.add_parser("check", help="read a contract and say what is wrong with it")
    checking.add_argument("department")
    checking.set_defaults(run=_check)
    landing = commands.add_parser("land", help="land what a department delivered up to a day")
    landing.add_argument("department")
    landing.add_argument("as_of", type=date.fromisoformat, help="the last complete business day, YYYY-MM-DD")
    landing.set_defaults(run=_land)
    return parser


def _draft(given: argparse.Namespace) -> int:
    print(draft(given.file, given.department or given.file.resolve().parent.name, given.entity), end="")
    return 0


def _check(given: argparse.Namespace) -> int:
    contract = load_contract(given.department)
    for entity in contract.entities:
        print(f"{contract.raw_schema}.{entity.name}: {len(entity.columns)} columns, {entity.load}, keys: {entity.keys}")
    if "TO FILL IN" in contract.model_dump_json():
        print("There is still something TO FILL IN.", file=sys.stderr)
        return 1
    return 0


def _land(given: argparse.Namespace) -> int:
    load_contract(given.department)
    open_raw_schema(given.department)
    report = land_department(given.department, given.as_of)
    print(report.summary())
    return 1 if report.count("refused") else 0


if __name__ == "__main__":
    sys.exit(main())
