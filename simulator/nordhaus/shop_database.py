"""The shop's live database: rows change and disappear there; a trigger notes what was removed."""

from pathlib import Path

import psycopg2
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from psycopg2 import sql

from simulator.nordhaus import catalogue

SCHEMA = """
    create schema if not exists shop;
    create schema if not exists company;
    create table if not exists company.applied (day date primary key);
    create table if not exists shop.accounts (
        account_id text primary key, email text not null, is_email_verified boolean not null, full_name text,
        birth_date date, phone text, street text, postcode text, town text, country text, language text,
        created_at timestamp not null, updated_at timestamp not null
    );
    create table if not exists shop.orders (
        order_no text primary key, account_id text not null, ordered_at timestamp not null, status text not null,
        total_cents bigint not null, discount_cents bigint not null, voucher_code text, promised_date date,
        ship_to_name text, ship_to_street text, ship_to_postcode text, ship_to_town text, updated_at timestamp not null
    );
    create table if not exists shop.order_lines (
        order_no text, line_no integer, sku text not null, quantity integer not null, price_cents bigint not null,
        created_at timestamp not null, primary key (order_no, line_no)
    );
    create table if not exists shop.products (
        sku text primary key, name text not null, category text not null, brand text not null,
        price_cents bigint not null, margin_percent numeric not null, usage_days integer
    );
    create table if not exists shop.deletions (
        table_name text, row_key text, deleted_at timestamp, primary key (table_name, row_key, deleted_at)
    );
    create index if not exists orders_updated_at on shop.orders (updated_at);
    create index if not exists accounts_updated_at on shop.accounts (updated_at);
    create index if not exists order_lines_created_at on shop.order_lines (created_at);
    create or replace function shop.note_deletion() returns trigger language plpgsql as $$
    begin
        -- The shop's clock at the moment of the removal; the simulated company sets it.
        insert into shop.deletions values (tg_table_name, old.account_id, current_setting('company.now')::timestamp);
        return old;
    end $$;
    create or replace trigger note_deletion before delete on shop.accounts
        for each row execute function shop.note_deletion();
"""
KEYS = {
    "accounts": ("account_id",),
    "orders": ("order_no",),
    "order_lines": ("order_no", "line_no"),
    "products": ("sku",),
}
VERSIONS = {"accounts": "updated_at", "orders": "updated_at"}


def bring_up_to(url: str, company: Path, reader: str | None = None) -> int:
    """Apply every day up to the company's today that the database does not have yet; return how many days.

    One transaction: the shop shows yesterday or today, never half. `reader` is a role that may read the schema `shop`.
    """
    today = int((company / "today").read_text())
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(SCHEMA)
            cursor.execute("select max(day) from company.applied")
            (last,) = cursor.fetchone()
            after = str(last) if last else ""
            for table, keys in KEYS.items():
                _upsert(cursor, table, keys, _days(company, table, after, today))
            for path in _days(company, "deletions", after, today):
                _delete(cursor, pq.read_table(path))
            first = catalogue.day_of(last) + 1 if last else 0
            days = [(catalogue.date_of(day),) for day in range(first, today + 1)]
            cursor.executemany("insert into company.applied values (%s)", days)
            if reader:
                for grant in ("grant usage on schema shop to {}", "grant select on all tables in schema shop to {}"):
                    cursor.execute(sql.SQL(grant).format(sql.Identifier(reader)))
        return len(days)
    finally:
        connection.close()


def _days(company: Path, table: str, after: str, today: int) -> list[Path]:
    paths = sorted((company / "behind" / "shop" / table).glob("2*.parquet"))
    return [path for path in paths if after < path.stem <= str(catalogue.date_of(today))]


def _upsert(cursor, table: str, keys: tuple[str, ...], paths: list[Path]) -> None:
    """Bring the newest version of every row; one COPY a day."""
    if not paths:
        return
    names = pq.read_schema(paths[0]).names
    incoming, target = sql.Identifier(f"incoming_{table}"), sql.Identifier("shop", table)
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    cursor.execute(
        sql.SQL("create temporary table {} on commit drop as select {} from {} with no data").format(
            incoming, columns, target
        )
    )
    copy = sql.SQL("copy {} ({}) from stdin (format csv, header)").format(incoming, columns)
    for path in paths:
        buffer = pa.BufferOutputStream()
        pa.csv.write_csv(pq.read_table(path), buffer)
        cursor.copy_expert(copy, pa.BufferReader(buffer.getvalue()))
    key = sql.SQL(", ").join(map(sql.Identifier, keys))
    newest = sql.SQL(", {} desc").format(sql.Identifier(VERSIONS[table])) if table in VERSIONS else sql.SQL("")
    changed = [name for name in names if name not in keys]
    cursor.execute(
        sql.SQL(
            "insert into {target} ({columns})"
            " select distinct on ({key}) {columns} from {incoming} order by {key}{newest}"
            " on conflict ({key}) do update set {changes}"
        ).format(
            target=target,
            columns=columns,
            key=key,
            incoming=incoming,
            newest=newest,
            changes=sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in changed),
        )
    )


def _delete(cursor, rows: pa.Table) -> None:
    """Remove accounts, each at its own moment."""
    for row in rows.to_pylist():
        cursor.execute("select set_config('company.now', %s, true)", (row["deleted_at"].rstrip("Z"),))
        cursor.execute("delete from shop.accounts where account_id = %s", (row["row_key"],))
