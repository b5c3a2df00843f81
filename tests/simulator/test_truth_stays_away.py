"""No room of the platform names the simulator or its truth, in code, SQL or YAML."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from runtime.settings import ROOT

ROOMS = ("dags", "landing", "dbt_project", "expectations", "ml", "normalisation", "activation", "privacy", "runtime")
# They start the simulator for the demo; what it hands over lies in the exports, behind a database and two APIs.
START_IT = {"runtime/demo.py", "runtime/demo_company.py", "runtime/services.py"}
# Where the truth lies: `<home>/nordhaus/truth/records/<day>.parquet`; and what else nobody but the company sees.
TRUTH = re.compile(r"\btruth/|[\"']truth[\"']|nordhaus/(truth|behind|late)|state\.npz")
SIMULATOR = re.compile(r"\bsimulator\.\w")


def sources(ending: str) -> list[Path]:
    """Files of the rooms that are kept in git: not what a build leaves behind."""
    return [
        path
        for room in ROOMS
        for path in sorted((ROOT / room).rglob(f"*.{ending}"))
        if not {"target", "logs", "__pycache__"} & set(path.parts)
    ]


def code_of(text: str) -> str:
    """The text of a Python file without its comments and docstrings."""
    tree = ast.parse(text)
    words = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
    }
    spans = {(n.lineno, n.col_offset) for n in ast.walk(tree) if id(n) in words}
    kept = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT and token.start not in spans:
            kept.append(token.string)
    return " ".join(kept).replace(" . ", ".").replace(" / ", "/")


def imports_of(text: str) -> set[str]:
    """The first part of every imported module's name, wherever in the file it is imported."""
    names = [name.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for name in node.names]
    names += [node.module or "" for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


def reads_truth(text: str) -> bool:
    """Tell whether Python code names a place of the truth."""
    return bool(TRUTH.search(code_of(text)))


def uses_simulator(text: str) -> bool:
    """Tell whether Python code imports the simulator, or names one of its modules."""
    return "simulator" in imports_of(text) or bool(SIMULATOR.search(code_of(text)))


def test_no_python_of_the_platform_names_the_truth_and_only_the_demo_the_simulator():
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in sources("py")}
    assert len(texts) > 80
    assert [name for name, text in texts.items() if reads_truth(text)] == []
    assert {name for name, text in texts.items() if uses_simulator(text)} <= START_IT


def test_no_sql_and_no_yaml_of_the_platform_names_the_truth():
    for ending in ("sql", "yml"):
        assert len(sources(ending)) > 10
        assert [path for path in sources(ending) if TRUTH.search(path.read_text())] == []


@pytest.mark.parametrize(
    "text",
    [
        "from simulator.nordhaus import company",
        "def f():\n    import simulator.nordhaus.world",
        "import pandas\nf = pandas.read_parquet(home / 'nordhaus' / 'truth' / 'records')",
        "p = f'{home}/nordhaus/truth/records/2025-01-01.parquet'",
        "import importlib\nimportlib.import_module('simulator.nordhaus')",
    ],
)
def test_the_search_sees_each_way_to_the_truth(text):
    assert reads_truth(text) or uses_simulator(text)


def test_words_about_the_truth_are_no_way_to_it():
    harmless = '"""Nothing here reads truth/records of simulator.nordhaus."""\n# nor "truth"\nx = 1\n'
    assert not reads_truth(harmless) and not uses_simulator(harmless)
