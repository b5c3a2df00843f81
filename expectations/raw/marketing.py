"""Gate raw.marketing: may campaigns, coupons and redemptions enter the warehouse?"""

from great_expectations.expectations.expectation import Expectation

from expectations.delivery_rules import delivery_rules
from expectations.rules import Subject
from landing.contracts import Contract

TABLE = "raw_marketing._batches"

BACKWARDS = """
    select 'new campaign descriptions' as object, count(*) || ' end before they start' as observed,
        count(*) > 0 as is_broken
    from new_campaign_descriptions
    where end_date::date < start_date::date
"""
UNDESCRIBED = """
    select 'new contacts' as object, count(distinct c.campaign_id) || ' campaigns without a description' as observed,
        count(*) > 0 as is_broken
    from new_campaigns c
    where not exists (
        select from accepted_campaign_descriptions d where d.campaign_id::bigint = c.campaign_id::bigint
    )
"""
UNTARGETED = """
    select 'new redemptions' as object,
        count(*) filter (where not is_targeted) || ' of ' || count(*) || ' by households that were not targeted'
            as observed,
        coalesce(avg((not is_targeted)::int), 0) > {share} as is_broken
    from (
        select (r.household_id::bigint, r.campaign_id::bigint) in (
            select c.household_id::bigint, c.campaign_id::bigint from accepted_campaigns c
        ) as is_targeted
        from new_coupon_redemptions r
    ) redemptions
"""
UNKNOWN_COUPONS = """
    select 'new redemptions' as object,
        count(*) filter (where not is_known) || ' of ' || count(*) || ' of coupons nobody issued' as observed,
        coalesce(avg((not is_known)::int), 0) > {share} as is_broken
    from (
        select (r.coupon_upc::bigint, r.campaign_id::bigint) in (
            select c.coupon_upc::bigint, c.campaign_id::bigint from accepted_coupons c
        ) as is_known
        from new_coupon_redemptions r
    ) redemptions
"""


def suite(subject: Subject, contract: Contract) -> list[Expectation]:
    """List the expectations on marketing's new batches."""
    rules = delivery_rules(subject, contract)
    if not contract.hands_over("campaign_descriptions", "campaigns", "coupons", "coupon_redemptions"):
        return rules
    return [
        *rules,
        subject.measure(
            "campaigns_end_after_they_start",
            BACKWARDS,
            severity="critical",
            law="No campaign ends before it starts.",
            threshold="0 campaigns",
            advice="Contacts and responses are dated by these days: have campaign management correct the list.",
            column="end_date",
        ),
        subject.measure(
            "contacts_name_described_campaigns",
            UNDESCRIBED,
            severity="critical",
            law="Every contact belongs to a campaign that is described.",
            threshold="0 campaigns",  # both files announce campaigns a week ahead, on the same day
            advice="Without a description a contact has no date and no type: ask for the missing description.",
            column="campaign_id",
        ),
        subject.measure(
            "only_targeted_households_redeem",
            UNTARGETED,
            severity="warning",
            law="Households redeem coupons of campaigns that targeted them.",
            threshold="at most 1 % of the new redemptions",  # 0 of 2,102 in 2017
            advice="Ask campaign management for missing target lists, or whether coupons were handed on.",
            column="household_id",
            share=0.01,
        ),
        subject.measure(
            "only_issued_coupons_are_redeemed",
            UNKNOWN_COUPONS,
            severity="warning",
            law="Redeemed coupons belong to their campaign.",
            threshold="at most 1 % of the new redemptions",  # 0 of 2,102 in 2017
            advice="Ask campaign management for the missing coupon list.",
            column="coupon_upc",
            share=0.01,
        ),
    ]
