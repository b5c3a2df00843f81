"""Who is one person at Nordhaus, against the truth: `python -m bench.identity_nordhaus --people N`.

The company is played for its whole history; contacts of the CRM and accounts of the shop, each in all versions that
were told, are normalised as the platform does it and linked by names, birth date, e-mail, phone, address and the card
that a contact carries. Pairs are pairs of accounts and contacts.
"""

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from dataclasses import asdict
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from rich.table import Table

from ml.identity.evaluation import quality
from ml.identity.link import link
from ml.identity.mapping import read_mapping
from normalisation.kinds import KINDS, Invalid
from runtime.progress import console
from runtime.settings import ROOT
from simulator.nordhaus import catalogue, company
from simulator.nordhaus.crm import COLUMNS as CONTACT_COLUMNS

MAPPING = read_mapping(
    {
        "record_id": "record_id",
        "columns": {
            "given_name": "given_name",
            "surname": "surname",
            "birth_date": {"kind": "birth_date", "format": "%Y-%m-%d"},
            "email": "email",
            "phone": "phone",
            "street": "street",
            "house_number": "house_number",
            "postcode": "postcode",
            "town": "town",
            "card": "national_id",
        },
    }
)
TOLD = sorted(MAPPING.sources)
PLACEHOLDERS = ROOT / "dbt_project" / "seeds" / "placeholder_values.csv"


def main() -> None:
    """Play, link, compare; print the tables and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000, help="people of Nordhaus (default: 10,000)")
    parser.add_argument(
        "--false-merge-costs", type=float, default=10.0, help="in false splits; its log2 is the threshold (default: 10)"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cxloop-bench-") as folder:
        console.print(f"  {given.people:,} people live {catalogue.HISTORY_DAYS} days …")
        last = catalogue.FIRST_DAY + timedelta(days=catalogue.HISTORY_DAYS - 1)
        company.deliver(Path(folder) / "exports", Path(folder) / "company", last, people=given.people)
        records = versions(Path(folder))
    console.print(f"  {len(records):,} descriptions are linked …")
    begun = time.perf_counter()
    found = link(records, MAPPING, entity="entity", threshold=float(np.log2(given.false_merge_costs)))
    seconds = time.perf_counter() - begun
    records["cluster"] = found.clusters["cluster_id"].to_numpy()
    each = records.drop_duplicates("entity")
    sizes = each["cluster"].value_counts()
    results = {
        "people": given.people,
        "descriptions": len(records),
        "entities": len(each),
        **{name: round(value, 4) for name, value in asdict(quality(each["cluster"], each["person"])).items()},
        "largest_cluster": int(sizes.max()),
        "suspicious_clusters": len(found.suspicious),
        "false_merges": causes(records, pairs_within(each, "cluster", "person"), why_merged),
        "false_splits": causes(records, pairs_within(each, "person", "cluster"), why_split),
        "seconds": round(seconds, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    show(results)
    print(json.dumps(results))


def versions(folder: Path) -> pd.DataFrame:
    """Give what was told: `record_id, entity, person` (the truth), `known_date` (the day on which it was told) and the
    columns of TOLD; each version once, since the first time.
    """
    files = sorted((folder / "exports" / "crm").glob("*.csv"))
    contacts = pd.concat([read_contacts(file) for file in files], ignore_index=True)
    tables = sorted((folder / "company" / "behind" / "shop" / "accounts").glob("*.parquet"))
    accounts = pd.concat([pd.read_parquet(table) for table in tables], ignore_index=True)
    names = written(accounts["full_name"], "person_name").str.split(" ", n=1)
    contacts, accounts = (
        frame.assign(
            email=without_placeholder(written(frame["email"], "email"), "email", lambda text: text.split("@")[0] + "@"),
            phone=written(frame["phone"], "phone", frame["country"]),
            place=written(frame["street"], "street").str.split(" ", n=1),
            postcode=written(frame["postcode"], "postcode", frame["country"]),
            town=written(frame["town"], "town"),
        )
        for frame in (contacts, accounts)
    )
    contacts = contacts.assign(
        entity="contact/" + contacts["contact_no"],
        key=contacts["contact_no"] + "|" + contacts["changed_at"],
        known_date=german(contacts["changed_at"].str.slice(0, 10)),
        given_name=written(without_placeholder(contacts["first_name"], "name"), "person_name"),
        surname=written(without_placeholder(contacts["last_name"], "name"), "person_name"),
        birth_date=without_placeholder(german(contacts["birth_date"]), "birth_date"),
        card=contacts["loyalty_card_no"].where(contacts["loyalty_card_no"].str.strip("0 ") != ""),
    )
    accounts = accounts.assign(
        entity="account/" + accounts["account_id"],
        key=accounts["account_id"],
        known_date=accounts["updated_at"].astype(str).str.slice(0, 10),
        given_name=names.str[0],
        surname=names.str[1],
        birth_date=accounts["birth_date"].where(accounts["birth_date"] != ""),
        card=None,
    )
    told = pd.concat([contacts, accounts], ignore_index=True)
    told = told.assign(street=told["place"].str[0], house_number=told["place"].str[1])
    told = told.sort_values("known_date", kind="stable").drop_duplicates(["entity", *TOLD], ignore_index=True)
    told["person"] = told["key"].map(truth(folder))
    names = [f"r{number}" for number in range(len(told))]
    return told[["entity", "person", "known_date", *TOLD]].assign(record_id=names)


def read_contacts(file: Path) -> pd.DataFrame:
    """Read a day's file; a line with a field too many keeps those it should have."""
    names = [*CONTACT_COLUMNS, "too much"]
    return pd.read_csv(file, sep=";", encoding="cp1252", dtype=str, names=names, skiprows=1, keep_default_na=False)


