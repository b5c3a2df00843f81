"""One undisturbed walk for all tests of this room: two days of 300 households through the real services."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from platform_of_its_own import Platform


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """A platform on which the demo ran once, undisturbed, from nothing; it stays up until the session ends."""
    with tempfile.TemporaryDirectory(prefix="cxloop walk ") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another account when we are root
        platform = Platform(Path(folder) / "home")
        try:
            platform.first_output = platform.demo()
            platform.undisturbed = platform.checksums()
            yield platform
        finally:
            platform.clean()
