"""Addresses and tokens of destinations, from the environment or secrets/destinations.env."""

from activation.destinations.change import Unavailable
from activation.destinations.configured import Destination
from runtime.secrets import destination_variable
from runtime.settings import settings


def variable(destination: Destination, name: str) -> str:
    """Return the value of the variable `name`. Raises Unavailable if nobody has set it."""
    value = destination_variable(settings(), name)
    if not value:
        raise Unavailable(f"{destination.name}: set {name} in the environment or in secrets/destinations.env.")
    return value
