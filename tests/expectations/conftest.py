"""A warehouse of its own for each test: a copy of a prepared template database, with empty raw tables."""

import json
from collections.abc import Iterator
from datetime import date

import pytest
from great_expectations.render.view.view import DefaultJinjaView
from jinja2 import BytecodeCache
from psycopg2.extras import execute_values

from expectations.batches import gather
from expectations.gate import GateFailed, GateResult, gate_transaction, run_gate
from expectations.quarantine import quarantine
from landing import ledger
from landing.contracts import Contract, departments, load_contract
from runtime import bootstrap, ports, postgres
from runtime import warehouse as runtime_warehouse
from runtime.checksums import checksums
from runtime.secrets import secret
from runtime.settings import settings

TEMPLATE, DATABASE = "expectations_template", "expectations_test"
KEPT = ("quality", "quarantine")

# A row that keeps its contract, delivered on HAPPENED or moved to its own day; a test changes what it is about.
HAPPENED = "2017-12-04"
GOOD = {
    "transactions": {
        "household_id": "7", "store_id": "1", "basket_id": "100", "product_id": "1", "quantity": "1",
        "sales_value": "1.50", "retail_disc": "0.00", "coupon_disc": "0.00", "coupon_match_disc": "0.00", "week": "48",
        "transaction_timestamp": "2017-12-04 16:00:00",
    },
    "demographics": {"household_id": "7", "age": "35-44", "income": "50-74K"},
    "products": {
        "product_id": "1", "manufacturer_id": "2", "department": "GROCERY", "brand": "National",
        "product_category": "SOUP",
    },
    "campaign_descriptions": {
        "campaign_id": "5", "campaign_type": "Type A", "start_date": "2017-12-01", "end_date": "2017-12-31",
    },
    "campaigns": {"campaign_id": "5", "household_id": "7"},
    "coupons": {"coupon_upc": "9", "product_id": "1", "campaign_id": "5"},
    "coupon_redemptions": {
        "household_id": "7", "coupon_upc": "9", "campaign_id": "5", "redemption_date": "2017-12-04",
    },
}  # fmt: skip


def day(number: int) -> date:
    """A day of December 2017; 0 and below reach into November."""
    return date.fromordinal(date(2017, 11, 30).toordinal() + number)


