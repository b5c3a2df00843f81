"""`python -m expectations <gate> <as_of>`: run one gate by hand and read what it says."""

import argparse
import sys
from datetime import date

from expectations.gate import GateFailed, gates, run_gate


def main(arguments: list[str] | None = None) -> int:
    """Run the gate; return 0 if it lets the data pass and 1 if a critical expectation failed."""
    parser = argparse.ArgumentParser(
        prog="python -m expectations",
        description="Run one gate for one day. Results: quality.gate_results and the Data Docs.",
        epilog="Gates: " + ", ".join(gates()),
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
