"""Gate raw.till: may the lines that the tills delivered enter the warehouse?"""

from great_expectations.expectations.expectation import Expectation

from expectations.delivery_rules import delivery_rules
from expectations.rules import Subject
from landing.contracts import Contract

TABLE = "raw_till._batches"

SHARED_BASKETS = """
    select 'new baskets' as object, count(*) || ' with lines of several households' as observed,
        count(*) > 0 as is_broken
    from (
        select basket_id from new_transactions group by basket_id having min(household_id) <> max(household_id)
    ) shared
"""
NOTHING_SOLD = """
    select 'new lines' as object,
        count(*) filter (where quantity::bigint <= 0) || ' of ' || count(*) || ' with quantity 0 or less' as observed,
        coalesce(avg((quantity::bigint <= 0)::int), 0) > {share} as is_broken
    from new_transactions
"""


def suite(subject: Subject, contract: Contract) -> list[Expectation]:
    """List the expectations on the till's new batches."""
    rules = delivery_rules(subject, contract)
    if not contract.hands_over("transactions"):
        return rules
    return [
        *rules,
        subject.measure(
            "a_basket_belongs_to_one_household",
            SHARED_BASKETS,
            severity="critical",
            law="All lines of a basket name the same household.",
            threshold="0 baskets",  # none of the 155,848 baskets of 2017 is shared
            advice="The till mixes receipts, so every history would be wrong: have the files exported again.",
            column="household_id",
        ),
        subject.measure(
            "few_lines_sell_nothing",
            NOTHING_SOLD,
            severity="info",
            law="Lines with quantity 0 or less (returns, corrections) are rare.",
            threshold="at most 2 % of the new lines",  # 0.60 % in 2017 (8,869 lines), 1.66 % on the worst day
            advice="They are kept and count with their sales value; look for a branch with unusual corrections.",
            column="quantity",
            share=0.02,
        ),
    ]
