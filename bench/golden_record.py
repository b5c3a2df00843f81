"""How true are golden records and households: `python -m bench.golden_record --people N`.

Nordhaus is played for its whole history. Contacts of the CRM and accounts of the shop are normalised as the platform
does it, linked (`--customers linked`) or given to the person they are of (`--customers true`), and survive through the
models of dbt_project in an embedded PostgreSQL. The truth is what each person is on the last day.

Per attribute: the share of customers whose surviving value is true, beside that of the value told last and that of
customers of whom anybody told the truth at all (no rule can be better). Households are compared in pairs of customers
with an address; flatmates share a home and no name, so the recall without them is printed too.
"""

import argparse
import csv
import io
import json
import os
import platform
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from psycopg2 import sql
from rich.table import Table

from bench.identity_nordhaus import MAPPING, german, read_contacts, truth, versions, without_placeholder, written
from ml.identity.link import link
from runtime import bootstrap, home, postgres
from runtime.progress import console
from runtime.settings import PREFIX, ROOT, settings
from runtime.warehouse import dbt_environment, read_frame, transaction
from simulator.nordhaus import catalogue, company, lives
from simulator.nordhaus.people import LANGUAGES, OWN_HOME, People

LAST = catalogue.FIRST_DAY + timedelta(days=catalogue.HISTORY_DAYS - 1)
MODELS = ("int_person_versions_identified", "customer_attributes", "household_members", "households")
SEEDS = ("survivorship", "household_limits", "family_name_parts")
KINDS = {
    "given_name": "person_name", "surname": "person_name", "email": "email", "phone": "phone", "street": "street",
    "postcode": "postcode", "town": "town",
}  # fmt: skip
NAMES = ("email", "phone", "street", "postcode", "town")
TYPES = {
    "is_email_verified": "boolean", "is_test": "boolean", "birth_date": "date", "source_row": "bigint",
    "told_at": "timestamptz", "updated_at": "timestamptz", "changed_at": "timestamptz", "known_date": "date",
    "first_known_date": "date",
}  # fmt: skip


def main() -> None:
    """Play, link, build, compare; print the tables and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000, help="people of Nordhaus (default: 10,000)")
    parser.add_argument("--customers", choices=("linked", "true"), default="linked", help="who is one customer")
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="cxloop-bench-") as folder:
        os.environ |= {"CX_HOME": str(Path(folder) / "home"), "CX_DATASET": "nordhaus"}
        try:
            postgres.start(settings())
            bootstrap.bootstrap(settings())
            results = measure(Path(folder), given.people, given.customers)
        finally:
            postgres.stop(settings())
            home.remove(settings())
    show(results)
    print(json.dumps(results))


def measure(folder: Path, people: int, customers: str) -> dict:
    """Run it all and give the figures."""
    console.print(f"  {people:,} people live {catalogue.HISTORY_DAYS} days …")
    company.deliver(folder / "exports", folder / "company", LAST, people=people)
    console.print("  accounts and contacts become customers …")
    whose = persons_of(folder)
    identified = whose if customers == "true" else linked(folder)
    load("identity.customer_ids", ids(identified))
    load("staging.stg_crm__contacts", contacts(folder))
    load("staging.stg_shop__accounts", accounts(folder))
    begun = time.perf_counter()
    build(folder)
    seconds = time.perf_counter() - begun
    person = pd.DataFrame({"customer_id": identified, "person": whose}).groupby("customer_id")["person"]
    person = person.agg(lambda each: each.mode().iloc[0]).astype(int)
    alive = People(company.SEED, people)
    return {
        "people": people,
        "customers": len(person),
        "customers_by": customers,
        **households(alive, person),
        "attributes": attributes(alive, person),
        "build_seconds": round(seconds, 1),
    }


def persons_of(folder: Path) -> pd.Series:
    """Give the person (as text) of each entity, `contact/<number>` or `account/<id>`."""
    known = truth(folder)
    entity = known.index.to_series().str.split("|").str[0]
    kind = np.where(known.index.str.contains("|", regex=False), "contact/", "account/")
    each = pd.Series(known.astype(str).to_numpy(), index=kind + entity.to_numpy())
    return each[~each.index.duplicated()]


def linked(folder: Path) -> pd.Series:
    """Give the customer of each entity as ml.identity links them, at the threshold of bench.identity_nordhaus."""
    told = versions(folder)
    found = link(told, MAPPING, entity="entity", threshold=float(np.log2(10)))
    told["cluster"] = found.clusters["cluster_id"].to_numpy()
    return told.drop_duplicates("entity").set_index("entity")["cluster"].astype(str)


def ids(customers: pd.Series) -> pd.DataFrame:
    """Write customers of entities as identity.customer_ids."""
    kind, key = customers.index.str.split("/", n=1).str[0], customers.index.str.split("/", n=1).str[1]
    return pd.DataFrame(
        {"customer_id": customers.to_numpy(), "key_kind": kind, "source_key": key, "first_known_date": LAST}
    )


def contacts(folder: Path) -> pd.DataFrame:
    """Give the CRM's files as staging holds them."""
    files = sorted((folder / "exports" / "crm").glob("*.csv"))
    told = pd.concat([read_contacts(file).assign(file=file.stem) for file in files], ignore_index=True)
    first, last = (without_placeholder(told[name], "name") for name in ("first_name", "last_name"))
    birth = without_placeholder(german(told["birth_date"]), "birth_date")
    return common(told).assign(
        contact_no=told["contact_no"],
        salutation=told["salutation"],
        title=told["title"],
        first_name=first,
        first_name_key=written(first, "person_name"),
        last_name=last,
        last_name_key=written(last, "person_name"),
        birth_date=birth,
        is_email_verified=told["is_email_verified"] == "J",
        changed_at=pd.to_datetime(told["changed_at"], format="%d.%m.%Y %H:%M").astype(str),
    )


