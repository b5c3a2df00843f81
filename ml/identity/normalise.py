"""One way to write a value: the SQL (DuckDB) that turns a column into comparable text, by kind. Empty becomes null.

Nothing here knows a data set. What a value looked like stays in the source; these columns are for comparison only.
"""

from collections.abc import Iterator, Sequence

import duckdb

from ml.identity.mapping import Column, Mapping

LETTERS = "[^a-z ]"
MISSING = ("na", "n/a", "nan", "null", "none", "unknown", "-")


def quoted(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def normalise(
    connection: duckdb.DuckDBPyConnection, table: str, mapping: Mapping, into: str, kept: Sequence[str]
) -> None:
    """Create the table `into` from `table`: the columns `kept` and the comparison columns of every mapped column."""
    parts = list(kept)
    for number, column in enumerate(mapping.columns):
        parts += [f"{expression} as {name}" for name, expression in expressions(column, f"c{number}")]
    connection.execute(f"create table {into} as select {', '.join(parts)} from {table}")
    for number, column in enumerate(mapping.columns):
        if column.kind in ("given_name", "surname", "full_name"):
            add_sound(connection, into, f"c{number}")


def expressions(column: Column, name: str) -> Iterator[tuple[str, str]]:
    """Give the comparison columns of `column`: their names (the first is `name` itself) and SQL."""
    raw = f"lower(trim(cast({quoted(column.sources[0])} as varchar)))"
    text = f"nullif(trim(regexp_replace({spelled(raw)}, '[^a-z0-9]+', ' ', 'g')), '')"
    missing = ", ".join(f"'{word}'" for word in MISSING)
    squeezed = f"nullif(regexp_replace({spelled(raw)}, '[^a-z0-9]+', '', 'g'), '')"
    kind = column.kind
    if kind in ("given_name", "surname", "full_name"):
        yield name, f"nullif(trim(regexp_replace({spelled(raw)}, '[^a-z]+', ' ', 'g')), '')"
    elif kind == "birth_date":
        yield name, birth_date(column)
    elif kind == "email":
        yield name, f"nullif({raw}, '')"
        yield f"{name}_local", f"nullif(regexp_replace(split_part({raw}, '@', 1), '[^a-z0-9]', '', 'g'), '')"
        yield f"{name}_domain", f"nullif(split_part({raw}, '@', 2), '')"
    elif kind == "phone":
        digits = f"ltrim(regexp_replace({raw}, '[^0-9]', '', 'g'), '0')"
        yield name, f"case when length({digits}) >= 5 then right({digits}, 9) end"
    elif kind in ("street", "house_number", "postcode", "national_id"):
        yield name, squeezed
    else:
        yield name, f"case when {text} not in ({missing}) then {text} end"


def spelled(raw: str) -> str:
    """Write umlauts as two letters and drop accents: Müller and Mueller become one."""
    for letter, written in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("ø", "oe"), ("æ", "ae")):
        raw = f"replace({raw}, '{letter}', '{written}')"
    return f"strip_accents({raw})"


def birth_date(column: Column) -> str:
    """Write a birth date as eight digits yyyymmdd. Impossible dates stay, as their digits still say something."""
    if len(column.sources) == 3:
        year, month, day = (f"regexp_extract(cast({quoted(part)} as varchar), '\\d+')" for part in column.sources)
        return f"nullif(lpad({year}, 4, '0') || lpad({month}, 2, '0') || lpad({day}, 2, '0'), '00000000')"
    raw = f"trim(cast({quoted(column.sources[0])} as varchar))"
    digits = f"regexp_replace({raw}, '[^0-9]', '', 'g')"
    kept = f"case when length({digits}) >= 8 then left({digits}, 8) end"
    if column.format:
        form = column.format.replace("'", "''")
        return f"coalesce(strftime(try_strptime({raw}, '{form}'), '%Y%m%d'), {kept})"
    dotted = f"regexp_matches({raw}, '^\\d{{1,2}}[./]\\d{{1,2}}[./]\\d{{4}}')"
    day_first = f"strftime(try_strptime(replace({raw}, '/', '.'), '%d.%m.%Y'), '%Y%m%d')"
    return f"case when {dotted} then {day_first} else {kept} end"


# Letters that sound or look alike become one; vowels, h, j and y fall away (the idea of Soundex, at full length).
SOUNDS = ("bpfvwcgkqsxzdtlmnr", "bbfffkkkksssddlmmr")


def add_sound(connection: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
    """Add `<name>_sound`: how a name sounds. Worked out once per distinct value."""
    sound = f"replace(replace(replace({name}, 'ph', 'f'), 'sch', 's'), 'ck', 'k')"
    sound = f"translate({sound}, '{SOUNDS[0]}aeiouhjy ', '{SOUNDS[1]}')"
    for letter in sorted(set(SOUNDS[1])):
        sound = f"replace({sound}, '{letter}{letter}', '{letter}')"
    sound = f"case when {name}[1] in ('a','e','i','o','u','h','j','y') then 'a' else '' end || {sound}"
    connection.execute(
        f"create or replace table {table} as with sounds as "
        f"(select {name}, {sound} as {name}_sound from (select distinct {name} from {table}) where {name} is not null) "
        f"select t.*, s.{name}_sound from {table} t left join sounds s using ({name})"
    )