class House:
    """Plays landing and dbt in small, and reads what the gates left behind."""

    def run(self, statement: str, values=None, role: str = "cx_pipeline") -> None:
        """Run statements as `role`."""
        with runtime_warehouse.transaction(role) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)

    def rows(self, query: str, values=None) -> list[tuple]:
        """Read rows as the pipeline."""
        with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def deliver(
        self,
        entity: str,
        delivered: date,
        rows: list[dict] = (),
        *,
        status: str = "landed",
        landed: date | None = None,
        known: date | None = None,
        row_count: int | None = None,
        content: str = "",
        reason: str | None = None,
        replaces: str | None = None,
    ) -> str:
        """Land one batch of rows (each over the entity's good row) and return its id; `row_count` may be pretended."""
        department = next(name for name in departments() if entity in {e.name for e in load_contract(name).entities})
        landed = landed or delivered
        content = content or json.dumps([status, *rows], sort_keys=True)
        batch_id = f"{entity}/{delivered}/{status}{abs(hash(content)) % 10**8}"
        columns = [column.name for column in load_contract(department).entity(entity).columns]
        with runtime_warehouse.transaction("cx_landing") as connection, connection.cursor() as cursor:
            cursor.execute(
                f"insert into raw_{department}._batches values (%s, %s, %s, %s, 1, %s, %s, %s, %s, %s, %s)",
                (
                    *(batch_id, entity, f"{entity}_{delivered}.csv", content),
                    *(
                        len(rows) if row_count is None else row_count,
                        delivered,
                        known or landed,
                        landed,
                        status,
                        reason,
                    ),
                ),
            )
            cursor.execute(
                f"update raw_{department}._batches set replaces = %s where batch_id = %s", (replaces, batch_id)
            )
            good = {name: value.replace(HAPPENED, str(delivered)) for name, value in GOOD.get(entity, {}).items()}
            values = [
                (*({**good, **row}.get(column) for column in columns), batch_id, number)
                for number, row in enumerate(rows, 1)
            ]
            if values:
                names = ", ".join([*columns, "_batch_id", "_row_number"])
                execute_values(cursor, f"insert into raw_{department}.{entity} ({names}) values %s", values)
        return batch_id

    def check(self, gate: str, as_of: date) -> GateResult | GateFailed:
        """Run a gate and return what it says, or its refusal."""
        try:
            return run_gate(gate, as_of)
        except GateFailed as failure:
            return failure

    def sort_out(self, department: str, as_of: date, contract: Contract | None = None) -> None:
        """Run the row rules alone, without the suite."""
        contract = contract or load_contract(department)
        with gate_transaction() as (_, connection):
            gather(connection, contract, as_of)
            quarantine(connection, contract, as_of)

    def failed(self, gate: str, as_of: date, severity: str = "critical") -> set[str]:
        """Run a gate and name the failed expectations of one severity, as quality.gate_results has them."""
        self.check(gate, as_of)
        found = self.rows(
            "select expectation from quality.gate_results"
            " where gate = %s and as_of = %s and severity = %s and not success",
            (gate, as_of, severity),
        )
        return {name for (name,) in found}

    def status(self, department: str, as_of: date) -> tuple:
        """The status of a department and how far its data reaches."""
        ((status, data_as_of),) = self.rows(
            "select status, data_as_of from quality.department_status where department = %s and as_of = %s",
            (department, as_of),
        )
        return status, data_as_of

    def verdicts(self) -> dict[str, tuple]:
        """Verdict, known_date and as_of by batch."""
        found = self.rows("select batch_id, verdict, known_date, as_of from quality.batch_verdicts")
        return {batch_id: rest for batch_id, *rest in found}

    def reasons(self) -> list[str]:
        """The reasons in quarantine, sorted."""
        return [reason for (reason,) in self.rows("select reason from quarantine.rejected_rows order by reason")]

    def left_behind(self) -> dict[str, str]:
        """Checksums of all that gates write."""
        return checksums(KEPT)


class CompiledOnce(BytecodeCache):
    """Jinja's compiled templates, kept for the session: GX compiles its own again for every gate."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """The pages of the Data Docs are written as always, with templates that were compiled before."""
    cache, begin = CompiledOnce(), DefaultJinjaView.__init__

    def begin_with_cache(view, *args, **kwargs):
        begin(view, *args, **kwargs)
        view.env.bytecode_cache = cache

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DefaultJinjaView, "__init__", begin_with_cache)
        yield


@pytest.fixture(scope="session")
def template(warehouse) -> str:
    """A prepared database with the empty raw tables of all departments; return the address of the server."""
    admin = postgres.admin_connection(warehouse)
    with admin.cursor() as cursor:
        cursor.execute(f"create database {TEMPLATE}")
    admin.close()
    password = secret(warehouse, f"postgres_{postgres.ADMIN}")
    server = f"postgresql://{postgres.ADMIN}:{password}@{ports.HOST}:{ports.remembered(warehouse, postgres.SERVICE)}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_WAREHOUSE_URL", f"{server}/{TEMPLATE}")
        bootstrap.prepare_warehouse(settings())
        for department in departments():
            with runtime_warehouse.transaction("cx_landing") as connection:
                ledger.prepare(connection, load_contract(department))
    return server


@pytest.fixture
def house(template, warehouse, monkeypatch) -> Iterator[House]:
    """A fresh warehouse."""
    admin = postgres.admin_connection(warehouse)
    with admin.cursor() as cursor:
        cursor.execute(f"drop database if exists {DATABASE} with (force)")
        cursor.execute(f"create database {DATABASE} template {TEMPLATE}")
        monkeypatch.setenv("CX_WAREHOUSE_URL", f"{template}/{DATABASE}")
        yield House()
        cursor.execute(f"drop database {DATABASE} with (force)")
    admin.close()
