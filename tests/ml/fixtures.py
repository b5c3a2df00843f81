"""Fixtures that the tests of ml and of activation share: a company in the warehouse, and an MLflow of its own."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from ml.identity.link import Linkage, link
from ml.identity.mapping import read_mapping
from runtime import warehouse as runtime_warehouse
from tests.ml import company as synthetic
from tests.ml import person_records
from tests.ml.linked_people import MAPPING, people


@pytest.fixture(scope="module")
def company(warehouse) -> Iterator[None]:
    """The synthetic company in the real embedded PostgreSQL."""
    with runtime_warehouse.transaction() as connection:
        synthetic.close(connection)
        synthetic.found(connection)
    yield
    with runtime_warehouse.transaction() as connection:
        synthetic.close(connection)


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory) -> Path:
    """An MLflow database without content; making its tables takes seconds, copying the file does not."""
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("mlflow")
    MlflowClient(f"sqlite:///{folder}/mlflow.db").search_experiments()
    return folder / "mlflow.db"


@pytest.fixture(scope="module")
def mlflow_store(empty_registry: Path, tmp_path_factory) -> Iterator[Path]:
    """Point MLflow to a fresh store for one test file; yield its folder."""
    with fresh_store(empty_registry, tmp_path_factory.mktemp("store")) as folder:
        yield folder


class fresh_store:
    """A context in which MLflow has a fresh SQLite store and keeps its artifacts beside it."""

    def __init__(self, empty_registry: Path, folder: Path) -> None:
        self.folder = folder
        shutil.copy(empty_registry, folder / "mlflow.db")

    def __enter__(self) -> Path:
        self.before = os.environ.get("MLFLOW_TRACKING_URI"), Path.cwd()
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{self.folder}/mlflow.db"
        os.chdir(self.folder)  # MLflow puts the artifacts of a SQLite store into the working directory
        return self.folder

    def __exit__(self, *_) -> None:
        uri, folder = self.before
        os.chdir(folder)
        del os.environ["MLFLOW_TRACKING_URI"]
        if uri:
            os.environ["MLFLOW_TRACKING_URI"] = uri


@pytest.fixture
def records(warehouse, tmp_path) -> Iterator[Path]:
    """The empty table of person records; yield the file of a cache for `ml.identity.resolve`."""
    person_records.make()
    yield tmp_path / "person.duckdb"
    person_records.remove()


@pytest.fixture(scope="session")
def linked_people() -> tuple[pd.DataFrame, Linkage]:
    """The persons of linked_people.py and what linking them gives."""
    records = people()
    return records, link(records, read_mapping(MAPPING))
