{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_id',
    post_hook="{{ forget_who_told_nothing() }}",
    indexes=indexes_on([['customer_id', 'attribute'], ['believed_date']])
) }}

-- Which value survives, by the seed survivorship, on every day on which anything new of an attribute (or of the one
-- that it follows) became known. Only what a record says now competes: what it has replaced itself is outdated.
with rules as (
    select
        attribute,
        rule,
        source_order,
        follows,
        coalesce(follows, attribute) as told_with
    from {{ ref('survivorship') }}
),

versions as (
    select
        told.*,
        rules.rule,
        rules.follows,
        rules.told_with,
        {{ place_in('told.department', 'rules.source_order') }} as source_place
    from {{ ref('int_person_versions_identified') }} as told
    inner join rules on told.attribute = rules.attribute
    {% if is_incremental() -%}
    where told.customer_id in (
        select customer_id
        from {{ ref('int_person_versions_identified') }}
        where {{ is_new_or_moved('known_date') }}
        union
        select customer_id
        from {{ this }}
        where {{ is_new_or_moved('believed_date') }}
    )
    {%- endif %}
),

days as (
    select distinct
        customer_id,
        told_with,
        known_date as believed_date
    from versions
),

by_record as (
    select
        versions.*,
        days.believed_date,
        row_number() over (
            partition by
                versions.customer_id, versions.attribute, days.believed_date, versions.entity_kind, versions.source_key
            order by versions.told_at desc, versions.known_date desc, versions.batch_id desc, versions.source_row desc
        ) as newest_first
    from days
    inner join versions
        on
            days.customer_id = versions.customer_id
            and days.told_with = versions.told_with
            and days.believed_date >= versions.known_date
),

counted as (
    select
        *,
        count(*) over (partition by customer_id, attribute, believed_date, value_key) as records,
        min(value_key) over (partition by customer_id, attribute, believed_date)
        <> max(value_key) over (partition by customer_id, attribute, believed_date) as is_in_conflict
    from by_record
    where newest_first = 1
),

-- The rule first, then the newest, then the order of sources; the rest makes it the same on every engine.
ranked as (
    select
        *,
        row_number() over (
            partition by customer_id, attribute, believed_date
            order by
                case when rule = 'verified_first' and is_verified then 0 else 1 end asc,
                case when rule = 'most_frequent' then records else 0 end desc,
                case when rule = 'source_order' then source_place else 0 end asc,
                told_at desc,
                source_place asc,
                entity_kind asc,
                source_key asc
        ) as by_rule
    from counted
),

leaders as (
    select *
    from ranked
    where by_rule = 1
),

-- An attribute that follows another is taken from the record that gave the other one (0), else from one that told it
-- with the same value of the other (1) or with none (2); with a different one (3) it would be an address of nobody.
followed as (
    select
        ranked.*,
        case
            when led.value_key is null then 0
            when
                ranked.followed_key = led.value_key
                and ranked.entity_kind = led.entity_kind
                and ranked.source_key = led.source_key
                then 0
            when ranked.followed_key = led.value_key then 1
            when ranked.followed_key is null then 2
            else 3
        end as distance
    from ranked
    left join leaders as led
        on
            ranked.customer_id = led.customer_id
            and ranked.follows = led.attribute
            and ranked.believed_date = led.believed_date
),

ordered as (
    select
        *,
        row_number() over (
            partition by customer_id, attribute, believed_date order by distance, by_rule
        ) as best_first
    from followed
),

-- Of one value the spelling that is not all capitals, where a record has one.
spelled as (
    select
        said.*,
        chosen.distance as chosen_distance,
        case when chosen.follows is null then chosen.rule else 'same_record' end as chosen_by,
        row_number() over (
            partition by said.customer_id, said.attribute, said.believed_date
            order by case when said.value = upper(said.value) then 1 else 0 end, said.best_first
        ) as best_spelled_first
    from ordered as chosen
    inner join ordered as said
        on
            chosen.customer_id = said.customer_id
            and chosen.attribute = said.attribute
            and chosen.believed_date = said.believed_date
            and chosen.value_key = said.value_key
    where chosen.best_first = 1
)

select
    customer_id,
    attribute,
    believed_date,
    case when chosen_distance < 3 then value end as value,
    case when chosen_distance < 3 then value_key end as value_key,
    is_verified,
    chosen_by,
    department,
    entity,
    source_key,
    batch_id,
    source_row,
    told_at,
    known_date,
    records,
    is_in_conflict,
    row_number() over (partition by customer_id, attribute order by believed_date desc) = 1 as is_newest
from spelled
where best_spelled_first = 1
