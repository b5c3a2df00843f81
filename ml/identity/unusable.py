"""Values that many told and that say nothing of a person, like the phone 000000: they never become evidence."""

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from ml.identity.masking import masked
from ml.identity.suspicion import Held
from runtime.warehouse import transaction

# Staged table and its key; what was told and what became evidence of it (empty: no number, or a placeholder).
STAGED = (("stg_shop__accounts", "account_id"), ("stg_crm__contacts", "contact_no"))
TOLD = (("phone", "phone_key"), ("email", "email_key"))
# A slip of one person's pen is no value that many share.
FEWEST = 3


def list_unusable() -> list[Held]:
    """List what at least `FEWEST` accounts and contacts told as a value without it being one, the most shared first."""
    with transaction() as connection:
        parts = [
            sql.SQL("select distinct {} as attribute, {}::text as value, {} as entity from staging.{} where {}").format(
                sql.Literal(told),
                sql.Identifier(told),
                sql.SQL("{} || '/' || {}").format(sql.Literal(table), sql.Identifier(key)),
                sql.Identifier(table),
                sql.SQL("{} is not null and {} is null").format(sql.Identifier(told), sql.Identifier(evidence)),
            )
            for table, key in STAGED
            for told, evidence in TOLD
            if {told, evidence, key} <= _columns(connection, table)
        ]
        if not parts:
            return []
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL(
                    "select attribute, count(distinct entity) as entities, value from ({}) as told"
                    " group by attribute, value having count(distinct entity) >= %s order by 2 desc, 1, 3"
                ).format(sql.SQL(" union all ").join(parts)),
                (FEWEST,),
            )
            found = cursor.fetchall()
    return [Held("value", f"no {attribute}", entities, masked(value)) for attribute, entities, value in found]


def _columns(connection: Connection, table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select column_name from information_schema.columns where table_schema = 'staging' and table_name = %s",
            (table,),
        )
        return {name for (name,) in cursor.fetchall()}
