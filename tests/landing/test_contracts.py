"""A contract with a mistake is told by file and key before anything is landed."""

import copy

import pytest
import yaml

from landing.contracts import ContractError, departments, load_contract
from runtime import settings as settings_module
from runtime.settings import DATASETS, ROOT, SettingsError

GOOD = yaml.safe_load((ROOT / "landing" / "departments" / "complete_journey" / "till.yml").read_text())


def _entity(**changes):
    content = copy.deepcopy(GOOD)
    content["entities"][0] |= changes
    return content


def _column(**changes):
    content = copy.deepcopy(GOOD)
    content["entities"][0]["columns"][0] |= changes
    return content


WRONG = {
    "unknown key": (GOOD | {"onwer": "x"}, "till.yml: onwer: this key does not exist"),
    "missing key": ({k: v for k, v in GOOD.items() if k != "owner"}, "till.yml: owner: this key is missing"),
    "time zone": (GOOD | {"time_zone": "New York"}, "till.yml: time_zone: 'New York' is no IANA time zone"),
    "source kind": (GOOD | {"source": {"kind": "ftp"}}, "till.yml: source: "),
    "secret url": (
        GOOD | {"source": {"kind": "sql", "url_variable": "postgresql://me:pw@host/db"}},
        "till.yml: source.url_variable: ",
    ),
    "other name": (GOOD | {"department": "shop"}, "department: is 'shop', but the file is named till.yml"),
    "column type": (_column(type="float"), "till.yml: entities[transactions].columns[household_id].type: "),
    "column range": (_column(type="text"), "columns[household_id]: minimum and maximum need type integer or decimal"),
    "key": (_entity(keys=["basket"]), "entities[transactions]: keys and cursor must be among the columns"),
    "path": (_entity(path="till/all.csv"), "entities[transactions].path: must hold {date} exactly once"),
    "escape": (_entity(path="../till_{date}.csv"), "entities[transactions].path: must stay below the exports folder"),
    "no path": (_entity(path=None), "entity 'transactions' needs the key 'path' (source kind file)"),
    "foreign key": (_entity(table="x"), "the key 'table' belongs to source kind sql"),
    "encoding": (_entity(encoding="utf-9"), "entities[transactions].encoding: 'utf-9' is no known encoding"),
    "freshness": (
        _entity(freshness={"warn_after_days": 3, "hold_after_days": 2}),
        "entities[transactions].freshness: hold_after_days must not be below warn_after_days",
    ),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of contracts."""
    monkeypatch.setattr(settings_module, "ROOT", tmp_path)
    folder = tmp_path / "landing" / "departments"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_named_by_file_and_key(folder, mistake):
    content, sentence = WRONG[mistake]
    (folder / "till.yml").write_text(yaml.safe_dump(content))
    with pytest.raises(ContractError) as told:
        load_contract("till")
    assert sentence in str(told.value)
    assert "pw@host" not in str(told.value), "a password written by mistake is not repeated"


def test_unreadable_yaml_and_unknown_departments_are_told(folder):
    (folder / "till.yml").write_text("department: [till")
    with pytest.raises(ContractError, match="till.yml: this is not readable YAML"):
        load_contract("till")
    with pytest.raises(ContractError, match="shop.yml: there is no such contract. Known departments: till."):
        load_contract("shop")


def test_your_own_contracts_stand_beside_those_of_the_demo_company(folder, monkeypatch):
    monkeypatch.setenv("CX_DATASET", "complete_journey")
    company = folder / "complete_journey"
    company.mkdir()
    (company / "till.yml").write_text(yaml.safe_dump(GOOD))
    (folder / "support.yml").write_text(yaml.safe_dump(GOOD | {"department": "support"}))
    assert departments() == ["support", "till"]
    monkeypatch.setenv("CX_DATASET", "none")
    assert departments() == ["support"]
    monkeypatch.setenv("CX_DATASET", "complete_journey")
    (folder / "till.yml").write_text(yaml.safe_dump(GOOD))
    with pytest.raises(SettingsError, match="till.yml stands in landing/departments and in"):
        departments()


SHIPPED = [
    (dataset, path.stem) for dataset in DATASETS for path in (ROOT / "landing" / "departments" / dataset).glob("*.yml")
]
PERSONAL = {
    *("household_id", "email", "phone", "street", "postcode", "town", "first_name", "last_name", "full_name"),
    *("birth_date", "contact_email", "contact_phone", "contact_name", "contact_no", "account_id", "loyalty_card_no"),
    *("visitor_id", "install_id", "serial_no", "recipient", "ship_to_name", "ship_to_street", "text", "comment"),
}


@pytest.mark.parametrize(("dataset", "department"), SHIPPED)
def test_the_contracts_we_ship_are_good_and_name_personal_data(dataset, department, monkeypatch):
    monkeypatch.setenv("CX_DATASET", dataset)
    for entity in load_contract(department).entities:
        assert PERSONAL & set(entity.column_names) <= set(entity.personal_columns)


def test_every_dataset_has_its_departments():
    assert sorted(name for dataset, name in SHIPPED if dataset == "complete_journey") == [
        *("crm", "marketing", "merchandising", "till")
    ]
    assert len([name for dataset, name in SHIPPED if dataset == "nordhaus"]) == 10
