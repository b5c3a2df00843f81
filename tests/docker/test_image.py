"""The image is what the tests ran with: same lock, same versions, only our rooms."""

import ast
import re
from importlib.metadata import distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from runtime.settings import ROOT
from tests.docker.conftest import tool

DOCKERFILE = ROOT / "docker" / "Dockerfile"
ROOMS = {"activation", "dags", "dbt_project", "expectations", "landing", "ml", "normalisation", "privacy", "runtime"}


def locked() -> dict[str, str]:
    """Read the lock: {name: version} of every line whose marker holds here."""
    lines = re.findall(r"^([A-Za-z0-9][^\s\\]*==[^\\\n]*)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    wanted = [Requirement(line.strip()) for line in lines]
    assert len(wanted) > 250
    return {
        canonicalize_name(one.name): next(iter(one.specifier)).version
        for one in wanted
        if one.marker is None or one.marker.evaluate()
    }


def test_the_dockerfile_passes_hadolint():
    done = tool("hadolint", DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_would_notice(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN apt-get install curl\n")
    assert {"DL3007", "DL3008"} <= set(re.findall(r"DL\d+", tool("hadolint", tmp_path / "Dockerfile").stdout))


def test_the_image_has_our_python_and_a_full_version():
    versions = set(re.findall(r"^FROM python:(\S+)", DOCKERFILE.read_text(), re.MULTILINE))
    assert len(versions) == 1
    version = re.fullmatch(r"(3)\.(11)\.\d+-slim-bookworm", versions.pop())
    assert version, "a tag like 3.11 is another image next month"
    assert (int(version[1]), int(version[2])) >= (3, 11)
    assert f'requires-python = ">={version[1]}.{version[2]}' in (ROOT / "pyproject.toml").read_text()


def test_the_lock_is_all_that_is_installed():
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    installs = re.findall(r"pip\b[^\n]*\binstall\b[^\n]*", text)
    assert len(installs) == 1
    for option in ("--require-hashes", "--no-deps", "--no-cache-dir", "--only-binary :all:", "/build/requirements.txt"):
        assert option in installs[0]
    assert "COPY requirements.txt /build/requirements.txt" in text
    assert "apt-get" not in text


def test_the_environment_of_these_tests_is_the_lock():
    installed = {canonicalize_name(one.name): one.version for one in distributions()}
    differing = {name: installed.get(name) for name, version in locked().items() if installed.get(name) != version}
    assert differing == {}


def test_nobody_is_root_in_the_image():
    users = re.findall(r"^USER (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert users == ["10001:10001"]


def test_only_our_rooms_come_into_the_image(build_context):
    assert {path.split("/")[0] for path in build_context if "/" in path} == ROOMS | {"docker"}
    assert {path for path in build_context if path.startswith("docker/")} == {
        "docker/prepare.py",
        "docker/serve_mlflow.sh",
    }
    assert "requirements.txt" in build_context
    assert not [path for path in build_context if path.endswith((".pyc", ".env")) or "secrets/" in path]


def test_nothing_in_the_image_imports_what_stays_outside(build_context):
    """Module names are looked up at every import statement, also inside functions."""
    modules = {path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in build_context}
    own = ROOMS | {"simulator", "tests", "bench"}
    missing = set()
    for path in sorted(path for path in build_context if path.endswith(".py")):
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            missing |= {(path, name) for name in names if name and name.split(".")[0] in own and name not in modules}
    # The demo knows the simulator; both stay outside, and the command line looks for them only when asked for a demo.
    assert missing - {("runtime/__main__.py", "runtime.demo")} == set()
