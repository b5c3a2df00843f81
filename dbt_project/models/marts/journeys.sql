{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_id',
    pre_hook="{{ give_memory() }}",
    post_hook=["{{ forget_nobodies() }}", "{{ forget_vanished('customer_id', ref('customer_activities')) }}"],
    indexes=indexes_on([['customer_id']], unique=['journey_id'])
) }}

-- depends_on: {{ ref('customer_ids') }}
-- One need of one customer over all departments, from the first thing that shows it to the one that settles it. What
-- begins or settles a journey is an anchor. A journey lapses when no anchor follows within the need's lapse_days; what
-- else happens meanwhile (an offer, an answer) belongs to it. A journey that was settled or lapsed is followed by a new
-- one, so a customer has at most one open journey per need.
with steps as (
    select
        activities.*,
        needs.lapse_days,
        kinds.opens_journey,
        kinds.opens_journey or kinds.ends_journey as is_anchor,
        kinds.ends_journey,
        coalesce(activities.activity_at, cast(activities.activity_date as {{ type_moment() }})) as happened_at
    from {{ ref('customer_activities') }} as activities
    inner join {{ ref('activity_kinds') }} as kinds on activities.activity = kinds.activity
    inner join {{ ref('journey_needs') }} as needs on activities.need = needs.need
    {% if is_incremental() -%}
    where
        activities.customer_id in (
            select customer_id
            from {{ ref('customer_activities') }}
            where {{ is_new_or_moved('known_date') }}
            union
            select customer_id
            from {{ this }}
            where
                {{ is_new_or_moved('known_date') }}
                or (status = 'open' and lapses_date < {{ as_of() }})
        )
    {%- endif %}
),

numbered as (
    select
        *,
        row_number() over (
            partition by customer_id, need order by activity_date, happened_at, activity_id
        ) as step
    from steps
),

looked_back as (
    select
        *,
        max(case when is_anchor then activity_date end) over before_it as previous_anchor_date,
        coalesce(max(case when is_anchor then step end) over before_it, 0) as previous_anchor,
        coalesce(max(case when ends_journey then step end) over before_it, 0) as previous_end
    from numbered
    window before_it as (
        partition by customer_id, need
        order by activity_date, happened_at, activity_id
        rows between unbounded preceding and 1 preceding
    )
),

placed as (
    select
        *,
        previous_anchor = 0
        or previous_anchor = previous_end
        or {{ days_between('previous_anchor_date', 'activity_date') }} > lapse_days as is_outside
    from looked_back
),

grouped as (
    select
        *,
        sum(case when is_outside and opens_journey then 1 else 0 end) over (
            partition by customer_id, need
            order by activity_date, happened_at, activity_id
            rows between unbounded preceding and current row
        ) as journey
    from placed
),

belonging as (
    select
        *,
        max(step) over (partition by customer_id, need, journey) as last_step
    from grouped
    where opens_journey or not is_outside
),

summed as (
    select
        customer_id,
        need,
        journey,
        min(case when is_outside then activity_id end) as first_activity_id,
        min(activity_date) as started_date,
        max(activity_date) as last_activity_date,
        max(case when ends_journey then activity_date end) as settled_date,
        {{ days_after('max(case when is_anchor then activity_date end)', 'max(lapse_days)') }} as lapses_date,
        max(
            case phase when 'awareness' then 1 when 'interest' then 2 when 'purchase' then 3 when 'service' then 4 end
        ) as furthest,
        max(case when is_outside then channel end) as first_channel,
        max(case when step = last_step then channel end) as last_channel,
        count(distinct channel) as channels,
        count(distinct department) as departments,
        count(*) as activities,
        sum(case when direction = 'inbound' then 1 else 0 end) as contacts_in,
        sum(case when direction = 'outbound' then 1 else 0 end) as contacts_out,
        max(order_id) as order_id,
        max(ticket_id) as ticket_id,
        sum(spend_eur) as spend_eur,
        sum(cost_eur) as cost_eur,
        max(known_date) as known_date
    from belonging
    group by customer_id, need, journey
)

select
    {{ dbt.hash("customer_id || '/' || need || '/' || first_activity_id") }} as journey_id,
    customer_id,
    need,
    case
        when settled_date is not null then 'settled'
        when lapses_date < {{ as_of() }} then 'lapsed'
        else 'open'
    end as status,
    case furthest when 1 then 'awareness' when 2 then 'interest' when 3 then 'purchase' else 'service' end
        as furthest_phase,
    started_date,
    last_activity_date,
    settled_date,
    lapses_date,
    first_channel,
    last_channel,
    cast(channels as integer) as channels,
    cast(departments as integer) as departments,
    cast(activities as integer) as activities,
    cast(contacts_in as integer) as contacts_in,
    cast(contacts_out as integer) as contacts_out,
    order_id,
    ticket_id,
    cast(coalesce(spend_eur, 0) as {{ money() }}) as spend_eur,
    cast(cost_eur as {{ money() }}) as cost_eur,
    known_date
from summed
