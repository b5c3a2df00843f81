"""Runs one gate: suite, results in quality.gate_results, page in the Data Docs, and a clear refusal if it fails."""

import importlib
import importlib.util
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import sqlalchemy
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from landing.contracts import departments
from runtime import warehouse
from runtime.settings import settings

log = logging.getLogger(__name__)
LAYERS = ("marts", "features", "scores")  # after raw
RAW = "raw."


class GateFailed(Exception):  # noqa: N818 the failure is the news; the interface names it so
    """A critical expectation failed. The message has one sentence per failure, for a data steward."""

    def __init__(self, gate: str, as_of: date, sentences: list[str]) -> None:
        super().__init__(f"Gate {gate} failed for {as_of}.\n" + "\n".join(f"- {sentence}" for sentence in sentences))
        self.gate = gate
        self.as_of = as_of
        self.sentences = sentences


class GateBroken(RuntimeError):
    """An expectation could not be evaluated, so the gate cannot say yes or no."""


@dataclass(frozen=True)
class Finding:
    """One expectation of one run, as it goes to quality.gate_results."""

    expectation: str
    column_name: str
    severity: str
    success: bool
    observed: str
    threshold: str
    message: str


@dataclass(frozen=True)
class GateResult:
    """What a gate said: its findings in the suite's order."""

    gate: str
    as_of: date
    batch: str
    findings: tuple[Finding, ...]

    def failures(self, severity: str) -> list[Finding]:
        """List the failed expectations of one severity."""
        return [finding for finding in self.findings if not finding.success and finding.severity == severity]

    @property
    def passed(self) -> int:
        """Number of expectations that hold."""
        return sum(finding.success for finding in self.findings)

    @property
    def warned(self) -> int:
        """Number of failed warnings; failed expectations of severity info are noted, not counted."""
        return len(self.failures("warning"))

    @property
    def failed(self) -> int:
        """Number of failed critical expectations: any stops what depends on the gate."""
        return len(self.failures("critical"))

    def summary(self) -> str:
        """Say in a line how it went, and in one more per expectation that does not hold."""
        counts = f"{self.passed} of {len(self.findings)} expectations hold, {self.warned} warn, {self.failed} fail"
        broken = [f"- {finding.severity}: {finding.message}" for finding in self.findings if not finding.success]
        return "\n".join([f"Gate {self.gate} for {self.as_of}: {counts}.", *broken])

    def raise_on_failure(self) -> "GateResult":
        """Return self, or raise GateFailed if a critical expectation failed."""
        if self.failed:
            raise GateFailed(self.gate, self.as_of, [finding.message for finding in self.failures("critical")])
        return self


def gates() -> list[str]:
    """Name all gates: one per department that has a contract, and one per module of the later layers."""
    here = Path(__file__).parent
    return [f"{RAW}{department}" for department in departments()] + [
        f"{layer}.{path.stem}"
        for layer in LAYERS
        for path in sorted((here / layer).glob("*.py"))
        if path.stem != "__init__"
    ]


def run_gate(name: str, as_of: date) -> GateResult:
    """Run the gate `name` ("marts.customers", "raw.till") for `as_of`.

    Raises GateFailed on a failed critical expectation, after the results are saved; ValueError for an unknown name.
    """
    if name not in gates():
        raise ValueError(f"There is no gate {name}. Gates: {', '.join(gates())}.")
    if name.startswith(RAW):
        from expectations.raw_gate import check_raw

        return check_raw(name.removeprefix(RAW), as_of)
    with gate_transaction() as (alchemy, connection):
        result = evaluate(name, as_of, alchemy, connection)
    return result.raise_on_failure()


@contextmanager
def gate_transaction() -> Iterator[tuple[sqlalchemy.Connection, Connection]]:
    """Open the gate's one transaction, in SQLAlchemy's and in psycopg2's shape; it also commits what a gate refused."""
    with warehouse.engine("cx_pipeline").begin() as alchemy:
        yield alchemy, alchemy.connection.driver_connection


