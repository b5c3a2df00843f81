"""`python -m expectations <gate> <as_of>`: run one gate by hand; `quarantine`, `release`: for the steward."""

import argparse
import sys
from datetime import date

from expectations import steward_command
from expectations.gate import GateFailed, gates, run_gate


def main(arguments: list[str] | None = None) -> int:
    """Run the gate; return 0 if it lets the data pass and 1 if a critical expectation failed."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] and arguments[0] in steward_command.COMMANDS:
        return steward_command.main(arguments)
    parser = argparse.ArgumentParser(
        prog="python -m expectations",
        description="Run one gate for one day. Results: quality.gate_results and the Data Docs.",
        epilog="Gates: " + ", ".join(gates()) + ". For what a gate kept back: `quarantine -h` and `release -h`.",
    )
    parser.add_argument("gate", choices=gates(), metavar="gate", help="which gate, for example marts.customers")
    parser.add_argument("as_of", type=date.fromisoformat, help="the last complete business day, for example 2017-12-28")
    given = parser.parse_args(arguments)
    try:
        result = run_gate(given.gate, given.as_of)
    except GateFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    for finding in result.findings:
        name = f"{finding.expectation} {finding.column_name}".strip()
        print(f"{'ok' if finding.success else finding.severity:8} {name}: {finding.observed}")
    print(f"{given.gate} for {given.as_of}: {result.passed} passed, {result.warned} warned, {result.failed} failed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
