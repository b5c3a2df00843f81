from tests.ml.fixtures import company, empty_registry, linked_people, mlflow_store, records  # noqa: F401
