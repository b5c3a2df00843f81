"""How person records are linked, as `person_records.yml` says it: a mapping and two numbers of our own."""

import math
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from pathlib import Path

import yaml

from ml.identity.mapping import Mapping, MappingError, read_mapping

FILE = Path(__file__).with_name("person_records.yml")
RECORD_ID = "record_id"
OWN_KEYS = {"false_merge_costs", "learn_from"}


@dataclass(frozen=True)
class PersonRecords:
    """The mapping; how many false splits a false merge costs; how many descriptions a first model is learned from."""

    mapping: Mapping
    false_merge_costs: float
    learn_from: int

    @property
    def threshold(self) -> float:
        """The log2 odds from which evidence is enough: there the expected costs of both errors are equal."""
        return math.log2(self.false_merge_costs)


def load_person_records(path: Path = FILE) -> PersonRecords:
    """Read the file; `MappingError` says what is wrong with it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise MappingError(f"{path.name} cannot be read: {error}") from error
    return read_person_records(content)


def read_person_records(content: object) -> PersonRecords:
    """Turn the content of such a file into `PersonRecords`."""
    if not isinstance(content, Dictionary):
        raise MappingError("Person records need `columns`, `rules`, `false_merge_costs` and `learn_from`.")
    lacking = OWN_KEYS - set(content)
    if lacking:
        raise MappingError(f"Person records lack {', '.join(sorted(lacking))}.")
    mapping = read_mapping({name: said for name, said in content.items() if name not in OWN_KEYS})
    if mapping.record_id != RECORD_ID:
        raise MappingError(f"The record id of person records is {RECORD_ID}, not {mapping.record_id}.")
    costs, learn_from = content["false_merge_costs"], content["learn_from"]
    if isinstance(costs, bool) or not isinstance(costs, int | float) or not costs > 0:
        raise MappingError(f"false_merge_costs is a number above 0, not {costs!r}.")
    if isinstance(learn_from, bool) or not isinstance(learn_from, int) or learn_from < 1:
        raise MappingError(f"learn_from is a whole number of descriptions, 1 or more, not {learn_from!r}.")
    return PersonRecords(mapping, float(costs), learn_from)