def accounts(folder: Path) -> pd.DataFrame:
    """Give the shop's accounts, each version, as staging holds them."""
    tables = sorted((folder / "company" / "behind" / "shop" / "accounts").glob("*.parquet"))
    told = pd.concat([pd.read_parquet(table).assign(file=table.stem) for table in tables], ignore_index=True)
    return common(told).assign(
        account_id=told["account_id"],
        full_name=told["full_name"],
        full_name_key=written(told["full_name"], "person_name"),
        birth_date=told["birth_date"],
        is_email_verified=told["is_email_verified"].astype(bool),
        updated_at=told["updated_at"],
    )


def common(told: pd.DataFrame) -> pd.DataFrame:
    """Give what both departments tell: addresses of all sorts with their keys, and where the row is from."""
    placed = {name: told[name].str.strip() for name in NAMES} | {
        f"{name}_key": written(told[name], KINDS[name], told["country"] if name in ("phone", "postcode") else None)
        for name in NAMES
    }
    placed["email_key"] = without_placeholder(placed["email_key"], "email", lambda text: text.split("@")[0] + "@")
    return pd.DataFrame(placed).assign(
        country=told["country"],
        language=told["language"].str.lower(),
        is_test=False,
        batch_id=told["file"],
        source_row=range(len(told)),
        known_date=told["file"].str.extract(r"(\d{4}-\d{2}-\d{2})")[0],
    )


def load(table: str, rows: pd.DataFrame) -> None:
    """Make the table and fill it; an empty text is missing."""
    name = sql.Identifier(*table.split("."))
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(TYPES.get(column, "text"))) for column in rows
    )
    text = io.StringIO()
    rows.astype(object).where(rows.notna() & (rows != ""), None).to_csv(
        text, index=False, header=False, quoting=csv.QUOTE_MINIMAL
    )
    text.seek(0)
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("create table {} ({})").format(name, columns))
        cursor.copy_expert(sql.SQL("copy {} from stdin (format csv)").format(name), text)


def build(folder: Path) -> None:
    """Run seeds and models of the golden record. Raises RuntimeError with the messages of what failed."""
    from dbt.cli.main import dbtRunner  # only here: dbt configures logging on import

    os.environ |= {**dbt_environment(), "DBT_TARGET_PATH": str(folder / "dbt"), "DBT_LOG_PATH": str(folder / "dbt")}
    project = str(ROOT / "dbt_project")
    places = ["--project-dir", project, "--profiles-dir", project, "--vars", f"{{as_of: {LAST}}}"]
    for words in (["seed", "--select", *SEEDS], ["run", "--select", "int_attributes_believed", "int_customers_housed"]):
        _run(dbtRunner(), [*words, *(MODELS if words[0] == "run" else ())], places)


