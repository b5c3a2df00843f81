"""Land one department in a process of its own: `python -m bench.nordhaus.one_landing <department> <day>`.

Prints JSON: seconds of `land_department`, rows, and the peak memory of the process (imports are done before the clock).
With `ask` as third word the department's API is only asked for all of its pages, and nothing is made of them.
"""

import json
import re
import sys
import time
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from landing.contracts import load_contract
from landing.endpoints import _pages
from landing.land import land_department
from landing.loader import import_dlt
from landing.pulls import Window
from runtime.settings import settings


def main(department: str, day: str, how: str = "land") -> None:
    """Land, or ask only, and tell."""
    import_dlt(settings().home / "dlt" / department)
    from dlt.sources.helpers.rest_client import RESTClient  # noqa: F401

    if how == "ask":
        contract, started = load_contract(department), time.perf_counter()
        window = Window(ZoneInfo(contract.time_zone))
        records = sum(len(page) for entity in contract.entities for page in _pages(contract, entity, window))
        print(json.dumps({"seconds": time.perf_counter() - started, "rows": records}))
        return

    before, started = _peak_mb(), time.perf_counter()
    report = land_department(department, date.fromisoformat(day))
    seconds = time.perf_counter() - started
    refused = [batch.source_name for batch in report.batches if batch.status == "refused"]
    told = {"seconds": seconds, "rows": report.row_count, "peak_mb": _peak_mb(), "imports_mb": before}
    print(json.dumps({**told, "batches": len(report.batches), "refused": len(refused)}))


def _peak_mb() -> float:
    """The kernel's high-water mark of this process: ru_maxrss would begin with the size of whoever started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
