"""Each fault of a delivery has the outcome that the design names, a sentence for the steward, and harms nobody else."""

import re
from datetime import date
from pathlib import Path

import pytest

from landing.land import land_department
from runtime.warehouse import transaction

DAY = date(2017, 12, 31)
FAULTY = "till/transactions_2017-12-28.csv"


def _replace(path: Path, old: bytes, new: bytes, count: int = -1) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, count))


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def _rename_column(path: Path) -> None:
    _replace(path, b'"sales_value"', b'"sales_val"', 1)


def _drop_column(path: Path) -> None:
    path.write_bytes(b"".join(line.split(b",", 1)[1] for line in _lines(path)))


def _cut_in_the_last_line(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _cut_fields_of_the_last_line(path: Path) -> None:
    *lines, last = _lines(path)
    path.write_bytes(b"".join([*lines, b",".join(last.split(b",")[:5]) + b"\n"]))


def _cut_inside_quotes(path: Path) -> None:
    *lines, last = _lines(path)
    path.write_bytes(b"".join([*lines, last.rsplit(b",", 1)[0] + b',"2017-12-28 1\n']))


def _save_as_latin_1(path: Path) -> None:
    lines = _lines(path)
    lines[3] = lines[3].replace(b",", "é,".encode("latin-1"), 1)
    path.write_bytes(b"".join(lines))


def _put_nul(path: Path) -> None:
    lines = _lines(path)
    lines[2] = lines[2].replace(b",", b"\0,", 1)
    path.write_bytes(b"".join(lines))


FAULTS = {
    "renamed column": (_rename_column, r"the column 'sales_value' \(renamed to 'sales_val'\?\) is missing"),
    "missing column": (_drop_column, r"the column 'household_id' is missing"),
    "cut in the last line": (_cut_in_the_last_line, r"the file is cut off: line \d+, the last, does not end"),
    "cut fields": (_cut_fields_of_the_last_line, r"cut off: data row \d+, the last, has 5 fields instead of 11"),
    "cut inside quotes": (_cut_inside_quotes, r"in data row \d+ a quotation mark is opened and never closed"),
    "wrong encoding": (_save_as_latin_1, r"line 4 is not utf-8 text \(byte 0xE9\).*Latin-1"),
    "nul": (_put_nul, r"line 3 holds a NUL character"),
    "empty file": (lambda path: path.write_bytes(b""), r"the file is empty \(0 bytes\)"),
    "no header": (lambda path: path.write_bytes(b"".join(_lines(path)[1:])), r"line 1 holds none of the column names"),
    "column twice": (
        lambda path: _replace(path, b'"week"', b'"quantity"', 1),
        r"line 1 names the column 'quantity' twice",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_defective_file_is_refused_alone_and_lands_once_repaired(landed, exports, fault):
    damage, sentence = FAULTS[fault]
    path = exports / FAULTY
    good = path.read_bytes()
    damage(path)

    report = land_department("till", DAY)
    assert (report.count("refused"), report.count("landed")) == (1, 8)
    (message,) = report.messages
    assert message.startswith("transactions: till/transactions_2017-12-28.csv was refused: ")
    assert re.search(sentence, message), message
    refused = landed.ledger("till").query("status == 'refused'")
    assert list(refused["reason"]) == [message]
    assert not [row for row in landed.rows("till", "transactions") if "2017-12-28/" in row[0]]

    before = landed.everything("till", ["transactions"])
    assert land_department("till", DAY).messages == [message], "a refused file is told again until it is repaired"
    assert landed.everything("till", ["transactions"]) == before

    path.write_bytes(good)
    repaired = land_department("till", DAY)
    assert repaired.count("landed") == 1
    assert repaired.row_count == len(_lines(path)) - 1


def test_the_other_departments_go_on(landed, exports):
    _rename_column(exports / FAULTY)
    assert land_department("till", DAY).count("refused") == 1
    assert land_department("crm", DAY).count("refused") == 0


def test_a_broken_parquet_file_is_refused(landed, exports):
    path = exports / "merchandising/products_2017-12-01.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    report = land_department("merchandising", DAY)
    assert report.count("refused") == 1
    assert "is no readable Parquet file" in report.messages[0]


def test_a_snapshot_falls_back_to_the_newest_readable_list(landed, exports):
    (exports / "crm/demographics_2017-12-30.csv").write_bytes(b"")
    report = land_department("crm", DAY)
    assert {batch.source_name[13:23]: batch.status for batch in report.batches} == {
        "2017-12-30": "refused",
        "2017-12-23": "landed",
    }


def test_the_same_content_under_another_day_is_a_duplicate(landed, exports):
    (exports / "till/transactions_2017-12-29.csv").write_bytes((exports / FAULTY).read_bytes())
    report = land_department("till", DAY)
    assert report.count("duplicate") == 1
    assert report.messages == [
        "till: transactions_2017-12-29.csv was not landed again: "
        "the content is the same as that of transactions_2017-12-28.csv, which has landed."
    ]
    before = landed.everything("till", ["transactions"])
    assert land_department("till", DAY).batches == []
    assert landed.everything("till", ["transactions"]) == before


def test_a_second_file_for_a_day_lands_only_where_keys_tell_new_rows(landed, exports):
    land_department("till", DAY)
    land_department("marketing", DAY)
    with (exports / FAULTY).open("ab") as file:
        file.write(_lines(exports / FAULTY)[-1].replace(b"2017", b"2018"))
    coupons = exports / "marketing/coupons_2017-12-23.csv"
    with coupons.open("ab") as file:
        file.write(_lines(coupons)[-1].replace(b"1", b"2"))
    assert land_department("till", DAY).count("landed") == 1
    report = land_department("marketing", DAY)
    assert report.count("refused") == 1
    assert "another file for this day has landed" in report.messages[0]


def test_an_added_column_is_kept_and_reported(landed, exports):
    path = exports / FAULTY
    header, *lines = _lines(path)
    path.write_bytes(
        header.rstrip() + b',"E-Mail (privat)"\n' + b"".join(line.rstrip() + b",a@example.org\n" for line in lines)
    )
    report = land_department("till", DAY)
    assert report.count("landed") == 9
    assert "has the new column 'e_mail_privat'" in report.messages[0]
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            "select e_mail_privat, count(distinct _batch_id) from raw_till.transactions group by 1 order by 1"
        )
        assert cursor.fetchall() == [("a@example.org", 1), (None, 7)]


def test_a_malformed_line_is_set_aside_and_the_rest_lands(landed, exports):
    path = exports / FAULTY
    lines = _lines(path)
    lines[5] = b"not,a,line\n"
    lines[8] = lines[8].rstrip() + b",one,two\n"
    path.write_bytes(b"".join(lines))
    report = land_department("till", DAY)
    assert report.messages == [
        f"till: transactions_2017-12-28.csv: 2 lines do not fit the columns and were set aside (first: data row 5, "
        f"the line has 3 fields instead of 11); the other {len(lines) - 3} rows landed."
    ]
    set_aside = landed.rows("till", "_malformed_lines", lineage=False)
    # (batch_id, line, reason, row_number)
    assert [(line, number) for _, line, _, number in sorted(set_aside, key=lambda row: row[3])] == [
        ("not,a,line", "5"),
        (lines[8].decode().strip(), "8"),
    ]
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select _row_number from raw_till.transactions where _batch_id like '%/2017-12-28/%' order by 1")
        numbers = [number for (number,) in cursor.fetchall()]
    assert numbers == [number for number in range(1, len(lines)) if number not in (5, 8)]


def test_a_malformed_json_line_is_set_aside(landed, exports):
    path = exports / "marketing/campaign_descriptions_2017-12-30.jsonl"
    lines = _lines(path)
    lines[2] = lines[2].replace(b"}", b"")
    path.write_bytes(b"".join(lines))
    report = land_department("marketing", DAY)
    assert any("1 line does not fit the columns and was set aside" in message for message in report.messages)
    assert len(landed.rows("marketing", "campaign_descriptions")) == len(lines) - 1
    assert len(landed.rows("marketing", "_malformed_lines")) == 1


def test_a_file_that_nobody_expects_is_told(landed, exports):
    (exports / "till/transactions 28.12.2017.csv").write_text("x")
    report = land_department("till", DAY)
    assert report.messages == [
        "till: transactions 28.12.2017.csv was not landed, because no entity of the contract is named like that."
    ]


def test_quoted_line_breaks_quotes_and_delimiters_survive(landed, exports):
    path = exports / "crm/demographics_2017-12-30.csv"
    header, *lines = _lines(path)
    value = 'he said ""hm"",\nthen left \\. '
    path.write_bytes(b"".join([header, *lines, f'999999,"{value}",,,,,,\n'.encode()]))
    land_department("crm", DAY)
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select age, income, _row_number from raw_crm.demographics where household_id = '999999'")
        assert cursor.fetchall() == [(value.replace('""', '"'), None, len(lines) + 1)]
