"""The simulated company beside the platform: its shop's database on the embedded server, its APIs, its days."""

from datetime import date, timedelta
from urllib.parse import quote

from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from runtime import ports, postgres, warehouse
from runtime.progress import console
from runtime.secrets import keep_department_variables, secret
from runtime.settings import Settings

OWNER, READER = "nordhaus_shop", "nordhaus_shop_reader"
DATABASE = "nordhaus_shop"
DAYS_BETWEEN_LINES = 30

# What channels would carry out on the day after: every key of whoever an action was published for.
PUBLISHED = """
    select actions.customer_id, actions.action_id, keys.key_kind, keys.source_key
    from activation.next_best_actions as actions
    inner join identity.customer_ids as keys on actions.customer_id = keys.customer_id
    where actions.rank = 1 and actions.action_id <> 'no_action' and actions.as_of_date = %s
"""


def open_company(given: Settings) -> None:
    """Make the shop's database with its owner and a reader, and tell the platform where the departments are found."""
    admin = postgres.admin_connection(given)
    try:
        with admin.cursor() as cursor:
            for role in (OWNER, READER):
                cursor.execute("select 1 from pg_roles where rolname = %s", (role,))
                if not cursor.fetchone():
                    cursor.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
                verifier = encrypt_password(secret(given, f"postgres_{role}"), role, admin, "scram-sha-256")
                cursor.execute(sql.SQL("alter role {} login password %s").format(sql.Identifier(role)), (verifier,))
            cursor.execute("select 1 from pg_database where datname = %s", (DATABASE,))
            if not cursor.fetchone():
                names = (sql.Identifier(DATABASE), sql.Identifier(OWNER))
                cursor.execute(sql.SQL("create database {} owner {}").format(*names))
            cursor.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(DATABASE)))
            grant = sql.SQL("grant connect on database {} to {}")
            cursor.execute(grant.format(sql.Identifier(DATABASE), sql.Identifier(READER)))
    finally:
        admin.close()
    base = f"http://{ports.HOST}:{ports.remembered(given, 'nordhaus')}"
    keep_department_variables(
        given,
        {
            "CX_SHOP_DATABASE_URL": shop_url(given, READER),
            "CX_SERVICE_API_URL": f"{base}/service",
            "CX_MARKETING_API_URL": f"{base}/marketing",
            "CX_SERVICE_API_TOKEN": secret(given, "nordhaus_service"),
            "CX_MARKETING_API_TOKEN": secret(given, "nordhaus_marketing"),
        },
    )


def play_company(given: Settings, day: date) -> str:
    """Let the company live up to `day`, with the shop's database; say what that made.

    What was published for the day before is carried out on `day`. A day that was lived already is not lived again.
    """
    from simulator.nordhaus import channels, company, shop_database

    def tell(lived: int, seconds: float) -> None:
        if lived and lived % DAYS_BETWEEN_LINES == 0:
            console.print(f"  {lived} days of {given.demo_people:,} people ({seconds:.0f} s)")

    actions = channels.whom_they_reach(company.SEED, given.demo_people, _published(given, day - timedelta(days=1)))
    written = company.deliver(
        given.exports_dir, given.home / "nordhaus", day, people=given.demo_people, actions=actions, tell=tell
    )
    shop_database.bring_up_to(shop_url(given, OWNER), given.home / "nordhaus", READER)
    answer = f", where channels reached {len(actions[0]):,} people" if len(actions[0]) else ""
    return f"{len(written)} new files, and the shop and the APIs up to that day{answer}"


def _published(given: Settings, as_of: date) -> list[tuple[str, str, str, str]]:
    """Read what was published for `as_of`; nothing before the first build of the warehouse."""
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('identity.customer_ids') is not null")
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(PUBLISHED, (as_of,))
        return cursor.fetchall()


def shop_url(given: Settings, role: str) -> str:
    """The address of the shop's database for one of its two roles, with its password."""
    password = quote(secret(given, f"postgres_{role}"), safe="")
    return f"postgresql://{role}:{password}@{ports.HOST}:{ports.remembered(given, 'postgres')}/{DATABASE}"
