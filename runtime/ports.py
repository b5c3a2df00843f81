"""Which TCP port a service takes on 127.0.0.1: the one that is set, the one it had before, or the first free one."""

import socket

from runtime.settings import Settings

HOST = "127.0.0.1"
FIRST_PORTS = {"postgres": 5433, "airflow": 8080, "mlflow": 5000, "nordhaus": 8090}
SEARCHED = 200


class PortTaken(RuntimeError):
    """The port that was asked for is in use; the message says what to do."""


def is_free(port: int) -> bool:
    """Say whether a server could listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose(settings: Settings, service: str) -> int:
    """Choose the port for a `service` that is about to start, and remember it.

    Raises PortTaken if the port was set by hand and is in use.
    """
    wanted: int | None = getattr(settings, f"{service}_port", None)
    if wanted and not is_free(wanted):
        raise PortTaken(
            f"Port {wanted} on {HOST} is taken by another program, and CX_{service.upper()}_PORT asks for it. "
            f"Stop that program, set another port, or leave CX_{service.upper()}_PORT empty to get a free one."
        )
    port = wanted or _first_free(settings, service)
    path = settings.home / "ports" / service
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{port}\n")
    return port


def remembered(settings: Settings, service: str) -> int | None:
    """Say which port the `service` took when it started last, None if it never did."""
    path = settings.home / "ports" / service
    return int(path.read_text()) if path.exists() else None


def _first_free(settings: Settings, service: str) -> int:
    first = FIRST_PORTS[service]
    earlier = remembered(settings, service)
    candidates = ([earlier] if earlier else []) + list(range(first, first + SEARCHED))
    for port in candidates:
        if is_free(port):
            return port
    raise PortTaken(f"No free port from {first} to {first + SEARCHED - 1}: set CX_{service.upper()}_PORT.")
