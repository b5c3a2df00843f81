"""Land one department: everything new that it handed over up to a date, once, whatever happens in between."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import pyarrow as pa

from landing import ledger
from landing.arrivals import Arrival, file_arrivals
from landing.contracts import Contract, Entity, load_contract
from landing.databases import fetch_table
from landing.endpoints import fetch_endpoint
from landing.files import unrecognised
from landing.ledger import BATCH_ID, Batch
from landing.loader import ROLE, RawLoader
from landing.pulls import pulled_arrivals
from runtime.settings import settings
from runtime.warehouse import transaction, update_statistics

ROWS_PER_PART = 350_000  # one COPY each, two at a time: a year of till lines makes five parts
log = logging.getLogger(__name__)


class LandingBusy(RuntimeError):
    """Another run is landing this department right now."""


@dataclass
class LandReport:
    """What one run did: the batches it decided on, and sentences for the data steward."""

    department: str
    as_of: date
    batches: list[Batch] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    @property
    def row_count(self) -> int:
        """How many rows this run added to raw."""
        return sum(batch.row_count for batch in self.batches if batch.status == "landed")

    def count(self, status: str) -> int:
        """How many batches ended with this status."""
        return sum(batch.status == status for batch in self.batches)

    def summary(self) -> str:
        """One line: what arrived and what became of it."""
        statuses = ("landed", "duplicate", "superseded", "refused")
        counts = ", ".join(f"{self.count(status)} {status}" for status in statuses if self.count(status))
        return f"{self.department} as of {self.as_of}: {counts or 'nothing new'}; {self.row_count} rows"


def land_department(department: str, as_of: date) -> LandReport:
    """Land every batch of the department that is dated `as_of` or before and not known yet.

    Running it again changes nothing; a run that was killed is undone and repeated by the next one. Defective files are
    refused with a reason and do not stop the others. Raises ContractError; LandingBusy if a run is under way;
    SourceUnavailable if a database or an API does not answer: then nothing has changed.
    """
    contract = load_contract(department)
    report = LandReport(department, as_of)
    with transaction(ROLE) as guard:
        if not ledger.claim(guard, contract):
            raise LandingBusy(f"{department} is being landed by another run. Wait for it to finish.")
        with transaction(ROLE) as connection:
            ledger.prepare(connection, contract)
            if undone := ledger.undo_unfinished(connection, contract):
                report.messages.append(f"An earlier run was interrupted; repeating {len(undone)} batches.")
            known = ledger.known_batches(connection, contract)
        _land(contract, as_of, known, report)
    for message in report.messages:
        log.warning("%s", message)
    log.info("%s", report.summary())
    return report


def _land(contract: Contract, as_of: date, known: Sequence[Batch], report: LandReport) -> None:
    """Collect what is new, register it, load it, settle it."""
    was_refused = {batch.batch_id for batch in known if batch.status == "refused"}
    is_history = not any(batch.status == "landed" for batch in known)
    loader = RawLoader(contract)
    try:
        collected = _Collected(loader)
        for arrival in _arrivals(contract, as_of, known, report):
            if is_history:
                known_date = arrival.batch.delivered_date
                arrival = replace(arrival, batch=replace(arrival.batch, known_date=known_date))
            _tell(contract, arrival, report)
            if not (arrival.batch.status == "refused" and arrival.batch.batch_id in was_refused):
                collected.add(arrival)
        collected.finish()
        landing = [batch for batch in collected.batches if batch.status == "landing"]
        with transaction(ROLE) as connection:
            ledger.register(connection, contract, landing)
        loader.load()
        with transaction(ROLE) as connection:
            others = [batch for batch in collected.batches if batch.status != "landing"]
            ledger.register(connection, contract, others)
            ledger.settle(connection, contract, as_of, collected.malformed)
            landed = {batch.entity for batch in landing}
            update_statistics(connection, [f"{contract.raw_schema}.{name}" for name in (*sorted(landed), "_batches")])
    finally:
        loader.close()
    report.batches = others + [replace(batch, status="landed") for batch in landing]


class _Collected:
    """The batches of this run, with their rows handed to the loader in large parts."""

    def __init__(self, loader: RawLoader) -> None:
        self.loader = loader
        self.batches: list[Batch] = []
        self.malformed: list = []
        self.tables: dict[str, list[pa.Table]] = {}
        self.rows: Counter[str] = Counter()  # of `tables`, by entity: summing them anew for each file is quadratic

    def add(self, arrival: Arrival) -> None:
        self.batches.append(arrival.batch)
        if arrival.content is None:
            return
        batch_id, entity, table = arrival.batch.batch_id, arrival.batch.entity, arrival.content.table
        self.malformed += [(batch_id, line) for line in arrival.content.malformed]
        named = table.append_column(BATCH_ID, pa.repeat(pa.scalar(batch_id), table.num_rows))
        self.tables.setdefault(entity, []).append(named)
        self.rows[entity] += table.num_rows
        if self.rows[entity] >= ROWS_PER_PART:
            self._hand_over(entity)

    def finish(self) -> None:
        for entity in list(self.tables):
            self._hand_over(entity)

    def _hand_over(self, entity: str) -> None:
        # Files with an added column stand beside files without it: the column is null there.
        self.loader.add(entity, pa.concat_tables(self.tables.pop(entity), promote_options="default"))
        del self.rows[entity]


def _arrivals(contract: Contract, as_of: date, known: Sequence[Batch], report: LandReport) -> Iterator[Arrival]:
    """Ask the department's source, whatever its kind, for what is new."""
    if contract.source.kind == "file":
        exports_dir = settings().exports_dir
        folders = sorted({(exports_dir / entity.path).parent for entity in contract.entities})
        report.messages += [
            f"{contract.department} has sent nothing at all: the folder {folder} does not exist."
            for folder in folders
            if not folder.is_dir()
        ]
        report.messages += [
            f"{contract.department}: {name} was not landed, because no entity of the contract is named like that."
            for name in unrecognised(contract, exports_dir)
        ]
        return file_arrivals(contract, exports_dir, as_of, known)

    def highest_value(entity: Entity) -> str | None:
        with transaction(ROLE) as connection:
            return ledger.highest_value(connection, contract, entity)

    fetch = fetch_table if contract.source.kind == "sql" else fetch_endpoint
    return pulled_arrivals(contract, as_of, known, highest_value, fetch)


def _tell(contract: Contract, arrival: Arrival, report: LandReport) -> None:
    """Add to the report what a data steward should know of this batch."""
    batch, content = arrival.batch, arrival.content
    named = f"{contract.department}: {batch.source_name}"
    if batch.status == "refused":
        report.messages.append(batch.reason)
    if batch.status == "duplicate" and contract.entity(batch.entity).load == "append":  # an unchanged list is normal
        report.messages.append(f"{named} was not landed again: {batch.reason}.")
    if content and content.malformed:
        first, count = content.malformed[0], len(content.malformed)
        lines = (
            "1 line does not fit the columns and was"
            if count == 1
            else f"{count} lines do not fit the columns and were"
        )
        report.messages.append(
            f"{named}: {lines} set aside (first: data row {first.row_number}, {first.reason}); "
            f"the other {batch.row_count} rows landed."
        )
    if content and content.added_columns:
        columns = ", ".join(f"'{name}'" for name in content.added_columns)
        report.messages.append(
            f"{named} has the new column {columns}. It is kept in raw and used by nobody until the contract names it."
        )
