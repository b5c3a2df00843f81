"""Gate raw.crm: may the household facts from customer relations enter the warehouse?"""

from great_expectations.expectations.expectation import Expectation

from expectations.delivery_rules import delivery_rules
from expectations.rules import Subject
from landing.contracts import Contract

TABLE = "raw_crm._batches"

# An exact repetition is harmless and only goes to quarantine; two different answers of one household are not.
CONTRADICTIONS = """
    select 'new lists' as object, count(*) || ' households with contradicting rows' as observed,
        count(*) > 0 as is_broken
    from (
        select x.batch_id, x.record ->> 'household_id'
        from rejections x
        join new_demographics r on r._batch_id = x.batch_id and r.household_id = x.record ->> 'household_id'
        where x.entity = 'demographics' and x.rule = 'duplicate_key' and not to_jsonb(r) @> x.record
        group by 1, 2
    ) contradicted
"""


def suite(subject: Subject, contract: Contract) -> list[Expectation]:
    """List the expectations on the new lists of household facts."""
    rules = delivery_rules(subject, contract)
    if not contract.hands_over("demographics"):
        return rules
    return [
        *rules,
        subject.measure(
            "a_household_has_one_set_of_facts",
            CONTRADICTIONS,
            severity="critical",
            law="No household stands twice in a list with different facts.",
            threshold="0 households",  # all 801 households of 2017 stand there once
            advice="Nobody can tell which row is right: have customer relations export the list again.",
            column="household_id",
        ),
    ]
