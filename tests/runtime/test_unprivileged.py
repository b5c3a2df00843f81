"""As root, PostgreSQL runs as somebody else, even where folders are closed; if that cannot be, the message helps."""

import os
import subprocess
import sys

import pytest

from runtime import postgres, unprivileged
from runtime.settings import ROOT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give up being root")

# Prints how the program would be started for a folder that root alone can enter.
SCRIPT = """
import sys
from pathlib import Path
from runtime import postgres, unprivileged
folder = Path(sys.argv[1]) / "closed" / "postgres"
unprivileged.hand_over(folder)
folder.parent.chmod(0o700)
try:
    print(unprivileged.command_prefix(postgres.binary("postgres"), postgres.share() / "postgres.bki", folder))
except unprivileged.CannotDropRoot as error:
    print("refused:", error)
"""


def without(capabilities: str, folder) -> str:
    """Run the script as a root that lacks the capabilities, as in a container."""
    command = ["setpriv", f"--bounding-set={capabilities}", sys.executable, "-c", SCRIPT, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_open_folders_need_no_capability(tmp_path, monkeypatch):
    """Where others may pass, `nobody` gets no right at all beyond its own."""
    monkeypatch.setattr(unprivileged, "_works", lambda command: "--ambient-caps" not in " ".join(command))
    prefix = unprivileged.command_prefix(postgres.binary("postgres"), postgres.share(), tmp_path)
    assert not [word for word in prefix if "caps" in word]


def test_closed_folder_is_read_with_one_capability(tmp_path):
    """Read and search is enough; a container that lacks it has the other."""
    assert "ambient-caps=+dac_read_search" in without("-net_raw", tmp_path / "a")
    assert "ambient-caps=+dac_override" in without("-dac_read_search", tmp_path / "b")


def test_no_way_is_explained(tmp_path, monkeypatch):
    """Without the capabilities, or without setpriv, the message says what to do."""
    said = without("-dac_read_search,-dac_override", tmp_path)
    assert said.startswith("refused:")
    assert "chmod o+x" in said
    monkeypatch.setattr(unprivileged.shutil, "which", lambda name: None)
    with pytest.raises(unprivileged.CannotDropRoot, match="install util-linux"):
        unprivileged.command_prefix(postgres.binary("postgres"), postgres.share(), tmp_path)
