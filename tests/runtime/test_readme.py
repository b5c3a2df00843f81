"""The README names only commands and files that exist; the walk tests run what the commands do."""

import os
import re
import shlex
import subprocess
import sys

import pytest

from runtime.settings import ROOT

README = (ROOT / "README.md").read_text()
LINES = [line for block in re.findall(r"```\n(.*?)```", README, re.S) for line in block.splitlines() if line]
COMMANDS = sorted({line for line in LINES if line.startswith("make ")})
OWN_DEPARTMENT = [line for line in LINES if not line.startswith("make ")]
VISITS = """visit_no;when;card;spent
1;30.06.2025 10:15;6280000000000001;12,50
2;30.06.2025 10:20;;7,99
3;30.06.2025 11:02;6280000000000002;0,80
"""
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


def test_a_department_of_ones_own_is_landed_by_the_commands_of_the_readme(warehouse, tmp_path):
    """Each line is run as it stands, in a folder that holds the checkout's code and the state of this test."""
    shown = [line for line in OWN_DEPARTMENT if line != ".venv/bin/python -m runtime postgres"]  # it runs already
    assert len(shown) == len(OWN_DEPARTMENT) - 1 == 7
    file = warehouse.exports_dir / "stores" / "visits_2025-06-30.csv"
    file.parent.mkdir(parents=True)
    file.write_text(VISITS)
    said = []
    for line in shown:
        line = line.replace(".cxloop/", shlex.quote(f"{warehouse.home}/")).replace(".venv/bin/python", sys.executable)
        environment = {**os.environ, "CX_DATASET": "none"}
        done = subprocess.run(line, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if "landing check" in line:  # the draft leaves to a person what no file tells
            assert (done.returncode, "TO FILL IN" in done.stderr) == (1, True)
            _fill_in(warehouse.home / "departments" / "stores.yml")
            continue
        assert done.returncode == 0, line + done.stdout + done.stderr
        said.append(done.stdout)
    assert "stores as of 2025-06-30: 1 landed; 3 rows" in said[2]
    assert "0 failed" in said[3]
    (warehouse.home / "departments" / "stores.yml").unlink()


def _fill_in(contract) -> None:
    contract.write_text(re.sub("TO FILL IN(: [a-z ]+)?", "Stores", contract.read_text()))
