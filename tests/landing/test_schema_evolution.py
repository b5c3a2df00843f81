"""A changed source is taken where nothing is lost; else it is refused by contract and column until somebody maps it."""

import json
from datetime import date

import psycopg2
import pyarrow as pa
import pytest
import yaml

from landing.contracts import ContractError, Entity, load_contract
from landing.land import land_department
from landing.readers import Refused, content_of_records, read_content
from runtime import bootstrap
from runtime import settings as settings_module
from runtime.warehouse import transaction, url
from tests.landing import well_formed
from tests.landing.conftest import Landed, empty_raw
from tests.landing.paged_api import TOKEN, serving

DAY = date(2025, 6, 28)
COLUMNS = [
    {"name": "case_id", "required": True},
    {"name": "cost", "type": "decimal"},
    {"name": "changed_at", "type": "timestamp", "required": True},
]
SHAPE = {
    "name": "cases",
    "load": "append",
    "keys": ["case_id"],
    "freshness": {"warn_after_days": 1, "hold_after_days": 3},
}
SOURCES = {
    "csv": ({"kind": "file"}, {"path": "care/cases_{date}.csv", "format": "csv"}),
    "jsonl": ({"kind": "file"}, {"path": "care/cases_{date}.jsonl", "format": "jsonl"}),
    "parquet": ({"kind": "file"}, {"path": "care/cases_{date}.parquet", "format": "parquet"}),
    "sql": ({"kind": "sql", "url_variable": "CARE_URL"}, {"table": "raw_care.source", "cursor": "changed_at"}),
    "rest": (
        {"kind": "rest", "url_variable": "CARE_URL", "token_variable": "CARE_TOKEN"},
        {"endpoint": "cases", "records": "items", "cursor": "changed_at", "cursor_parameter": "since"},
    ),
}


class Care:
    """A department of one entity that can be fed in any of the five ways."""

    def __init__(self, kind, folder, exports, monkeypatch, api):
        self.kind, self.folder, self.exports, self.monkeypatch, self.api = kind, folder, exports, monkeypatch, api

    def agree(self, *columns):
        """Write the contract."""
        source, place = SOURCES[self.kind]
        contract = {
            "department": "care", "owner": "Care", "description": "Cases.", "time_zone": "UTC", "source": source,
            "retention_days": 400, "entities": [{**SHAPE, **place, "columns": list(columns or COLUMNS)}],
        }  # fmt: skip
        (self.folder / "care.yml").write_text(yaml.safe_dump(contract, sort_keys=False))
        return load_contract("care").entity("cases")

    def hand_over(self, records, day=DAY):
        """Let the source hold or deliver these records."""
        if self.kind == "sql":
            self.monkeypatch.setenv("CARE_URL", url("cx_landing"))
            kinds = {"changed_at": "timestamp"}
            names = list(dict.fromkeys(name for record in records for name in record))
            connection = psycopg2.connect(url("cx_landing"))
            with connection, connection.cursor() as cursor:
                cursor.execute("drop table if exists raw_care.source")
                cursor.execute(
                    "create table raw_care.source (" + ", ".join(f"{n} {kinds.get(n, 'text')}" for n in names) + ")"
                )
                for record in records:
                    marks = ", ".join(["%s"] * len(names))
                    cursor.execute(f"insert into raw_care.source values ({marks})", [record.get(n) for n in names])
            connection.close()
        elif self.kind == "rest":
            self.monkeypatch.setenv("CARE_URL", self.api.url)
            self.monkeypatch.setenv("CARE_TOKEN", TOKEN)
            self.api.records, self.api.page_size = {"cases": records}, len(records)
        else:
            names = list(dict.fromkeys(name for record in records for name in record))
            delivered = Entity.model_validate(
                {**SHAPE, **SOURCES[self.kind][1], "keys": [], "columns": [{"name": name} for name in names]}
            )
            well_formed.drop_file(self.exports, delivered, day, records)

    def rows(self):
        """(case_id, cost) of what is in raw."""
        with transaction() as connection, connection.cursor() as cursor:
            cursor.execute("select case_id, cost from raw_care.cases order by 1")
            return cursor.fetchall()