def evaluate(
    name: str, as_of: date, alchemy: sqlalchemy.Connection, connection: Connection, **context: object
) -> GateResult:
    """Run the suite of the gate inside the open transaction and save its findings; never raises GateFailed.

    `context` goes to the suite's function `suite(subject, **context)`; its module names the table it is about.
    """
    from expectations.rules import Subject
    from expectations.validation import validate

    list_rules, table = suite_and_table(name)
    schema, relation = table.split(".")
    marts = audited_marts(connection)
    if schema == "marts":
        schema = marts
    require_table(connection, name, f"{schema}.{relation}")
    names = {"table": sql.Identifier(schema, relation), "marts": sql.Identifier(marts)}
    subject = Subject(as_of, connection, names)
    suite = list_rules(subject, **context)
    validated = validate(name, as_of, f"{schema}.{relation}", suite, alchemy, settings().home / "data_docs")
    _raise_if_broken(name, validated.results)
    by_key = {_key(result.expectation_config): result for result in validated.results}
    findings = tuple(_finding(by_key[_key(expectation.configuration)]) for expectation in suite)
    result = GateResult(name, as_of, table, findings)
    _save(connection, result)
    log.info("%s", result.summary())
    return result


def suite_and_table(name: str) -> tuple[Callable[..., list], str]:
    """Find the gate's module; a department that has none is judged by what follows from its contract."""
    if name.startswith(RAW) and importlib.util.find_spec(f"expectations.{name}") is None:
        from expectations.delivery_rules import delivery_rules

        return delivery_rules, f"{name.replace('.', '_')}._batches"
    module = importlib.import_module(f"expectations.{name}")
    return module.suite, module.TABLE


def audited_marts(connection: Connection) -> str:
    """Name the schema in which the marts are to be checked: before they are published, readers see another one."""
    with connection.cursor() as cursor:
        cursor.execute("select activation.audited_marts()")
        return cursor.fetchone()[0]


def _key(configuration) -> tuple[str, str]:
    """What tells two expectations of one suite apart, and two rows of one run in quality.gate_results."""
    meta = configuration.meta
    return meta["name"], meta["column"]


def require_table(connection: Connection, gate: str, table: str) -> None:
    """Raise GateBroken if the table that the gate is about does not exist."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s) is null", (table,))
        if cursor.fetchone()[0]:
            raise GateBroken(f"Gate {gate} has nothing to look at: {table} does not exist. Run the step before it.")


def _finding(result) -> Finding:
    """Turn GX's result into a row: numbers and fixed words only."""
    configuration, meta = result.expectation_config, result.expectation_config.meta
    observed = _observed(result.result)
    message = "" if result.success else f"{configuration.description} Found {observed}. {meta['advice']}"
    return Finding(
        expectation=meta["name"],
        column_name=meta["column"],
        severity=str(getattr(configuration.severity, "value", configuration.severity)),
        success=bool(result.success),
        observed=observed,
        threshold=meta["threshold"],
        message=message,
    )


def _observed(result: dict) -> str:
    """Say what was seen: the measure, or for expectations on single values how many break the law."""
    if "unexpected_count" in result:
        return f"{result['unexpected_count']} of {result['element_count']} rows"
    return str(result.get("observed_value", ""))


def _raise_if_broken(gate: str, results) -> None:
    """Raise GateBroken if any expectation could not be evaluated.

    The cause is told without values: an error of the database may quote one, the name of a missing object is none.
    """
    broken = [result for result in results if _was_raised(result.exception_info)]
    if broken:
        text = " ".join(str(result.exception_info) for result in broken)
        missing = re.search(r'(relation|column|schema|function) "?[\w.]+"? does not exist', text)
        why = missing.group(0) if missing else "the database's words are withheld, they may quote values"
        names = ", ".join(sorted(result.expectation_config.meta["name"] for result in broken))
        raise GateBroken(f"Gate {gate} could not evaluate its expectations ({why}). Concerned: {names}.")


def _was_raised(info: dict) -> bool:
    """GX nests exceptions of metrics one level deeper than those of expectations."""
    nested = [part for part in info.values() if isinstance(part, dict)]
    return bool(info.get("raised_exception")) or any(part.get("raised_exception") for part in nested)


def _save(connection: Connection, result: GateResult) -> None:
    """Replace the rows of (gate, as_of)."""
    rows = [
        (
            *(result.gate, result.as_of, result.batch, finding.expectation, finding.column_name, finding.severity),
            *(finding.success, finding.observed, finding.threshold, finding.message),
        )
        for finding in result.findings
    ]
    with connection.cursor() as cursor:
        cursor.execute("delete from quality.gate_results where gate = %s and as_of = %s", (result.gate, result.as_of))
        execute_values(
            cursor,
            "insert into quality.gate_results (gate, as_of, batch, expectation, column_name, severity, success,"
            " observed, threshold, message) values %s",
            rows,
        )
