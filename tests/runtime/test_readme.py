"""The README names only commands and files that exist; the walk tests run what the commands do."""

import re
import subprocess

import pytest

from runtime.settings import ROOT

README = (ROOT / "README.md").read_text()
COMMANDS = sorted({line for block in re.findall(r"```\n(.*?)```", README, re.S) for line in block.splitlines() if line})
LINKS = sorted(set(re.findall(r"\]\(([^)#:]+)\)", README)))


@pytest.mark.parametrize("command", COMMANDS)
def test_make_knows_every_command(command: str) -> None:
    program, *words = command.split()
    assert program == "make"
    done = subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("link", LINKS)
def test_every_link_leads_to_a_file(link: str) -> None:
    assert (ROOT / link).exists()
