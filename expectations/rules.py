"""How an expectation is written here: one SQL measure, one law in words, one severity.

GX imports slowly (4 s), so this module and the suites are imported only when a gate runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import great_expectations.expectations as gxe
from great_expectations.compatibility import pydantic
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

# A reader wants the worst few; the rest is a number. 5 findings fit one line of the Airflow log.
FINDINGS_SHOWN = 5


class MeasuredRule(gxe.UnexpectedRowsExpectation):
    """A query with one row per measured object: `object`, `observed` (text) and `is_broken`.

    Unlike its parent it keeps what was measured when all is well, and it never keeps a row of the data: queries
    aggregate, so the texts hold names of tables, files and rules and numbers, no personal value.
    """

    metric_dependencies = ("unexpected_rows_query.table",)

    @pydantic.validator("unexpected_rows_query")
    def _validate_query(cls, query: str) -> str:
        """Take the query as it is: its rows are measures over several tables, not rows of the batch."""
        return query

    def _validate(self, metrics, runtime_configuration=None, execution_engine=None) -> dict:
        measured = metrics["unexpected_rows_query.table"]
        broken = [row for row in measured if row["is_broken"]]
        return {"success": not broken, "result": {"observed_value": _sentence(broken or measured, bool(broken))}}


class Freshness(MeasuredRule):
    """How old the newest data is at `as_of`; the first expectation of every suite."""


def _sentence(rows: list[dict], is_broken: bool) -> str:
    """Join measures into one line, sorted, so that the same data always gives the same words."""
    texts = sorted(f"{row['object']}: {row['observed']}" for row in rows)
    if not texts:
        return "none"
    rest = len(texts) - FINDINGS_SHOWN
    more = f"; and {rest} more" if rest > 0 else ""
    return ("broken: " if is_broken else "") + "; ".join(texts[:FINDINGS_SHOWN]) + more


@dataclass(frozen=True)
class Subject:
    """What one run of a gate looks at: a date, the open transaction, and names that all its queries may use."""

    as_of: date
    connection: Connection
    names: Mapping[str, sql.Composable] = field(default_factory=dict)

    def exists(self, table: str) -> bool:
        """Tell whether `table` ("schema.table") is there: a law about a company's own data has no meaning elsewhere."""
        with self.connection.cursor() as cursor:
            cursor.execute("select to_regclass(%s) is not null", (table,))
            return cursor.fetchone()[0]

    def compose(self, query: str, **more: object) -> sql.Composable:
        """Fill `{placeholders}` with quoted identifiers and literals; `{as_of}` is always known."""
        given = dict(self.names)
        for name, value in more.items():
            given[name] = value if isinstance(value, sql.Composable) else sql.Literal(value)
        as_of = sql.SQL("date {}").format(sql.Literal(self.as_of.isoformat()))
        return sql.SQL(query).format(as_of=as_of, **given)

    def render(self, query: str, **more: object) -> str:
        """Write the query as text for GX, which formats it once more, and SQLAlchemy, to which :name is a parameter."""
        text = self.compose(query, **more).as_string(self.connection)
        return text.replace("{", "{{").replace("}", "}}").replace(":", r"\:").replace(r"\:\:", "::")

    def measure(self, name: str, query: str, *, freshness: bool = False, **words: object) -> MeasuredRule:
        """Make an expectation from a query; `words` are those of `described`, the rest fills the query."""
        about = {key: words.pop(key) for key in ("severity", "law", "threshold", "advice", "column") if key in words}
        kind = Freshness if freshness else MeasuredRule
        return kind(unexpected_rows_query=self.render(query, **words), **described(name, **about))


def described(name: str, *, severity: str, law: str, threshold: str, advice: str, column: str = "") -> dict:
    """Give the keyword arguments that every expectation needs: what must hold, the limit, and what to do if not."""
    return {
        "severity": severity,
        "description": law,
        "meta": {"name": name, "threshold": threshold, "advice": advice, "column": column},
    }
