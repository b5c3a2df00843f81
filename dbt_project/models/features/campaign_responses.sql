-- One trial of an action per customer and contact, as the customer looked on the last features date before it: a coupon
-- campaign, answered by a redemption, or a mailing, answered by a click within 14 days. Campaigns were not sent at
-- random, so this tells who responds among the targeted, not what a campaign causes.
with contacts as (
    select
        contacts.customer_id,
        contacts.campaign_id,
        actions.action_id,
        contacts.starts_date,
        contacts.ends_date,
        case when contacts.redemptions > 0 then 1 else 0 end as responded
    from {{ ref('campaign_contacts') }} as contacts
    inner join {{ ref('actions') }} as actions on contacts.campaign_type = actions.campaign_type
    where contacts.channel = 'mail'
    union all
    select
        sends.customer_id,
        sends.campaign_id,
        coalesce(sends.action_id, max(actions.action_id)) as action_id,
        sends.sent_date as starts_date,
        {{ days_after('sends.sent_date', 14) }} as ends_date,
        max(
            case when sends.first_clicked_date <= {{ days_after('sends.sent_date', 14) }} then 1 else 0 end
        ) as responded
    from {{ ref('mailing_sends') }} as sends
    left join {{ ref('campaigns') }} as campaigns on sends.campaign_id = campaigns.campaign_id
    left join {{ ref('actions') }} as actions on campaigns.campaign_type = actions.campaign_type
    group by sends.customer_id, sends.campaign_id, sends.action_id, sends.sent_date
),

dated as (
    select
        contacts.customer_id,
        contacts.campaign_id,
        contacts.action_id,
        contacts.starts_date,
        contacts.ends_date,
        contacts.responded,
        max(dates.as_of_date) as as_of_date
    from contacts
    inner join {{ ref('snapshot_dates') }} as dates on contacts.starts_date > dates.as_of_date
    group by
        contacts.customer_id,
        contacts.campaign_id,
        contacts.action_id,
        contacts.starts_date,
        contacts.ends_date,
        contacts.responded
)

select
    dated.customer_id,
    dated.as_of_date,
    dated.campaign_id,
    dated.action_id,
    dated.responded,
    dated.ends_date <= {{ as_of() }} as is_observed,
    dated.starts_date,
    dated.ends_date
from dated
inner join {{ ref('actions') }} as actions on dated.action_id = actions.action_id
inner join {{ ref('customer_features') }} as features
    on
        dated.customer_id = features.customer_id
        and dated.as_of_date = features.as_of_date