def truth(folder: Path) -> pd.Series:
    """Give the person behind each key of a contact or an account."""
    files = sorted((folder / "company" / "truth" / "records").glob("*.parquet"))
    columns = ["department", "entity", "record_key", "person"]
    rows = pd.concat(
        [pd.read_parquet(file, columns=columns).astype({"department": str, "entity": str}) for file in files]
    )
    rows = rows[(rows["department"] + "." + rows["entity"]).isin(["crm.contacts", "shop.accounts"])]
    return rows.drop_duplicates("record_key").set_index("record_key")["person"]


def written(texts: pd.Series, kind: str, country: pd.Series | None = None) -> pd.Series:
    """Write values one way, as the room normalisation does; what is none of its kind is missing."""

    @cache
    def one(text: str, land: str) -> str | None:
        try:
            return KINDS[kind](text, land) if text.strip() else None
        except Invalid:
            return None

    lands = [""] * len(texts) if country is None else country.str.strip().str.upper()
    whole = texts.fillna("")
    return pd.Series(
        [one(text, land) for text, land in zip(whole, lands, strict=True)], index=texts.index, dtype=object
    )


def without_placeholder(values: pd.Series, attribute: str, part=str.lower) -> pd.Series:
    """Take out what stands for "unknown" (seed placeholder_values)."""
    seed = pd.read_csv(PLACEHOLDERS, dtype=str)
    known = set(seed.loc[seed["attribute"] == attribute, "value"])
    return values.where(~values.fillna("").map(lambda text: part(text.strip())).isin(known))


def german(days: pd.Series) -> pd.Series:
    """Read DD.MM.YYYY; what is no day is missing."""
    return pd.to_datetime(days, format="%d.%m.%Y", errors="coerce").dt.strftime("%Y-%m-%d")


def pairs_within(each: pd.DataFrame, same: str, different: str) -> pd.DataFrame:
    """Give the pairs of entities that agree in `same` and differ in `different`: `left, right`."""
    mixed = each[each.groupby(same)[different].transform("nunique") > 1]
    both = mixed.merge(mixed, on=same, suffixes=("_l", "_r"))
    both = both[(both["entity_l"] < both["entity_r"]) & (both[f"{different}_l"] != both[f"{different}_r"])]
    return both[["entity_l", "entity_r"]].rename(columns={"entity_l": "left", "entity_r": "right"})


def causes(records: pd.DataFrame, pairs: pd.DataFrame, why) -> dict[str, int]:
    """Count pairs by cause, most frequent first; two entities agree where any of their versions do."""
    told = {name: records.dropna(subset=[name]).groupby("entity")[name].agg(set).to_dict() for name in TOLD}

    def agree(pair, *names: str) -> bool:
        return all(told[name].get(pair.left, set()) & told[name].get(pair.right, set()) for name in names)

    counted = pd.Series([why(pair, agree) for pair in pairs.itertuples()], dtype=object).value_counts()
    return {cause: int(count) for cause, count in counted.items()}


def why_merged(pair, agree) -> str:
    """Say what made two people look like one."""
    if not agree(pair, "street", "house_number"):
        return "namesakes who live apart" if agree(pair, "given_name", "surname") else "others who live apart"
    if agree(pair, "given_name", "surname"):
        return "one name in a household (junior)"
    return "one birth date in a household (twins)" if agree(pair, "birth_date") else "others of a household"


def why_split(pair, agree) -> str:
    """Say what made one person look like two."""
    if not agree(pair, "surname"):
        return "surname changed or misspelled"
    if not agree(pair, "given_name"):
        return "given name short, missing or misspelled"
    return "too little told" if agree(pair, "street", "house_number") else "moved"


def show(results: dict) -> None:
    """Print the figures and the errors by cause."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    table = Table(title=f"Accounts and contacts of Nordhaus, {machine}", width=100)
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in results.items():
        if isinstance(value, dict):
            table.add_section()
            table.add_row(name.replace("_", " "), f"{sum(value.values()):,}")
            for cause, count in value.items():
                table.add_row(f"  {cause}", f"{count:,}")
            table.add_section()
        else:
            table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)


if __name__ == "__main__":
    main()
