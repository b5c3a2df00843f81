"""The command line: `python -m runtime <command>`."""

import argparse
import sys

from runtime import (
    airflow_client,
    bootstrap,
    checksums,
    home,
    lock,
    ports,
    postgres,
    service_environment,
    supervisor,
    unprivileged,
    warehouse,
)
from runtime.settings import Settings, SettingsError, settings

# Errors whose message is written for the person at the keyboard: no traceback.
EXPECTED = (
    SettingsError,
    airflow_client.AirflowError,
    bootstrap.BootstrapError,
    home.HomeError,
    lock.Busy,
    ports.PortTaken,
    postgres.PostgresError,
    supervisor.ServiceFailed,
    unprivileged.CannotDropRoot,
    warehouse.WarehouseError,
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; an expected error is one message on stderr and code 1."""
    parsed = _parser().parse_args(arguments)
    try:
        return parsed.run(settings(), parsed)
    except EXPECTED as error:
        print(f"cxloop: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cxloop: interrupted; the same command goes on where this one stopped.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m runtime", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, run, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    command("up", _up, "start what is not running")
    command("down", _down, "stop everything")
    command("status", _status, "show every service; exit code 1 if one is down")
    cleaning = command("clean", _clean, "stop everything and remove CX_HOME")
    cleaning.add_argument("--yes", action="store_true", help="do not ask")
    command("demo", _demo, "play the whole walk with the data set of CX_DATASET")
    command("postgres", _postgres, "start only the embedded PostgreSQL and prepare the warehouse")
    linking = command("url", _url, "print the connection URL of a role")
    linking.add_argument("role", choices=warehouse.ROLES + warehouse.METADATA_ROLES)
    summing = command("checksums", _checksums, "print a checksum of every table of the warehouse")
    summing.add_argument("schemas", nargs="*", help="only these schemas")
    return parser


def _up(given: Settings, _: argparse.Namespace) -> int:
    supervisor.up(given)
    return _status(given, _)


def _down(given: Settings, _: argparse.Namespace) -> int:
    supervisor.down(given)
    return 0


def _status(given: Settings, _: argparse.Namespace) -> int:
    states = supervisor.status(given)
    line = "{:<20} {:>8}  {:<8} {:<20} {}"
    print(line.format("service", "pid", "healthy", "since (UTC)", "address"))
    for state in states:
        since = f"{state.since:%Y-%m-%d %H:%M:%S}" if state.since else "-"
        print(line.format(state.name, state.pid or "-", "yes" if state.healthy else "NO", since, state.address or "-"))
    print(f"Airflow: user {airflow_client.USER}, password in {given.secrets_dir / 'airflow_admin'}")
    print(f"MLflow:  user {service_environment.MLFLOW_USER}, password in {given.secrets_dir / 'mlflow_admin'}")
    print("SQL:     make -s url ROLE=cx_bi prints a URL with its password; roles: " + ", ".join(warehouse.ROLES))
    print(f"Logs:    {given.logs_dir}")
    return 0 if all(state.healthy for state in states) else 1


def _clean(given: Settings, parsed: argparse.Namespace) -> int:
    if given.home.exists() and not parsed.yes:
        if not sys.stdin.isatty():
            print("cxloop: nobody is there to confirm: run `make clean YES=1`.", file=sys.stderr)
            return 1
        answer = input(f"Stop everything and remove {given.home} with all its data? Type yes: ")
        if answer.strip().lower() != "yes":
            print("Nothing was removed.")
            return 1
    supervisor.clean(given)
    return 0


def _demo(given: Settings, _: argparse.Namespace) -> int:
    from runtime.demo import demo  # the demo alone knows the simulator

    return demo(given)


def _postgres(given: Settings, _: argparse.Namespace) -> int:
    supervisor.start_postgres(given)
    return 0


def _url(given: Settings, parsed: argparse.Namespace) -> int:
    print(warehouse.url(parsed.role))
    return 0


def _checksums(given: Settings, parsed: argparse.Namespace) -> int:
    for table, checksum in checksums.checksums(parsed.schemas or None).items():
        print(f"{checksum}  {table}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
