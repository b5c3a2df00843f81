"""What the tests of destinations share: a published state, destinations in settings, and desks that are open."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import yaml

from runtime import warehouse as runtime_warehouse
from runtime.settings import settings
from tests.activation.contact_desk import PASSWORD, TOKEN, USER, Desk, MauticDesk, open_desk
from tests.ml.company import AS_OF

EMAIL = "somebody@example.org"
ADDRESS = {"DESK_TOKEN": TOKEN, "DESK_USER": USER, "DESK_PASSWORD": PASSWORD}
HOOK = {
    **{"kind": "webhook", "owner": "Campaigns", "purpose": "a test", "url_variable": "DESK_URL"},
    **{"token_variable": "DESK_TOKEN", "attempts": 3, "first_wait_seconds": 0.01},
}
MAUTIC = {
    **{"kind": "mautic", "owner": "Campaigns", "purpose": "a test", "url_variable": "DESK_URL", "attempts": 3},
    **{"user_variable": "DESK_USER", "password_variable": "DESK_PASSWORD", "first_wait_seconds": 0.01},
}
FILE = {"kind": "file", "owner": "Campaigns", "purpose": "a test"}


def rows(query: str, values=None, role: str = "cx_pipeline") -> list[tuple]:
    with runtime_warehouse.transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def run(statement: str, values=None) -> None:
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)


def publish(actions: dict[str, str], day: date = AS_OF, valid_days: int = 7) -> None:
    """Show channels one action per customer, as `activation.publish` leaves it; a channel follows its action."""
    run("delete from activation.next_best_actions")
    for customer, action in actions.items():
        run(
            """
            insert into activation.next_best_actions (
                customer_id, rank, action_id, channel, expected_net_value_eur, handover_to_human, reason_en, reason_de,
                decision_id, valid_from, valid_until, data_as_of, policy_version, model_name, model_version, as_of_date,
                scored_at
            )
            select %s, 1, action_id, channel, 1, false, 'why', 'warum', %s, %s, %s, %s, '1', 'm', '1', %s, '2018-01-01Z'
            from vocabulary.actions where action_id = %s
            """,
            (customer, f"d-{customer}", day + timedelta(days=1), day + timedelta(days=valid_days), day, day, action),
        )


def configure(**given: dict) -> None:
    (settings().home / "destinations.yml").write_text(yaml.safe_dump({"destinations": given}))


def receipts(destination: str = "hook") -> list[tuple]:
    return rows(
        "select customer_id, kind, status, attempts from activation.deliveries where destination = %s"
        " order by change_number",
        (destination,),
    )


def told(desk: Desk) -> list[tuple]:
    return [(body["kind"], body["customer_id"]) for *_, body in desk.calls]


@pytest.fixture
def published(company, monkeypatch) -> Iterator[None]:
    """Three customers with an action each and one who is left alone; nobody was told anything yet."""
    publish({"a": "coupon_campaign_a", "b": "coupon_campaign_b", "c": "reminder_message", "d": "no_action"})
    run("create table marts.customers (customer_id text, email text)")
    run("insert into marts.customers select customer_id, %s from activation.next_best_actions", (EMAIL,))
    run("create table vocabulary.kept as select * from vocabulary.policies")
    for name, value in ADDRESS.items():
        monkeypatch.setenv(name, value)
    yield
    (settings().home / "destinations.yml").unlink(missing_ok=True)
    shutil.rmtree(settings().home / "outbox", ignore_errors=True)
    run("drop table marts.customers")
    run("delete from vocabulary.policies; insert into vocabulary.policies select * from vocabulary.kept")
    run("drop table vocabulary.kept; delete from marts.consents; delete from activation.next_best_actions")
    run("truncate activation.acknowledged, activation.deliveries")


@pytest.fixture
def desk(published, monkeypatch) -> Iterator[Desk]:
    with open_desk(Desk()) as opened:
        monkeypatch.setenv("DESK_URL", opened.url)
        configure(hook=HOOK)
        yield opened


@pytest.fixture
def mautic(published, monkeypatch) -> Iterator[MauticDesk]:
    with open_desk(MauticDesk()) as opened:
        monkeypatch.setenv("DESK_URL", opened.url)
        configure(mautic=MAUTIC)
        yield opened
