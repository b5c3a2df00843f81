from tests.activation.told import desk, mautic, published  # noqa: F401
from tests.ml.fixtures import company, empty_registry, mlflow_store  # noqa: F401
