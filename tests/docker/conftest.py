"""The production stack as the tools themselves read it: docker-compose loads the file, docker-py the context."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from docker.utils.build import exclude_paths

from runtime.settings import ROOT

COMPOSE_FILE = ROOT / "docker" / "compose.yml"
TOOLS = Path(sys.executable).parent


def tool(name: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
    """Run a linter of our environment; none of them needs a container engine."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("CX_", "COMPOSE_", "DOCKER_"))}
    return subprocess.run(
        [TOOLS / name, *map(str, arguments)],
        env=plain | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def compose_config(file: Path, **environment: str) -> subprocess.CompletedProcess:
    """Let the real docker-compose load a file: Compose Specification schema, references, variables."""
    return tool("docker-compose", "--file", file, "config", "--format", "json", **environment)


@pytest.fixture(scope="session")
def stack() -> dict[str, Any]:
    """The resolved compose file."""
    done = compose_config(COMPOSE_FILE, CX_IMAGE_TAG="abc1234")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def services(stack: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services of the stack by name."""
    return stack["services"]


@pytest.fixture(scope="session")
def build_context() -> set[str]:
    """Every file that `COPY .` brings into the image."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    return {path for path in exclude_paths(str(ROOT), patterns) if (ROOT / path).is_file()}
