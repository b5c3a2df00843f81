"""What all gates share: names, results, pages, the command line, and silence about people."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from expectations.__main__ import main
from expectations.gate import GateBroken, gates, run_gate
from landing.contracts import departments
from runtime.settings import settings
from tests.expectations.conftest import day
from tests.expectations.tables import TODAY, decide, lay_out_scores

NAME = "Erika Mustermann 765432198"


def _docs() -> Path:
    return settings().home / "data_docs"


@pytest.fixture
def walked(house):
    """A whole day: every gate has run, with a person's name in each place where a text can stand."""
    house.deliver("demographics", day(4), [{"household_id": NAME}, {}, {"age": NAME}])
    for entity in ("campaign_descriptions", "campaigns", "coupons"):
        house.deliver(entity, day(4), [{}])
    house.deliver("coupon_redemptions", day(4), [{"household_id": NAME}, {"household_id": "765432198"}])
    house.deliver("products", day(4), [{}])
    lay_out_scores(house)
    house.run("update marts.customers set loyalty_number = %s", (NAME,))
    house.run("update features.customer_features set recency_days = -765432198 where customer_id = 'c1'")
    house.run("update scores.intent_scores set customer_id = %s where customer_id = 'c2'", (NAME,))
    decide(house, "c1")
    decide(house, NAME)
    for gate in gates():
        house.check(gate, TODAY)
    return house


def test_there_is_one_raw_gate_per_department_and_one_per_later_edge():
    assert gates() == [
        *(f"raw.{department}" for department in departments()),
        *("marts.customers", "features.customer_features", "scores.decisions", "scores.message_intents"),
        "scores.model_drift",
    ]


def test_the_index_of_the_data_docs_lists_every_gate_and_run(walked):
    walked.check("raw.till", day(6))
    index = (_docs() / "index.html").read_text()
    for gate in gates():
        assert f"validations/{gate.replace('.', '/')}/{TODAY}/" in index
    assert f"validations/raw/till/{day(6)}/" in index
    for page in re.findall(r"validations/[\w./-]+\.html", index):
        assert (_docs() / page).is_file()


def test_the_overview_needs_no_network_and_links_every_gate(walked):
    overview = (_docs() / "overview.html").read_text()
    assert "<script" not in overview
    assert "http" not in overview
    for gate in gates():
        assert f">{gate}</a>" in overview
    pages = re.findall(r"href='(validations/[^']+)'", overview)
    assert len(pages) >= len(gates())
    assert all((_docs() / page).is_file() for page in pages)


def test_no_personal_value_reaches_results_or_pages(walked):
    written = str(walked.rows("select * from quality.gate_results"))
    written += str(walked.rows("select * from quality.department_status"))
    written += str(walked.rows("select * from quality.batch_verdicts"))
    for page in [*_docs().rglob("*.html"), *_docs().rglob("*.json")]:
        written += page.read_text()
    assert "every_customer_has_one_decision" in written
    assert "Mustermann" not in written
    assert "765432198" not in written


def test_no_password_reaches_the_pages(walked):
    passwords = [path.read_text().strip() for path in settings().secrets_dir.iterdir()]
    written = "".join(page.read_text() for page in [*_docs().rglob("*.html"), *_docs().rglob("*.json")])
    assert passwords
    assert not [password for password in passwords if password and password in written]


def test_only_critical_expectations_refuse_and_the_message_says_what_to_do(walked):
    refused = walked.check("marts.customers", TODAY)
    found = walked.rows(
        "select message from quality.gate_results"
        " where gate = 'marts.customers' and severity = 'critical' and not success"
    )
    assert sorted(refused.sentences) == sorted(message for (message,) in found)
    for sentence in refused.sentences:
        law, advice = sentence.split(" Found ")
        assert law.endswith(".")
        assert advice.endswith(".")


def test_every_expectation_states_its_limit_and_only_failures_have_a_message(walked):
    rows = walked.rows("select expectation, threshold, observed, message, success from quality.gate_results")
    assert len(rows) > 60
    for name, threshold, observed, message, success in rows:
        assert threshold, name
        assert observed, name
        assert bool(message) != success, name


def test_the_command_line_returns_one_on_a_critical_failure(house, capsys):
    house.deliver("transactions", day(4), [{}])
    assert main(["raw.till", day(4).isoformat()]) == 0
    assert "0 failed" in capsys.readouterr().out
    assert main(["raw.till", day(30).isoformat()]) == 1
    assert "26 days old" in capsys.readouterr().err


def test_the_command_line_lists_the_gates_without_loading_gx():
    code = (
        "import sys; sys.argv[1:] = ['--help']; import expectations.__main__ as line\n"
        "try: line.main()\nexcept SystemExit: pass"
    )
    shown = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint('great_expectations' in sys.modules)"],
        capture_output=True, text=True, check=True, cwd=settings().root,
    ).stdout  # fmt: skip
    assert "scores.decisions" in shown
    assert shown.strip().endswith("False")


def test_an_unknown_gate_and_a_missing_table_are_told_apart_from_bad_data(house):
    with pytest.raises(ValueError, match=r"There is no gate marts.custommers"):
        run_gate("marts.custommers", TODAY)
    with pytest.raises(GateBroken, match="marts.customers does not exist"):
        run_gate("marts.customers", TODAY)
    house.run("create table marts.customers (customer_id text)")
    with pytest.raises(GateBroken, match='"marts.contact_pressure" does not exist'):
        run_gate("marts.customers", TODAY)
    assert house.rows("select * from quality.gate_results") == []