def _run(runner, words: list[str], places: list[str]) -> None:
    done = runner.invoke(["--quiet", *words, *places])
    if not done.success:
        bad = [f"{node.node.name}: {node.message}" for node in done.result or [] if node.status == "error"]
        raise RuntimeError("; ".join(bad) or str(done.exception))


def frame(query: str) -> pd.DataFrame:
    """Read a query."""
    with transaction() as connection:
        return read_frame(connection, query)


def attributes(alive: People, person: pd.Series) -> dict[str, dict[str, float]]:
    """Give per attribute `golden, newest, possible`: shares of the customers of whom anything was told."""
    golden = frame("select customer_id, attribute, value_key from marts.customer_attributes")
    told = frame("select customer_id, attribute, value_key, told_at from intermediate.int_person_versions_identified")
    newest = told.sort_values("told_at").drop_duplicates(["customer_id", "attribute"], keep="last")
    known = true_keys(alive, person)
    is_true = [
        frame.assign(is_true=frame["value_key"].to_numpy() == lookup(frame, known)) for frame in (golden, newest, told)
    ]
    shares = [
        each.groupby(["attribute", "customer_id"])["is_true"].any().groupby("attribute").mean() for each in is_true
    ]
    table = pd.concat(shares, axis=1, keys=["golden", "newest", "possible"]).round(4)
    table["customers"] = golden.groupby("attribute")["customer_id"].nunique()
    return table.to_dict("index")


def lookup(told: pd.DataFrame, known: pd.DataFrame) -> np.ndarray:
    """Give the true key for each row of `customer_id, attribute`."""
    return known.to_numpy()[known.index.get_indexer(told["customer_id"]), known.columns.get_indexer(told["attribute"])]


def true_keys(alive: People, person: pd.Series) -> pd.DataFrame:
    """Give the attributes of each customer's person on the last day, written one way: rows as `person`."""
    who = person.to_numpy()
    now = pd.DataFrame(alive.identity(who, catalogue.HISTORY_DAYS - 1), index=person.index).astype(object)
    now = now.rename(columns={"first_name": "given_name", "last_name": "surname"})
    now["language"] = np.array(LANGUAGES, dtype=object)[alive.language[who]]
    keys = {name: written(now[name], kind, now["country"]) for name, kind in KINDS.items()}
    keys |= {name: now[name].str.lower() for name in ("salutation", "title")}
    return pd.DataFrame(keys).assign(birth_date=now["birth_date"], country=now["country"], language=now["language"])


def households(alive: People, person: pd.Series) -> dict[str, float]:
    """Compare pairs of customers in one household with pairs whose persons share a home on the last day."""
    members = frame("select customer_id, household_id from marts.household_members")
    who = person.loc[members["customer_id"]].to_numpy()
    has_left = lives.count_until(alive.event_days("move_out")[who], catalogue.HISTORY_DAYS - 1) > 0
    members = members.assign(
        home=np.where(has_left, who + OWN_HOME, alive.household[who]), is_relative=alive.role[who] != lives.FLATMATE
    )
    both = pairs(members["household_id"], members["home"])
    found, real = pairs(members["household_id"]), pairs(members["home"])
    kin = members[members["is_relative"]]
    return {
        "households": int(members["household_id"].nunique()),
        "customers_with_address": len(members),
        "pairs": int(real),
        "pair_precision": round(both / max(found, 1), 4),
        "pair_recall": round(both / max(real, 1), 4),
        "relatives_recall": round(pairs(kin["household_id"], kin["home"]) / max(pairs(kin["home"]), 1), 4),
    }


def pairs(*same: pd.Series) -> int:
    """Count the pairs of rows that agree in all of `same`."""
    sizes = pd.concat(same, axis=1).value_counts()
    return int((sizes * (sizes - 1) // 2).sum())


def show(results: dict) -> None:
    """Print the figures and the attributes."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    table = Table(title=f"Golden record of Nordhaus, {machine}", width=100)
    for name in ("", "golden", "told last", "possible", "customers"):
        table.add_column(name, justify="right" if name else "left")
    for name, value in results.items():
        if name != "attributes":
            table.add_row(name.replace("_", " "), f"{value:,}" if not isinstance(value, str) else value)
    table.add_section()
    for name, each in results["attributes"].items():
        row = [f"{each[share]:.1%}" for share in ("golden", "newest", "possible")]
        table.add_row(name, *row, f"{each['customers']:,}")
    console.print(table)


if __name__ == "__main__":
    main()
