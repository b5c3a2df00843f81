"""Gate raw.web: may the website's events enter the warehouse?"""

from great_expectations.expectations.expectation import Expectation

from expectations.delivery_rules import delivery_rules
from expectations.rules import Subject
from landing.contracts import Contract

TABLE = "raw_web._batches"


def suite(subject: Subject, contract: Contract) -> list[Expectation]:
    """List the expectations on the new batches: those that follow from the contract."""
    return delivery_rules(subject, contract)
