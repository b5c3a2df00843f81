from tests.ml.decided import decided  # noqa: F401
from tests.ml.fixtures import company, empty_registry, linked_people, mlflow_store, records  # noqa: F401
