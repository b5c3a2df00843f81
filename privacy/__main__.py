"""The data protection officer's command line: `python -m privacy <command>`."""

import argparse
import sys
from datetime import date

from privacy.requests import KINDS, RequestError, file_request, list_requests
from runtime.settings import SettingsError
from runtime.warehouse import WarehouseError, transaction


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; an expected error is one message on stderr and code 1."""
    parsed = _parser().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except (RequestError, SettingsError, WarehouseError) as error:
        print(f"privacy: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m privacy", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    request = commands.add_parser("request", help="file a request; serve_privacy_requests answers it")
    request.add_argument("kind", choices=KINDS)
    key = "account, contact, card or household number, or e-mail; - reads it from standard input"
    request.add_argument("--key", required=True, help=key)
    request.add_argument("--by", required=True, help="who asks, or the officer's case number")
    request.add_argument("--received", type=date.fromisoformat, help="YYYY-MM-DD; default: the last published as_of")
    request.set_defaults(run=_request)
    commands.add_parser("list", help="list all requests").set_defaults(run=_list)
    return parser


def _request(parsed: argparse.Namespace) -> int:
    # An argument is visible in the list of processes and in the shell's history, standard input is not.
    key = sys.stdin.readline().strip() if parsed.key == "-" else parsed.key
    print(file_request(parsed.kind, key, parsed.by, parsed.received or _last_published()))
    return 0


def _last_published() -> date:
    with transaction("cx_privacy") as connection, connection.cursor() as cursor:
        cursor.execute("select max(as_of) from activation.publications")
        last = cursor.fetchone()[0]
    if last is None:
        raise RequestError("Nothing has been published yet: say when the request came with --received YYYY-MM-DD.")
    return last


def _list(_: argparse.Namespace) -> int:
    for request in list_requests():
        print("\t".join("" if value is None else str(value) for value in request))
    return 0


if __name__ == "__main__":
    sys.exit(main())