@pytest.fixture
def care(request, warehouse, tmp_path, monkeypatch):
    """The department in the form that the test is parametrised with."""
    folder = tmp_path / "landing" / "departments"
    folder.mkdir(parents=True)
    monkeypatch.setattr(settings_module, "ROOT", tmp_path)
    monkeypatch.setenv("CX_EXPORTS_DIR", str(tmp_path / "exports"))
    with serving() as api:
        department = Care(request.param, folder, tmp_path / "exports", monkeypatch, api)
        department.agree()
        bootstrap.open_raw_schema("care")
        empty_raw("care")
        yield department
    empty_raw("care")


def _records(count=3, **names):
    """Records whose keys are renamed by `names`."""
    return [
        {
            names.get("case_id", "case_id"): f"c{n}",
            names.get("cost", "cost"): f"{n}.50",
            "changed_at": f"{DAY} 0{n}:00:00",
        }
        for n in range(count)
    ]


@pytest.mark.parametrize("care", SOURCES, indirect=True)
def test_a_renamed_column_is_refused_by_contract_and_column_until_a_steward_maps_it(care):
    care.hand_over(_records(cost="costs"))
    report = land_department("care", DAY)
    assert report.count("refused") == 1
    (message,) = report.messages
    assert "the column 'cost' (renamed to 'costs'?) is missing" in message
    assert "Contract: care.yml." in message
    mapped = [
        {**column, "delivered_as": ["cost", "costs"]} if column["name"] == "cost" else column for column in COLUMNS
    ]
    care.agree(*mapped)
    report = land_department("care", DAY)
    assert (report.count("landed"), report.messages) == (1, [])
    assert care.rows() == [("c0", "0.50"), ("c1", "1.50"), ("c2", "2.50")]
    assert care.kind in ("sql", "rest") or set(Landed().ledger("care")["status"]) == {"landed"}


@pytest.mark.parametrize("care", SOURCES, indirect=True)
def test_the_old_name_still_lands_after_the_mapping(care):
    care.agree(
        *[{**column, "delivered_as": ["costs", "cost"]} if column["name"] == "cost" else column for column in COLUMNS]
    )
    care.hand_over(_records())
    assert land_department("care", DAY).messages == []
    assert care.rows()[0] == ("c0", "0.50")


@pytest.mark.parametrize("care", SOURCES, indirect=True)
def test_an_added_column_is_taken_and_reported(care):
    care.hand_over([{**record, "mood": "glad"} for record in _records()])
    report = land_department("care", DAY)
    assert report.count("landed") == 1
    assert "has the new column 'mood'" in report.messages[0]


ENTITY = Entity.model_validate(
    {
        **SHAPE,
        "path": "a_{date}.jsonl",
        "format": "jsonl",
        "keys": [],
        "columns": [{"name": "a", "delivered_as": ["x", "y"]}],
    }
)


def test_where_records_use_both_names_the_first_filled_one_counts():
    lines = [{"x": "1"}, {"y": "2"}, {"x": "3", "y": "4"}, {"x": None, "y": "5"}]
    content = read_content(ENTITY, "".join(json.dumps(line) + "\n" for line in lines).encode())
    assert content.table["a"].to_pylist() == ["1", "2", "3", "5"]
    assert content.added_columns == ()
    assert content_of_records(ENTITY, lines, ["y", "x"]).table.equals(content.table.select(["a", "_row_number"]))
    with pytest.raises(Refused, match="'x' .renamed to 'z'.. is missing"):
        read_content(ENTITY, b'{"z": "1"}\n')


def test_a_name_cannot_belong_to_two_columns(care_contract):
    with pytest.raises(ContractError, match="the same name stands twice in delivered_as: y"):
        care_contract({"name": "a", "delivered_as": ["x", "y"]}, {"name": "b", "delivered_as": "y"})


@pytest.fixture
def care_contract(tmp_path, monkeypatch):
    """Write a contract of these columns and read it."""
    folder = tmp_path / "landing" / "departments"
    folder.mkdir(parents=True)
    monkeypatch.setattr(settings_module, "ROOT", tmp_path)
    care = Care("csv", folder, tmp_path, monkeypatch, None)
    return lambda *columns: care.agree({"name": "case_id"}, *columns)


def test_content_of_a_table_without_rows_knows_its_columns():
    assert content_of_records(ENTITY, [], []).table.schema.names == ["a", "_row_number"]
    assert content_of_records(ENTITY, [], []).table.schema.field("a").type == pa.string()
