"""Settings that differ by company: what stands under `companies` takes the place of the common line."""

from collections.abc import Mapping
from typing import Any

from runtime.settings import settings


def of_company(read: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings `read` from a YAML file as they are for the company that `CX_DATASET` names."""
    common = {name: value for name, value in read.items() if name != "companies"}
    return {**common, **read.get("companies", {}).get(settings().dataset, {})}
