"""What dbt models there are and what they read, from their files alone: parsing a DAG must not cost a dbt parse.

`tests/dags` compares the answer with dbt's own manifest, so a way of writing refs that is unknown here is noticed.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from runtime.settings import DATASETS, ROOT, settings

REF = re.compile(r"""\bref\(\s*['"](\w+)['"]\s*\)""")
# ref(model) in a loop: the names stand somewhere in the same text.
COMPUTED_REF = re.compile(r"\bref\(\s*[a-z_]")
QUOTED = re.compile(r"""['"](\w+)['"]""")
MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)\s*\((.*?)\{%-?\s*endmacro", re.DOTALL)
CALL = re.compile(r"\b(\w+)\s*\(")
SEEDS = "seeds"
DEFAULT_COMPANY = "complete_journey"  # whose seeds are used where no demo company is served


@dataclass(frozen=True)
class Model:
    """A model or seed: its name, its layer (the folder it lies in) and the models its SQL refers to."""

    name: str
    layer: str
    reads: frozenset[str]


def models_in(places: list[str], but_not: list[str], root: Path = ROOT) -> list[Model]:
    """List what lies in `dbt_project/<place>` (a folder or a file), in the order of the places, then by name."""
    project = root / "dbt_project"
    left_out = {file for place in but_not for file in files_in(project / place)}
    known = {file.stem for folder in ("models", SEEDS) for file in files_in(project / folder)}
    macros = {name: body for file in (project / "macros").rglob("*.sql") for name, body in MACRO.findall(read(file))}
    return [
        Model(file.stem, layer_of(place), frozenset(refs(read(file), macros) & known))
        for place in places
        for file in files_in(project / place)
        if file not in left_out
    ]


def files_in(place: Path) -> list[Path]:
    """The files of models and seeds in a folder, or the one file itself; seeds of other companies do not exist."""
    if place.is_file():
        return [place]
    dataset = settings().dataset
    others = set(DATASETS) - {DEFAULT_COMPANY if dataset == "none" else dataset}
    seeds = [file for file in place.rglob("*.csv") if file.parent.name not in others]
    return sorted([*place.rglob("*.sql"), *seeds])


def read(file: Path) -> str:
    """Read a file of the project."""
    return file.read_text(encoding="utf-8")


def refs(text: str, macros: dict[str, str]) -> set[str]:
    """What a model reads: the refs in its text and in the macros it calls, and in those that they call."""
    found: set[str] = set()
    looked_at: set[str] = set()
    to_look_at = [text]
    while to_look_at:
        part = to_look_at.pop()
        found |= set((QUOTED if COMPUTED_REF.search(part) else REF).findall(part))
        called = {name for name in CALL.findall(part) if name in macros} - looked_at
        looked_at |= called
        to_look_at += [macros[name] for name in called]
    return found


def layer_of(place: str) -> str:
    """Name the layer of a place: `models/marts/outcomes` belongs to marts."""
    return place.split("/")[1] if "/" in place else place
