"""Checks of a contract that one row answers by itself, as SQL: (field, rule, is_broken, words), for `suspicion.py`."""

from datetime import date

from psycopg2 import sql

from expectations.formats import readable
from expectations.row_rules import TYPES, is_castable, plain_number, shown
from landing.columns import Column
from landing.plausibility import OneFilled, Ordered

# UTF-8 read as cp1252 or Latin-1: a lead byte of two (Ã, Â, Ä, Å) or three bytes (â€) followed by a continuation byte.
MOJIBAKE = "[ÂÃÄÅ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€|\ufffd"

_LUHN = """
    {v} !~ '^[0-9]+$' or (
        select sum(case when (length({v}) - place) % 2 = 0 then digit else digit * 2 - 9 * (digit > 4)::int end)
        from (select place, substr({v}, place, 1)::int as digit from generate_series(1, length({v})) place) digits
    ) % 10 <> 0
"""


def checks_of_a_value(column: Column, first_day: sql.Composable) -> list[sql.Composable]:
    """Write the checks on one value as (field, rule, is_broken, words)."""
    value = sql.SQL("btrim(r.{})").format(sql.Identifier(column.name))
    plain = sql.SQL("r.{}").format(sql.Identifier(column.name))
    stand_ins = sql.Literal([text.lower() for text in column.placeholders])
    # What stands for nothing is marked as that, and not once more for its form.
    told = sql.SQL("{v} <> '' and lower({v}) <> all({stand_ins}::text[])").format(v=value, stand_ins=stand_ins)
    found: list[tuple[str, sql.Composable, str]] = []

    def broken(rule: str, condition: str, words: str, **values: sql.Composable) -> None:
        found.append((rule, sql.SQL(condition).format(v=value, plain=plain, told=told, **values), words))

    if column.wanted:
        broken("empty", "({v} <> '') is not true", "is empty")
    if column.placeholders:
        broken("placeholder", "lower({v}) = any({listed})", "stands for nothing known", listed=stand_ins)
    if column.pattern:
        broken(
            "pattern",
            "{told} and {v} !~ {p}",
            f"is not written like {column.pattern}",
            p=sql.Literal(f"^(?:{column.pattern})$"),
        )
    if column.values:
        listed = sql.Literal(list(column.values))
        broken("not_listed", "{told} and {v} <> all({listed})", "is not in the contract's list", listed=listed)
    if column.checksum == "luhn":
        broken("checksum", "{told} and (" + _LUHN + ")", "has a wrong check digit")
    if column.tidy:
        broken("blanks", "{plain} <> {v} or {v} ~ '\\s\\s'", "has blanks that do not belong there")
        broken("encoding", "{v} ~ {p}", "was read in a wrong encoding", p=sql.Literal(MOJIBAKE))
    if column.tidy == "name":
        broken(
            "letter_case",
            "length({v}) > 2 and lower({v}) <> upper({v}) and ({v} = upper({v}) or {v} = lower({v}))",
            "is written in capitals or small letters only",
        )
    checks = [
        sql.SQL("({}, {}, {}, {})").format(
            sql.Literal(column.name), sql.Literal(rule), condition, _words(column, rule, words)
        )
        for rule, condition, words in found
    ]
    if column.plausible:
        checks.append(_out_of_range(column))
    if column.late_after_days is not None:
        checks.append(_late(column, first_day))
    return checks


def _words(column: Column, rule: str, words: str) -> sql.Composable:
    if rule == "empty":
        return sql.Literal(words)
    return sql.SQL("{} || ' ' || {}").format(shown(column), sql.Literal(words))


def _out_of_range(column: Column) -> sql.Composable:
    """Write the check of a plausible range; CASE keeps the cast behind the check that it is possible."""
    ends = ((column.plausible.minimum, "<"), (column.plausible.maximum, ">"))
    kind = sql.SQL(TYPES[column.type][0])
    beyond = sql.SQL(" or ").join(
        sql.SQL("{}::{} {} {}").format(readable(column), kind, sql.SQL(sign), _limit(end, kind))
        for end, sign in ends
        if end is not None
    )
    limits = " to ".join("" if end is None else str(end) for end, _ in ends)
    return sql.SQL("({field}, 'implausible', case when {castable} then {beyond} else false end, {words})").format(
        field=sql.Literal(column.name),
        castable=is_castable(column),
        beyond=beyond,
        words=_words(column, "implausible", f"is outside {limits}"),
    )


def _limit(end: float | date, kind: sql.SQL) -> sql.Composable:
    if isinstance(end, date):
        return sql.SQL("{}::{}").format(sql.Literal(end.isoformat()), kind)
    return sql.Literal(plain_number(end))


def _late(column: Column, first_day: sql.Composable) -> sql.Composable:
    """Write the check that a moment is not long before its delivery; the first delivery holds the history."""
    return sql.SQL("""({field}, 'late', case
        when {castable} and b.delivered_date > {first_day}
            then {value}::{kind}::date < b.delivered_date - {days} else false end, {words})""").format(
        field=sql.Literal(column.name),
        castable=is_castable(column),
        first_day=first_day,
        value=readable(column),
        kind=sql.SQL(TYPES[column.type][0]),
        days=sql.Literal(column.late_after_days),
        words=_words(column, "late", f"is more than {column.late_after_days} days before its delivery"),
    )


def check_in_a_row(check: Ordered | OneFilled, columns: dict[str, Column]) -> sql.Composable:
    """Write a check that compares columns of one row as (field, rule, is_broken, words)."""
    if isinstance(check, OneFilled):
        empty = sql.SQL(" and ").join(
            sql.SQL("(btrim(r.{}) <> '') is not true").format(sql.Identifier(name)) for name in check.one_filled
        )
        words = f"is empty, and so are {', '.join(check.one_filled[1:])}"
        return sql.SQL("({}, 'none_filled', {}, {})").format(
            sql.Literal(check.one_filled[0]), empty, sql.Literal(words)
        )
    first, second = (columns[name] for name in check.ordered)
    return sql.SQL("({}, 'order', case when {} and {} then {}::{kind} > {}::{kind} else false end, {})").format(
        sql.Literal(second.name),
        is_castable(first),
        is_castable(second),
        readable(first),
        readable(second),
        sql.Literal(f"is before {first.name}"),
        kind=sql.SQL(TYPES[first.type][0]),
    )
