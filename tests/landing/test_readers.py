"""Files are read as they are: every text survives, and nothing that is unsure is guessed."""

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landing.contracts import Entity
from landing.json_lines import plain_objects
from landing.readers import Refused, read_content
from landing.text import as_text

# What PostgreSQL can store: no NUL, no half of a surrogate pair.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def _entity(*names, **changes) -> Entity:
    described = {
        "name": "people",
        "load": "append",
        "path": "people_{date}.csv",
        "format": "csv",
        "freshness": {"warn_after_days": 1, "hold_after_days": 1},
        "columns": [name if isinstance(name, dict) else {"name": name} for name in names],
    }
    return Entity.model_validate(described | changes)


def _rows(entity, data: bytes) -> list[tuple]:
    content = read_content(entity, data)
    return [tuple(row.values()) for row in content.table.to_pylist()]


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=6))
def test_every_text_of_a_csv_survives_and_an_empty_one_is_null(rows):
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("a", "b", "c"), *rows])
    expected = [(*(value or None for value in row), n) for n, row in enumerate(rows, start=1)]
    assert _rows(_entity("a", "b", "c"), buffer.getvalue().encode()) == expected


@given(st.lists(st.lists(TEXTS, min_size=1, max_size=5), min_size=1, max_size=6))
def test_every_line_is_either_landed_or_set_aside_or_the_file_is_refused(lines):
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("a", "b", "c"), *lines])
    try:
        content = read_content(_entity("a", "b", "c"), buffer.getvalue().encode())
    except Refused as refusal:
        assert "the last, has" in str(refusal)
        assert len(lines[-1]) < 3
        return
    landed = content.table["_row_number"].to_pylist()
    aside = [line.row_number for line in content.malformed]
    assert landed == [n for n, line in enumerate(lines, start=1) if len(line) == 3]
    assert aside == [n for n, line in enumerate(lines, start=1) if len(line) != 3]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"a,b\r\n1,2\r\n", [("1", "2", 1)]),
        (b"\xef\xbb\xbfa,b\n1,2\n", [("1", "2", 1)]),
        (b"a,b\n1,2\n\n3,4\n", [("1", "2", 1), ("3", "4", 2)]),
        (b"b,a\n1,2\n", [("1", "2", 1)]),
        (b'a,b\n5" pipe,x\n', [('5" pipe', "x", 1)]),
        (b"a,b\nNULL,NA\n", [("NULL", "NA", 1)]),
        (b"a,b\n007,1.10\n", [("007", "1.10", 1)]),
        (b"a,b\n", []),
    ],
)
def test_forms_of_csv_that_are_all_right(data, rows):
    assert _rows(_entity("a", "b"), data) == rows


@pytest.mark.parametrize("data", [b'a\n"x"\ny\n', b"a\nx\ny\n"])
def test_a_single_column_is_read(data):
    assert _rows(_entity("a"), data) == [("x", 1), ("y", 2)]


@pytest.mark.parametrize("data", [b'a,b\n1,"2\n', b'a,b\n1,"2\n3,4\n5,6\n', b'a\n"x\ny\n', b'a,b\n1,2\n3,"x\n4,5\n'])
def test_an_open_quotation_mark_is_never_guessed(data):
    with pytest.raises(Refused, match="never closed"):
        read_content(_entity(*("ab" if b"," in data else "a")), data)


def test_encoding_and_delimiter_of_the_contract_are_used():
    entity = _entity("name", "city", encoding="latin-1", delimiter=";")
    assert _rows(entity, "name;city\nJörg;Köln, Süd\n".encode("latin-1")) == [("Jörg", "Köln, Süd", 1)]


