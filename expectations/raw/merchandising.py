"""Gate raw.merchandising: may the product list enter the warehouse?"""

from great_expectations.expectations.expectation import Expectation

from expectations.delivery_rules import delivery_rules
from expectations.rules import Subject
from landing.contracts import Contract

TABLE = "raw_merchandising._batches"

LOST_PRODUCTS = """
    with before as (
        select product_id from accepted_products
        where _batch_id = (
            select b.batch_id from {table} b
            join quality.batch_verdicts v on v.department = 'merchandising' and v.batch_id = b.batch_id
            where b.entity = 'products' and v.verdict = 'accepted' and v.as_of < {as_of}
            order by b.delivered_date desc limit 1
        )
    )
    select 'products of the list before' as object,
        count(*) filter (where n.product_id is null) || ' of ' || count(*) || ' are gone' as observed,
        coalesce(avg((n.product_id is null)::int), 0) > {share} as is_broken
    from before
    left join (select distinct product_id from new_products) n using (product_id)
    where exists (select from new_products)
"""
NO_CATEGORY = """
    select 'new products' as object,
        count(*) filter (where coalesce(product_category, '') = '') || ' of ' || count(*) || ' without a category'
            as observed,
        coalesce(avg((coalesce(product_category, '') = '')::int), 0) > {share} as is_broken
    from new_products
"""


def suite(subject: Subject, contract: Contract) -> list[Expectation]:
    """List the expectations on the new product lists."""
    rules = delivery_rules(subject, contract)
    if not contract.hands_over("products"):
        return rules
    return [
        *rules,
        subject.measure(
            "products_do_not_disappear",
            LOST_PRODUCTS,
            severity="critical",
            law="A new product list still names the products of the list before.",
            threshold="at most 5 % gone",  # lines of 2017 name 0.33 % unknown products; 5 % would be a cut list
            advice="Till lines of lost products would turn 'unknown': ask category management for the full list.",
            column="product_id",
            share=0.05,
        ),
        subject.measure(
            "few_products_have_no_category",
            NO_CATEGORY,
            severity="warning",
            law="Nearly every product has a category.",
            threshold="at most 2 % without",  # 0.58 % in the list of 2017 (540 of 92,331)
            advice="Ask category management to classify the new products.",
            column="product_category",
            share=0.02,
        ),
    ]
