"""The list of places is complete: against the contracts, the dbt project and the tables that bootstrap makes."""

import pytest

from landing.contracts import departments, load_contract
from privacy.subjects import as_read, existing_places, load_subjects, table_columns
from runtime.settings import ROOT
from runtime.warehouse import dbt_environment, transaction


@pytest.fixture(scope="module")
def listed() -> set[str]:
    return {place.table for place in load_subjects().places}


def test_every_entity_with_personal_data_is_listed(listed):
    """So is the department's table of unreadable lines, where any entity's line may stand."""
    personal = set()
    for department in departments():
        contract = load_contract(department)
        entities = [e for e in contract.entities if any(column.personal_data for column in e.columns)]
        personal |= {f"{contract.raw_schema}.{entity.name}" for entity in entities}
        personal |= {f"{contract.raw_schema}._malformed_lines" for _ in entities}
    assert len(personal) >= 7
    assert personal <= listed


def test_every_model_with_a_personal_column_is_listed(warehouse, listed, tmp_path, monkeypatch):
    """Tables and incremental models of the dbt project, by the columns that their YAML documents."""
    from dbt.cli.main import dbtRunner

    for name, value in dbt_environment().items():
        monkeypatch.setenv(name, value)
    project = str(ROOT / "dbt_project")
    parsed = dbtRunner().invoke(
        ["--quiet", "parse", "--project-dir", project, "--profiles-dir", project]
        + ["--target-path", str(tmp_path), "--log-path", str(tmp_path), "--no-partial-parse"]
        + ["--vars", "{as_of: 2017-12-31}"]
    )
    assert parsed.success, parsed.exception
    stored = [
        node
        for node in parsed.result.nodes.values()
        if node.resource_type == "model" and node.config.materialized in ("table", "incremental", "snapshot")
    ]
    personal = {
        f"{node.schema}.{node.alias}" for node in stored if load_subjects().personal_columns & set(node.columns)
    }
    assert len(personal) >= 15
    assert personal <= listed, "privacy/subjects.yml says nothing about these tables"
    made = {f"{node.schema}.{node.alias}" for node in stored}
    with transaction() as connection:  # the room of identity makes its tables itself
        made |= {table for table, _ in table_columns(connection) if table.startswith("identity.")}
    by_dbt = {table for table in listed if table.split(".")[0] in ("staging", "identity", "marts", "features")}
    assert by_dbt <= made, "privacy/subjects.yml lists tables that dbt does not make"


def test_every_table_that_the_rooms_make_is_listed(shared_warehouse):
    """existing_places raises UnlistedTable for a table with a personal column that is not listed."""
    with transaction("cx_privacy") as connection:
        tables = {place.table for place in existing_places(connection)}
    assert {"scores.intent_scores", "decisions.decision_ledger", "activation.next_best_actions"} <= tables


def test_a_mart_is_looked_for_on_both_sides_and_shown_once(shared_warehouse):
    """Readers see a view of one side; the person is on the other one, too, and would come back with the next build."""
    made = [
        "create table marts_blue.baskets (customer_id text)",
        "create table marts_green.baskets (customer_id text)",
        "create view marts.baskets as select customer_id from marts_blue.baskets",
    ]
    with transaction() as connection, connection.cursor() as cursor:
        for statement in made:
            cursor.execute(statement)
        places = existing_places(connection)
        tables = [place.table for place in places if place.table.endswith(".baskets")]
        read = [place.table for place in as_read(connection, places) if place.table.endswith(".baskets")]
        connection.rollback()
    assert tables == ["marts_blue.baskets", "marts_green.baskets"]
    assert read == ["marts.baskets"]