def test_columns_are_renamed_by_the_contract():
    entity = _entity({"name": "customer_no", "delivered_as": "Kunden-Nr."}, "city")
    content = read_content(entity, "Kunden-Nr.,city,Ländercode\n1,Köln,DE\n".encode())
    assert content.table.column_names == ["customer_no", "city", "l_ndercode", "_row_number"]
    assert content.added_columns == ("l_ndercode",)
    with pytest.raises(Refused, match="'Kunden-Nr.' .renamed to 'Kundennr'.. is missing"):
        read_content(entity, b"Kundennr,city\n1,K\n")


def test_json_values_become_text_as_they_are_written():
    lines = b'{"a": 1.10, "b": true}\n{"a": "x", "b": {"c": [1, 2.5, null]}}\n{"a": 12345678901234567890}\n'
    assert _rows(_entity("a", "b", format="jsonl"), lines) == [
        ("1.10", "true", 1),
        ("x", '{"c": [1, 2.5, null]}', 2),
        ("12345678901234567890", None, 3),
    ]


def test_json_that_the_warehouse_cannot_store_is_set_aside():
    content = read_content(_entity("a", format="jsonl"), b'{"a": "\\u0000"}\n{"a": "\\ud800"}\n[1]\n{"a": "ok"}\n')
    assert [line.row_number for line in content.malformed] == [1, 2, 3]
    assert content.table.to_pylist() == [{"a": "ok", "_row_number": 4}]


def test_values_are_written_so_that_postgresql_reads_them_back():
    from datetime import UTC, date, datetime
    from decimal import Decimal

    values = [None, True, 3, Decimal("1.10"), date(2017, 1, 2), datetime(2017, 1, 2, 3, 4, tzinfo=UTC), b"\x01", [1]]
    expected = [None, "true", "3", "1.10", "2017-01-02", "2017-01-02 03:04:00+00:00", "\\x01", "[1]"]
    assert [as_text(value) for value in values] == expected
    assert pa.array(expected).type == pa.string()


# Pieces from which lines are made that are JSON, almost JSON, or JSON of a kind that Arrow would write in its own way.
PIECES = st.sampled_from(
    ['{"a":"x","b":1}\n', '{"a":null,"b":2,"c":true}\n', '{"a":"2025-01-01 00:00:00"}\n', '{"b":1.10,"a":"y"}\n']
    + [
        '{"a":"\\u00fc","b":-0}\n',
        '{"a":"\\u0000"}\n',
        '{"a":"\\udc00"}\n',
        '{"\\u0061":"z"}\n',
        '{"a":{"n":1}}\n',
        "{}\n",
    ]
    + ['{"a":"x"}', '{"a":', "}", "\n", " ", '"a":1,', '{"a":"x","a":"y"}\n', '{"b":99999999999999999999}\n', "[1]\n"]
    + ['{"x\\"b":1,"a":"q"}\n', '{"a":NaN}\n', '{"a":5}\n', '{"a":""}\n', '{"b":"1"}\n', "\ufeff", "\x01"]
)


@given(st.lists(PIECES, min_size=1, max_size=6))
def test_json_lines_read_together_give_what_they_give_one_by_one(pieces):
    columns = [{"name": "a"}, {"name": "b", "type": "integer"}]
    entity = _entity(*columns, path="people_{date}.jsonl", format="jsonl")

    def read():
        try:
            content = read_content(entity, "".join(pieces).encode())
        except Refused as refusal:
            return str(refusal)
        return content.table.select(sorted(content.table.column_names)).to_pydict(), content.malformed

    together = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("landing.readers.plain_objects", lambda *_: None)
        assert together == read()


def test_plain_json_lines_take_the_quick_way():
    entity = _entity("a", {"name": "b", "type": "integer"}, path="people_{date}.jsonl", format="jsonl")
    table = plain_objects(entity, b'{"a":"x","b":1}\n{"b":null,"a":"2025-01-01"}\n')
    assert table.to_pydict() == {"a": ["x", "2025-01-01"], "b": ["1", None]}
    assert plain_objects(entity, b'{"a":"x","b":1.10}\n') is None
