"""The walls of dbt_project, read from its manifest."""

import re

import pytest
from dbt_builds import PROJECT, manifest

pytestmark = pytest.mark.usefixtures("server")

# What a folder may read. Arrows point one way; identity lies under intermediate.
MAY_READ = {
    "vocabulary": {"seed"},
    "staging": {"staging", "source", "seed"},
    "intermediate": {"staging", "intermediate", "seed"},
    "marts": {"intermediate", "marts", "vocabulary", "seed"},
    "features": {"marts", "features", "vocabulary", "seed"},
    "insights": {"intermediate", "marts", "features", "insights", "vocabulary", "seed"},
}


def models() -> dict:
    """All models by their unique id."""
    return {key: node for key, node in manifest().nodes.items() if node.resource_type == "model"}


def layer(unique_id: str) -> str:
    """The folder under models/, or seed, or source."""
    if unique_id.startswith(("seed.", "source.")):
        return unique_id.split(".")[0]
    return manifest().nodes[unique_id].fqn[1]


def test_arrows_point_one_way() -> None:
    wrong = [
        (node.name, above)
        for node in models().values()
        for above in node.depends_on.nodes
        if layer(above) not in MAY_READ[layer(node.unique_id)]
    ]
    assert not wrong


def test_a_model_lies_where_its_name_says() -> None:
    for node in models().values():
        if layer(node.unique_id) == "staging":
            assert node.name.startswith(f"stg_{node.fqn[2]}__"), node.name
            assert node.schema == "staging"
        elif node.schema == "intermediate":
            assert node.name.startswith("int_"), node.name
        else:
            assert not node.name.startswith(("stg_", "int_", "fct_", "dim_")), node.name


def test_every_model_says_what_a_row_is() -> None:
    wrong = [node.name for node in models().values() if not node.description.startswith("One row per ")]
    assert not wrong


def test_every_grain_has_a_key_test() -> None:
    """An ephemeral model is no table: the model that it flows into has the test."""
    tested = {
        node.attached_node
        for node in manifest().nodes.values()
        if node.resource_type == "test" and node.name.startswith("is_grain_")
    }
    bare = [n.name for key, n in models().items() if n.config.materialized != "ephemeral" and key not in tested]
    assert not bare


def test_published_layers_keep_their_contract() -> None:
    for node in models().values():
        if node.schema in ("marts", "features", "insights", "decisions"):
            assert node.contract.enforced, node.name
            assert all(column.description and column.data_type for column in node.columns.values()), node.name


def test_nothing_is_disabled_or_loosened() -> None:
    """Nothing but the seeds of the company that is not served."""
    for copies in manifest().disabled.values():
        assert all(copy.resource_type == "seed" and copy.fqn[1] == "nordhaus" for copy in copies)
    for node in manifest().nodes.values():
        if node.resource_type == "test":
            assert node.config.severity.lower() == "error", node.name
            assert (node.config.error_if, node.config.warn_if, node.config.limit, node.config.where) == (
                "!= 0", "!= 0", None, None,
            ), node.name  # fmt: skip


# Words by which a row comes out otherwise than its neighbour; of a union every row comes through.
BRANCH = re.compile(r"\b(case|filter|coalesce|greatest|least|left join|or|not|over|distinct)\b(?! loop)")


def test_every_branch_is_named_by_a_unit_test() -> None:
    """A branch that only whole builds walk through is changed without anybody noticing."""
    tested = {unit.model for unit in manifest().unit_tests.values()}
    bare = [
        node.name
        for node in models().values()
        if layer(node.unique_id) != "staging" and node.name not in tested and BRANCH.search(code(node.raw_code))
    ]
    assert not bare


def code(sql: str) -> str:
    """SQL without its comments, settings and hooks."""
    return re.sub(r"--[^\n]*|\{#.*?#\}|\{\{ config\(.*?\) \}\}", "", sql, flags=re.DOTALL)


def test_every_law_says_what_fails_and_why() -> None:
    for law in (PROJECT / "tests").glob("assert_*.sql"):
        head = law.read_text(encoding="utf-8")
        assert head.startswith("-- Fails when: "), law.name
        assert "\n-- Why: " in head, law.name


def test_only_macros_speak_the_language_of_one_engine() -> None:
    spoken = ("::", "distinct on", "generate_series", "string_agg", "array_agg", "ilike", "now()", "current_")
    for model in (PROJECT / "models").rglob("*.sql"):
        text = model.read_text(encoding="utf-8").lower()
        assert not [word for word in spoken if word in text], model.name


def test_personal_data_is_marked_in_marts() -> None:
    personal = {"loyalty_number", "age_band", "income_band", "home_ownership", "marital_status", "household_size"}
    personal |= {"salutation", "title", "given_name", "surname", "birth_date", "email", "phone", "street", "postcode"}
    personal |= {"town", "language", "value", "value_key", "source_key"}
    for node in models().values():
        if node.schema in ("marts", "insights"):
            for name in personal & set(node.columns):
                assert node.columns[name].config.meta.get("personal_data"), f"{node.name}.{name}"


# What a number counts or measures, said in its name or in its description.
UNITS = re.compile(
    r"\b(eur|days?|d|seconds?|pieces|litres|cups|share|ratio|number|probability|score|rank|place|tenth|band|years?|"
    r"ordinal|1 if|household size|kids|homeowner|married|hour|percent|factor)\b",
    re.IGNORECASE,
)


def test_every_number_of_a_published_layer_has_a_unit() -> None:
    wrong = [
        f"{node.name}.{column.name}: {column.description}"
        for node in models().values()
        if node.schema in ("marts", "features", "insights", "decisions")
        for column in node.columns.values()
        if column.data_type.split("(")[0] in ("integer", "numeric", "bigint", "double precision", "float", "smallint")
        and not UNITS.search(f"{column.name.replace('_', ' ')} {column.description}")
    ]
    assert not wrong
