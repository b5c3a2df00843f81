"""How a source's own way of writing a value becomes one that PostgreSQL reads; anything else becomes null.

Strict on purpose: PostgreSQL would read 1.2.2025 as the second of January. `dbt_project/macros/formats.sql` turns the
values that passed here into columns.
"""

from psycopg2 import sql

from landing.columns import Column

PATTERNS = {
    "DD.MM.YYYY": (
        r"^\d{2}\.\d{2}\.\d{4}$",
        "substr({v}, 7, 4) || '-' || substr({v}, 4, 2) || '-' || substr({v}, 1, 2)",
    ),
    "DD.MM.YYYY HH24:MI": (
        r"^\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}$",
        "substr({v}, 7, 4) || '-' || substr({v}, 4, 2) || '-' || substr({v}, 1, 2) || substr({v}, 11)",
    ),
    "YYYYMMDDHH24MISS": (
        r"^\d{14}$",
        "substr({v}, 1, 4) || '-' || substr({v}, 5, 2) || '-' || substr({v}, 7, 2) || ' ' || substr({v}, 9, 2) || ':'"
        " || substr({v}, 11, 2) || ':' || substr({v}, 13, 2)",
    ),
    # Eleven digits reach the year 5138; more would not fit a timestamp.
    "epoch_seconds": (r"^\d{1,11}$", "to_timestamp({v}::bigint)::text"),
    "epoch_milliseconds": (r"^\d{1,14}$", "to_timestamp({v}::bigint / 1000.0)::text"),
    "decimal_comma": (r"^-?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?$", "replace(replace({v}, '.', ''), ',', '.')"),
    "J/N": (r"^[JN]$", "case {v} when 'J' then 'true' else 'false' end"),
}


def readable(column: Column) -> sql.Composable:
    """Write the value of `column` (of the row `r`) as text that PostgreSQL reads, null if it is not in its format."""
    value = sql.SQL("r.{}").format(sql.Identifier(column.name))
    if column.format is None:
        return value
    pattern, text = PATTERNS[column.format]
    return sql.SQL("(case when btrim({v}) ~ {pattern} then {text} end)").format(
        v=value, pattern=sql.Literal(pattern), text=sql.SQL(text).format(v=sql.SQL("btrim({})").format(value))
    )
