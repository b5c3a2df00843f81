"""Channels reach the person that a customer's keys belong to, and nobody twice."""

from simulator.nordhaus import effects
from simulator.nordhaus.channels import whom_they_reach
from simulator.nordhaus.company import SEED
from simulator.nordhaus.ids import Numbers

PEOPLE = 200
NUMBERS = Numbers(SEED)


def key(kind: str, person: int, *which: int) -> tuple[str, str]:
    keys = {"account": NUMBERS.account_id, "contact": NUMBERS.contact_no, "card": NUMBERS.card_no}[kind]
    return kind, str(keys([person], *which)[0])


def test_everybody_is_found_by_the_best_key_there_is():
    person, action = whom_they_reach(
        SEED,
        PEOPLE,
        [
            ("c1", "newsletter_offer", *key("contact", 7, 2)),
            ("c1", "newsletter_offer", *key("account", 8)),
            ("c2", "service_callback", *key("contact", 3, 1)),
            ("c3", "letter_offer", *key("card", 199)),
        ],
    )
    assert person.tolist() == [3, 8, 199]
    assert [effects.NAMES[one] for one in action] == ["service_callback", "newsletter_offer", "letter_offer"]


def test_unknown_keys_and_actions_reach_nobody_and_a_person_gets_one_action():
    published = [
        ("c1", "tutorial", "account", "NOBODY0000"),
        ("c2", "tutorial", "visitor", "2"),
        ("c3", "dance", *key("account", 5)),
        ("c4", "tutorial", *key("account", 6)),
        ("c5", "letter_offer", *key("contact", 6, 0)),
        ("c6", "tutorial", *key("account", PEOPLE)),
    ]
    person, action = whom_they_reach(SEED, PEOPLE, published)
    assert person.tolist() == [6] and effects.NAMES[action[0]] == "tutorial"
    assert [len(part) for part in whom_they_reach(SEED, PEOPLE, [])] == [0, 0]
