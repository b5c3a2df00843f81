"""Each kind of destination holds what is wanted, on real servers; a wrong description is named."""

import csv
import json
from pathlib import Path

import pytest
import yaml

from activation.__main__ import main
from activation.deliver import DeliveryFailed, deliver
from activation.destinations.configured import DestinationError, destinations
from runtime import warehouse as runtime_warehouse
from runtime.settings import ROOT, settings
from tests.activation.told import FILE, HOOK, MAUTIC, configure, publish, rows, run
from tests.ml.company import AS_OF, NEXT_DAY


def test_a_file_of_changes_is_there_as_a_whole(published):
    configure(list=FILE, sheet={**FILE, "format": "csv", "fields": ["action_id", "reason_de"]})
    deliver(AS_OF)
    folder = settings().home / "outbox"
    (lines,) = (folder / "list").iterdir()
    said = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [(row["kind"], row["customer_id"], row["action_id"]) for row in said] == [
        ("add", "a", "coupon_campaign_a"), ("add", "b", "coupon_campaign_b"), ("add", "c", "reminder_message"),
    ]  # fmt: skip
    assert lines.stat().st_mode & 0o777 == 0o600
    (sheet,) = (folder / "sheet").iterdir()
    assert list(csv.DictReader(sheet.open()))[0]["reason_de"] == "warum"
    deliver(AS_OF)
    assert len(list((folder / "list").iterdir())) == 1, "nothing changed, so there is no file"
    # As after a kill between the file and its receipts: the same changes make the same file again.
    before = lines.read_text()
    run("update activation.deliveries set status = 'pending'")
    run("truncate activation.acknowledged")
    deliver(AS_OF)
    assert [path.read_text() for path in (folder / "list").iterdir()] == [before]


def test_a_postgresql_table_holds_what_is_wanted(published, monkeypatch):
    run("create schema outside")
    monkeypatch.setenv("CRM_URL", runtime_warehouse.url("cx_pipeline"))
    configure(crm={**FILE, "kind": "table", "url_variable": "CRM_URL", "table": "outside.actions"})
    try:
        deliver(AS_OF)
        publish({"a": "reminder_message", "b": "coupon_campaign_b"}, NEXT_DAY)
        deliver(NEXT_DAY)
        assert rows("select customer_id, action_id, handover_to_human, as_of from outside.actions order by 1") == [
            ("a", "reminder_message", "false", NEXT_DAY),
            ("b", "coupon_campaign_b", "false", AS_OF),
        ]
        run("update activation.deliveries set status = 'pending' where as_of = %s", (NEXT_DAY,))
        before = rows("select * from outside.actions order by 1")
        deliver(NEXT_DAY)
        assert rows("select * from outside.actions order by 1") == before, "told twice, the same"
        run("drop table outside.actions; create view outside.actions as select 1 as customer_id")
        publish({"a": "coupon_campaign_a", "b": "coupon_campaign_b"}, NEXT_DAY)
        with pytest.raises(DeliveryFailed, match="crm: .*the table cannot be written"):
            deliver(NEXT_DAY)
    finally:
        run("drop schema outside cascade")


def test_mautic_keeps_one_contact_per_customer(mautic):
    mautic.faults = {1: "lost", 3: 503}
    deliver(AS_OF)
    assert sorted(contact["cx_customer_id"] for contact in mautic.contacts.values()) == ["a", "b", "c"]
    ids = dict(rows("select customer_id, destination_id from activation.acknowledged"))
    assert {ids[contact["cx_customer_id"]] for contact in mautic.contacts.values()} == set(mautic.contacts)
    mautic.contacts.pop(ids["b"])  # a marketer deleted it
    publish({"a": "reminder_message", "b": "coupon_campaign_c"}, NEXT_DAY)
    deliver(NEXT_DAY)
    held = {contact["cx_customer_id"]: contact for contact in mautic.contacts.values()}
    assert {who: contact["cx_action_id"] for who, contact in held.items()} == {
        "a": "reminder_message", "b": "coupon_campaign_c",
    }  # fmt: skip
    assert ids["a"] in mautic.contacts and held["a"]["overwriteWithBlank"] is True
    assert dict(rows("select customer_id, destination_id from activation.acknowledged"))["b"] in mautic.contacts
    assert {method for method, *_ in mautic.calls} == {"POST", "PATCH", "DELETE"}


def test_mautic_a_contact_whose_answer_was_lost_is_found_and_removed(mautic):
    mautic.faults = {number: "lost" for number in range(1, 4)}
    with pytest.raises(DeliveryFailed):
        deliver(AS_OF)
    assert len(mautic.contacts) == 1
    publish({"b": "coupon_campaign_b"}, NEXT_DAY)
    deliver(NEXT_DAY)
    assert [contact["cx_customer_id"] for contact in mautic.contacts.values()] == ["b"]


def test_a_wrong_password_is_a_refusal_and_shows_nothing(mautic, monkeypatch):
    monkeypatch.setenv("DESK_PASSWORD", "wrong")
    done = deliver(AS_OF)[0]
    assert done.refused == 3 and mautic.contacts == {}
    assert rows("select distinct answer from activation.deliveries") == [("HTTP 401",)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({**HOOK, "kind": "pigeon"}, "kind: Input should be"),
        ({**HOOK, "url_variable": None}, "kind webhook needs url_variable"),
        ({**HOOK, "colour": "red"}, "colour: Extra inputs"),
        ({**MAUTIC, "user_variable": None}, "belong together"),
        ({**HOOK, "fields": []}, "there is nothing to tell"),
        ({**HOOK, "fields": ["customer_id"]}, "customer_id would be told twice"),
        ({**HOOK, "customer_fields": ["shoe_size"]}, "marts.customers has no shoe_size"),
        ("a word", "must hold keys and values"),
    ],
)
def test_a_destination_that_is_described_wrongly_is_named(desk, given, words, capsys):
    configure(hook=given)
    assert main(["deliver"]) == 1
    shown = capsys.readouterr().err
    assert words in shown and "hook" in shown and desk.calls == []


def test_the_example_of_the_readme_is_one(published, monkeypatch):
    readme = (ROOT / "activation" / "destinations" / "README.md").read_text()
    example = yaml.safe_load(readme.split("```yaml")[1].split("```")[0])
    configure(**example["destinations"])
    assert [one.kind for one in destinations()] == ["mautic"]
    (settings().home / "destinations.yml").write_text("destinations: [wrong]")
    with pytest.raises(DestinationError, match="must hold a key"):
        destinations()


def test_none_is_switched_on_from_the_start():
    assert yaml.safe_load(Path(ROOT / "activation" / "destinations.yml").read_text()) == {"destinations": {}}
