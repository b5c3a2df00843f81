"""A small company whose people are known: who is one and why, who is held, who is a suspicious cluster.

Grace (account h1, contact h2 by a rule, account h3 by a score, card hk by h2). Karl and Karl, father (m1, m2) and son
(m3, m4), who share one e-mail: a bridge. Twelve guests of one address: held. Ada and Ada, verified birth dates differ.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from ml.identity.resolve import resolve
from runtime.warehouse import transaction
from tests.ml import person_records as given
from tests.ml.person_records import add, crowd, day, execute, person, record

LAST = 8  # the day that was resolved; the model was learned before all but the guests came
GRACE = {"given_name": "grace", "surname": "hopper", "born": date(1961, 12, 9), "town": "town 3", "postcode": "70173"}
HOME = {"street": "hauptstr", "house_number": "7", "phone": "+4917012345678"}
KARL = {"given_name": "karl", "surname": "meier", "town": "town 3", "postcode": "70173"}
KARLS_HOME = {"street": "nebenstr", "house_number": "9"}
FATHER, SON = date(1950, 3, 4), date(1980, 7, 8)
STAGING = {
    "stg_shop__accounts": "account_id",
    "stg_crm__contacts": "contact_no",
    "stg_till__receipts": "receipt_id",
}


def people() -> list[dict]:
    """Write everybody of this module beside a crowd that a model can be learned from."""
    guests = [
        record(
            *("account", f"g{n}", 1),
            **{"given_name": "gast", "surname": "kunde", "email": "noreply@shop.example"},
            **{"born": date(1950 + n, 1 + n, 3 + n), "town": f"town {n % 7}"},
        )
        for n in range(12)
    ]
    adas = [person("account", f"l{n}", 5, born=date(1950 + n, 1, 2)) | {"is_birth_date_verified": True} for n in (1, 2)]
    return [
        *crowd(200, 6),
        record("account", "h1", 5, email="grace@navy.example", **GRACE, **HOME),
        record("contact", "h2", 6, email="grace@navy.example", card_key="hk", **GRACE, **HOME),
        record("account", "h3", 7, email="gh@other.example", **GRACE),
        record("card", "hk", 6, card_key="hk"),
        record("account", "m1", 5, born=FATHER, email="k.meier@web.example", **KARL, **KARLS_HOME),
        record("account", "m2", 5, born=FATHER, email="meiers@web.example", **KARL, **KARLS_HOME),
        record("contact", "m3", 5, born=SON, email="karl.junior@web.example", **KARL, **KARLS_HOME),
        record("contact", "m4", 5, born=SON, email="meiers@web.example", **KARL, **KARLS_HOME),
        *guests,
        *adas,
    ]


@contextmanager
def known_people(file: Path) -> Iterator[None]:
    """Have the company resolved as of `LAST`; take everything away afterwards."""
    given.make()
    for table, key in STAGING.items():
        execute(f"""create table staging.{table}
            ({key} text, card_key text, batch_id text, source_row bigint, known_date date)""")
    execute("""insert into staging.stg_shop__accounts values ('h1', null, 'accounts/2025-03-02/1a', 17, '2025-03-02'),
            ('h3', null, 'accounts/2025-03-04/1a', 3, '2025-03-04');
        insert into staging.stg_crm__contacts values ('h2', 'hk', 'contacts/2025-03-03/2b', 5, '2025-03-03');
        insert into staging.stg_till__receipts
        select n, 'hk', 'receipts/2025-03-03/B01/3c', n, '2025-03-03' from generate_series(1, 9) n""")
    add(*people())
    build(file)
    yield
    for table in STAGING:
        execute(f"drop table staging.{table}")
    given.remove()


def build(file: Path, number: int = LAST) -> None:
    """Resolve a day."""
    with transaction() as connection:
        resolve(connection, day(number), file)
