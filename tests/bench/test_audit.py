"""The audit finds nothing in what the platform decided, and each kind of violation that is planted in its ledger."""

import json
from datetime import timedelta

import pytest
from psycopg2 import sql

from bench.audit import OVER_ALL_DAYS, live
from bench.planted.population import FIRST_DAY, carry_out, come, planted
from expectations.gate import gate_transaction
from expectations.rules import Subject
from expectations.scores.decisions import suite
from ml.nba import ledger as ledger_of
from ml.nba.decide import decide
from runtime import warehouse as runtime_warehouse

CUSTOMERS = 400
RATIONED, LETTERS_BEGIN, FREE, TOLD = (FIRST_DAY + timedelta(days=number) for number in range(4))
REPLAYED = "every_decision_is_replayed_from_its_row"
KIND = {
    kind: ("update vocabulary.actions set kind = %s where action_id = 'apology_voucher'", (kind,))
    for kind in ("optional", "mandatory")
}
NAMES = {"table": sql.Identifier("decisions", "standing_decisions"), "marts": sql.Identifier("marts")}
# Make candidates the certain choice: {where} picks them; everything else of their decisions becomes impossible.
FORCED = """
    with forced as (
        select d.decision_id, c.action_id, a.channel
        from decisions.decision_ledger d
        cross join lateral jsonb_to_recordset(d.candidates) c (action_id text, dropped_by text)
        join vocabulary.actions a on a.action_id = c.action_id
        where d.as_of_date = %(day)s and ({where})
        limit %(limit)s
    )
    update decisions.decision_ledger d
    set action_id = f.action_id, channel = f.channel, propensity = 1, candidates = (
        select jsonb_agg(
            c || jsonb_build_object(
                'propensity', (c ->> 'action_id' = f.action_id)::int,
                'is_eligible', c ->> 'action_id' in (f.action_id, 'no_action')
            ) order by place
        ) from jsonb_array_elements(d.candidates) with ordinality as listed (c, place)
    )
    from forced f where f.decision_id = d.decision_id
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """Two days under capacities, the second with a new action, one on which nothing is short, and one when all who are
    due have to be told of a voucher."""
    with planted(tmp_path_factory.mktemp("audit"), CUSTOMERS, 3):
        live([RATIONED, LETTERS_BEGIN])
        change(
            "insert into vocabulary.capacities (capacity_id, channel, action_id, unit, maximum_per_day, valid_from)"
            " select capacity_id, channel, action_id, unit, 1e6, %s from vocabulary.capacities",
            (FREE,),
        )
        change("update vocabulary.actions set valid_from = '2025-01-01', offered_since = '2025-01-01'")
        come(FREE)
        change("update quality.department_status set status = 'fresh' where as_of = %s", (FREE,))
        decide(FREE)
        carry_out(FREE)
        come(TOLD)
        change(*KIND["mandatory"])
        decide(TOLD)
        change(*KIND["optional"])
        yield


def change(statement: str, values=None) -> None:
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)


def broken(day, *statements: tuple) -> dict[str, str]:
    """What the critical rules find, by rule, once the statements were carried out; everything is rolled back."""
    with gate_transaction() as (alchemy, connection), connection.cursor() as cursor:
        cursor.execute("alter table decisions.decision_ledger disable trigger user")
        for statement, values in statements:
            cursor.execute(statement, values)
            assert cursor.rowcount != 0, "nothing was planted"
        found = {}
        for rule in suite(Subject(day, connection, NAMES)):
            if str(rule.severity.value) == "critical":
                # The text is escaped once for GX and once for SQLAlchemy.
                cursor.execute(rule.unexpected_rows_query.replace("{{", "{").replace("}}", "}").replace("\\:", ":"))
                told = [f"{what}: {observed}" for what, observed, is_broken in cursor.fetchall() if is_broken]
                if told:
                    found[rule.meta["name"]] = "; ".join(told)
        alchemy.rollback()
    return found


def forced(day, where: str, limit: int = 1) -> tuple:
    return FORCED.format(where=where), {"day": day, "limit": limit}


@pytest.mark.parametrize("day", [RATIONED, LETTERS_BEGIN, FREE])
def test_nothing_is_found_in_what_was_decided(ledger, day):
    assert not broken(day)


def test_both_ways_of_drawing_were_audited_and_the_new_action_was_tried(ledger):
    with runtime_warehouse.transaction() as connection:
        made = runtime_warehouse.read_frame(
            connection,
            "select as_of_date::text as day, exploration ->> 'method' as method, action_id from"
            " decisions.decision_ledger",
        )
    methods = made.groupby("day")["method"].unique().map(list)
    assert methods.tolist()[:3] == [["rationed squarecb"], ["rationed squarecb"], ["squarecb"]]
    letters = made[made["action_id"] == "letter_offer"].groupby("day").size()
    assert RATIONED.isoformat() not in letters and 1 <= letters[LETTERS_BEGIN.isoformat()] <= 0.02 * CUSTOMERS


@pytest.mark.parametrize(
    ("dropped_by", "rule"),
    [
        ("contact_limit", "contact_limits_are_kept"),
        ("consent_given", "nobody_is_contacted_without_consent"),
        ("no_selling_to_complainers", "nobody_sells_to_who_waits_for_an_answer"),
        ("call_only_open_cases", "minimums_of_the_policies_are_met"),
        ("letters_to_buyers", "minimums_of_the_policies_are_met"),
    ],
)
def test_a_decision_against_a_policy_is_found(ledger, dropped_by, rule):
    found = broken(FREE, forced(FREE, f"c.dropped_by = '{dropped_by}'"))
    assert rule in found and "1 " in found[rule] and REPLAYED in found


def test_whoever_is_due_is_told_whatever_their_arm_and_nobody_else(ledger):
    assert not broken(TOLD, KIND["mandatory"])
    with runtime_warehouse.transaction() as connection:
        made = runtime_warehouse.read_frame(
            connection, "select * from decisions.decision_ledger where as_of_date = %(day)s", {"day": TOLD}
        )
    told = made[made["arm"] == "mandatory"]
    assert 5 < len(told) < CUSTOMERS / 2 and set(told["action_id"]) == {"apology_voucher"}
    assert (told["propensity"] == 1).all()
    for row in made.to_dict("records"):
        kept = {name: json.loads(row[name]) for name in ("candidates", "exploration")}
        kept["as_of_date"] = TOLD
        assert ledger_of.replay({**row, **kept})[:2] == (row["arm"], row["action_id"])
    assert "what_is_mandatory_is_told" in broken(TOLD), "the arm is for what has to be told"
    kept = CHANGED.format("action_id = 'no_action', arm = 'policy'", "d.arm = 'mandatory'")
    found = broken(TOLD, KIND["mandatory"], (kept, (TOLD,)))
    assert "instead of what has to be told" in found["what_is_mandatory_is_told"] and REPLAYED in found


def test_an_action_again_before_its_cool_down_is_over_is_found(ledger):
    rest = (
        "insert into vocabulary.policies (policy_id, rule, threshold, valid_from) values ('rest', 'cool_down', %s, %s)"
    )
    assert not broken(FREE, (rest, (1, FIRST_DAY)))
    found = broken(FREE, (rest, (2, FIRST_DAY)))
    assert "rest for newsletter_offer" in found["cool_downs_are_kept"]


def test_a_decision_on_stale_data_is_found(ledger):
    stale = "update quality.department_status set status = 'stale' where as_of = %s and department = 'app'"
    assert "no_action_leans_on_stale_data" in broken(
        FREE, forced(FREE, "c.action_id = 'app_push_offer'"), (stale, (FREE,))
    )


def test_more_than_a_capacity_or_a_budget_is_found(ledger):
    found = broken(RATIONED, forced(RATIONED, "c.action_id = 'service_callback'", 3))["no_capacity_is_exceeded"]
    assert "calls_a_day" in found and "contacts of 2" in found
    found = broken(RATIONED, forced(RATIONED, "c.action_id = 'apology_voucher'", 20))["no_capacity_is_exceeded"]
    assert "vouchers_a_day" in found and "budget_a_day" in found


def test_more_of_a_new_action_than_its_ramp_allows_is_found(ledger):
    # As it was when the letters began.
    new = "update vocabulary.actions set offered_since = %s where action_id = 'letter_offer'", (LETTERS_BEGIN,)
    assert "new_actions_begin_small" not in broken(LETTERS_BEGIN, new)
    found = broken(LETTERS_BEGIN, new, forced(LETTERS_BEGIN, "c.action_id = 'letter_offer'", 9))
    assert "letter_offer" in found["new_actions_begin_small"] and "customers of 8" in found["new_actions_begin_small"]


def test_a_contact_of_the_yardstick_group_is_found(ledger):
    found = broken(FREE, forced(FREE, "d.arm = 'holdout' and c.action_id = 'newsletter_offer'"))
    assert "held_out_customers_are_left_alone" in found and "propensities" in found[REPLAYED]


# Where the share of the chosen action begins.
START = """(
    select coalesce(sum((c ->> 'propensity')::float8), 0)
    from jsonb_array_elements(d.candidates) with ordinality as listed (c, place)
    where place < (
        select own from jsonb_array_elements(d.candidates) with ordinality as chosen (e, own)
        where e ->> 'action_id' = d.action_id
    )
)"""
CHANGED = "update decisions.decision_ledger d set {} where d.as_of_date = %s and {}"
# Two candidates exchange a millionth of probability: the sum stays one.
SHIFTED = """candidates = (
    select jsonb_agg(
        case when c ->> 'action_id' = d.action_id then jsonb_set(c, '{propensity}', to_jsonb(d.propensity - 1e-6))
            when c ->> 'action_id' = 'tutorial'
                then jsonb_set(c, '{propensity}', to_jsonb((c ->> 'propensity')::float8 + 1e-6))
            else c end order by place
    ) from jsonb_array_elements(d.candidates) with ordinality as listed (c, place)
), propensity = propensity - 1e-6"""
DEARER = """candidates = (
    select jsonb_agg(
        case when c ->> 'action_id' = 'tutorial' then jsonb_set(c, '{expected_net_value_eur}', '9') else c end
        order by place
    ) from jsonb_array_elements(d.candidates) with ordinality as listed (c, place)
)"""


@pytest.mark.parametrize("day", [RATIONED, FREE])
@pytest.mark.parametrize(
    ("what", "changed", "where"),
    [
        ("arm", "arm = 'random'", "d.arm = 'policy'"),
        ("propensities", SHIFTED, "d.action_id <> 'tutorial'"),
        ("net values", DEARER, "true"),
        ("choice", f"draw = {START} / 2", f"{START} > 0"),
        (
            "choice",
            "action_id = 'no_action', propensity = (select (c ->> 'propensity')::float8 from"
            " jsonb_array_elements(d.candidates) c where c ->> 'action_id' = 'no_action')",
            "d.action_id <> 'no_action' and (select (c ->> 'propensity')::float8 > 0 from"
            " jsonb_array_elements(d.candidates) c where c ->> 'action_id' = 'no_action')",
        ),
    ],
)
def test_what_does_not_follow_from_the_row_is_found(ledger, day, what, changed, where):
    assert f"{what}: " in broken(day, (CHANGED.format(changed, where), (day,)))[REPLAYED]


def test_another_number_than_the_hash_gives_is_found_where_nothing_is_short(ledger):
    moved = CHANGED.format("draw = least(draw + 1e-12, 0.9999)", "true")
    assert "number drawn" in broken(FREE, (moved, (FREE,)))[REPLAYED]


def test_contacts_beyond_a_limit_are_counted_over_all_days(ledger):
    more = """
        insert into planted.contacts
        select customer_id, channel, as_of_date - n from decisions.standing_decisions, generate_series(0, 5) n
        where channel in ('email', 'push')
    """
    with gate_transaction() as (alchemy, connection), connection.cursor() as cursor:
        cursor.execute(OVER_ALL_DAYS)
        assert cursor.fetchone() == (0,)
        cursor.execute(more)
        cursor.execute(OVER_ALL_DAYS)
        assert cursor.fetchone()[0] > 0
        alchemy.rollback()
