"""Let every department write down what it saw of a day: files, rows behind APIs and shop, and the truth."""

from pathlib import Path

import numpy as np

from simulator.nordhaus import (
    catalogue,
    crm,
    faults,
    feedback,
    machines,
    mailings,
    service,
    shop,
    till,
    visits,
)
from simulator.nordhaus.clock import epoch
from simulator.nordhaus.storage import Storage
from simulator.nordhaus.world import Happenings, World


def write_down(world: World, happened: Happenings, storage: Storage) -> list[Path]:
    """Write one day of all departments; return the files handed over today, late ones of earlier days included."""
    day = happened.day
    files, notes = _files(world, happened)
    today, repaired = faults.damaged(day, [(name, data) for name, data, due, _ in files if due <= day])
    late = [(due, (name, data)) for name, data, due, _ in files if due > day]
    for due, file in [*repaired, *late]:
        storage.keep_for(due, [file])
    notes += _behind(world, happened, storage)
    storage.tell_truth(day, notes)
    return storage.hand_over([*today, *storage.kept_for(day)])


def _files(world: World, happened: Happenings) -> tuple[list[tuple], list[tuple]]:
    """The departments that hand over files: (name, bytes, day of delivery, truth), and the truth by entity."""
    seed, day, people, products = world.seed, happened.day, world.people, world.products
    branch = happened.in_branch
    sold_at = epoch(day, branch.second)
    answers = feedback.answers(seed, day, people, world.state)
    registered = machines.registrations(seed, day, people, world.registers)
    new, changed = crm.daily(people, seed, day)
    found = {
        ("web", "events"): visits.web_files(seed, day, people, happened.sessions, products),
        ("app", "events"): [visits.app_file(seed, day, people, happened.sessions, products)],
        ("till", "receipts"): till.till_files(
            seed, day, people, branch.person, branch.branch, sold_at, happened.branch_lines, products
        ),
        ("feedback", "answers"): [answers],
        ("devices", "registrations"): [registered],
        ("devices", "telemetry"): [happened.telemetry],
        ("crm", "contacts"): [_named("crm/kontakte", "csv", day, crm.contacts(people, day, seed, new, changed))],
        ("consent", "changes"): [_named("consent/changes", "jsonl", day, happened.consent_changes)],
        ("consent", "erasure_requests"): [
            _named("consent/erasure_requests", "jsonl", day, world.consent.erasure_requests(day))
        ],
    }
    # A day without anything is a file without rows: a department that is silent would look late.
    files = [(name, data or b"\n", due, truth) for several in found.values() for name, data, due, truth in several]
    notes = [
        (department, entity, truth)
        for (department, entity), several in found.items()
        for _, _, _, truth in several
        if truth is not None
    ]
    return files, notes


def _named(stem: str, ending: str, day: int, written: tuple) -> tuple:
    data, table = written
    truth = {name: table[name].to_numpy() for name in ("record_key", "person", "defect", "field")}
    return f"{stem}_{catalogue.date_of(day)}.{ending}", data, day, truth


def _behind(world: World, happened: Happenings, storage: Storage) -> list[tuple]:
    """The departments that are asked: shop, contact centre and campaign tool."""
    seed, day, people = world.seed, happened.day, world.people
    accounts, account_truth = shop.accounts(seed, day, people, world.opened, world.removed)
    changed, order_truth = shop.orders(seed, people, day, world.state, happened.changes)
    at = epoch(day, happened.online.second)
    lines = shop.order_lines(seed, day, happened.online.person, at, happened.online_lines, world.products)
    tickets, messages, ticket_truth = service.tickets_and_messages(seed, day, people, happened.contacts, world.products)
    sends = mailings.sends_table(people, happened.sent, day)
    rows = {
        ("shop", "accounts"): accounts,
        ("shop", "orders"): changed,
        ("shop", "order_lines"): lines,
        ("shop", "deletions"): shop.deletions(seed, day, people, world.opened, world.removed),
        ("service", "tickets"): tickets,
        ("service", "messages"): messages,
        ("marketing", "sends"): sends,
        ("marketing", "responses"): happened.responses,
    }
    if day == 0:
        rows[("shop", "products")] = shop.product_list(world.products)
    for (department, entity), new in rows.items():
        storage.keep_behind(department, entity, day, new)
    send_truth = {
        "record_key": happened.sent.send_id,
        "person": happened.sent.person,
        "defect": np.full(len(happened.sent.person), ""),
    }
    return [
        ("shop", "accounts", account_truth),
        ("shop", "orders", order_truth),
        ("service", "tickets", ticket_truth),
        ("marketing", "sends", send_truth),
    ]
