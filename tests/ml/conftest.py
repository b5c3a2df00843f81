from tests.ml.fixtures import company, empty_registry, mlflow_store  # noqa: F401
