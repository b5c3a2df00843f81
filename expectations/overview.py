"""One page over all gates and days that needs no network: GX's own index is drawn by scripts from the internet."""

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;color:#222}
table{border-collapse:collapse;margin:1rem 0 2rem}td,th{border:1px solid #ddd;padding:.35rem .7rem;text-align:left}
.passed{background:#dff3e3}.warned{background:#fff2cc}.failed{background:#f8d7da}
"""
SHOWN_DAYS = 14  # two weeks side by side fit a screen; older runs stay in GX's index
Result = dict[str, Any]


def write_overview(docs_folder: Path) -> Path:
    """Write `overview.html` from the stored validation results below `docs_folder` and return its path.

    First a table of gates by the newest days with the state of each, linked to GX's page of that run; then, for each
    gate's newest day, what every expectation asked and saw.
    """
    runs = dict(sorted(_runs(docs_folder)))
    gates, days = sorted({gate for gate, _ in runs}), sorted({day for _, day in runs})
    head = "".join(f"<th>{day}</th>" for day in days)
    rows = "".join(
        f"<tr><th><a href='#{gate}'>{gate}</a></th>" + "".join(_cell(runs.get((gate, day))) for day in days) + "</tr>"
        for gate in gates
    )
    details = "".join(_details(gate, max(day for name, day in runs if name == gate), runs) for gate in gates)
    page = docs_folder / "overview.html"
    draft = docs_folder / "overview.html.new"
    draft.write_text(
        f"<!doctype html><meta charset='utf-8'><title>Gates</title><style>{STYLE}</style><h1>Gates</h1>"
        "<p>A failed gate stops what depends on it; a warning is counted. All: <a href='index.html'>Data Docs</a>."
        f"<table><tr><th>gate</th>{head}</tr>{rows}</table>{details}"
    )
    return draft.rename(page)


def _runs(docs_folder: Path) -> Iterator[tuple[tuple[str, str], tuple[str, Result]]]:
    """Each stored run: its gate and day, the address of its page, and the result."""
    store = docs_folder / "stores" / "validation_results_store"
    places = [file.relative_to(store) for file in store.rglob("*.json")]
    shown = sorted({place.parts[-3] for place in places})[-SHOWN_DAYS:]
    for place in (place for place in places if place.parts[-3] in shown):
        result = json.loads((store / place).read_text())
        yield (result["suite_name"], place.parts[-3]), (f"validations/{place.with_suffix('.html').as_posix()}", result)


def _state(result: Result) -> str:
    broken = {entry["expectation_config"]["severity"] for entry in result["results"] if not entry["success"]}
    return "failed" if "critical" in broken else "warned" if broken else "passed"


def _cell(run: tuple[str, Result] | None) -> str:
    if run is None:
        return "<td></td>"
    address, result = run
    counts = result["statistics"]
    text = f"{_state(result)} {counts['successful_expectations']}/{counts['evaluated_expectations']}"
    return f"<td class='{_state(result)}'><a href='{escape(address)}'>{text}</a></td>"


def _details(gate: str, day: str, runs: dict[tuple[str, str], tuple[str, Result]]) -> str:
    _, result = runs[gate, day]
    rows = "".join(map(_expectation, result["results"]))
    names = "".join(f"<th>{name}</th>" for name in ("expectation", "severity", "asks", "seen", "limit"))
    return f"<h2 id='{gate}'>{gate}, {day}</h2><table><tr>{names}</tr>{rows}</table>"


def _expectation(entry: Result) -> str:
    config = entry["expectation_config"]
    state = "passed" if entry["success"] else "failed" if config["severity"] == "critical" else "warned"
    seen = str((entry.get("result") or {}).get("observed_value", ""))
    texts = (config["meta"].get("name", config["type"]), config["severity"], config.get("description") or "", seen)
    cells = "".join(f"<td>{escape(text)}</td>" for text in (*texts, str(config["meta"].get("threshold", ""))))
    return f"<tr class='{state}'>{cells}</tr>"
