{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_id',
    post_hook="{{ forget_settled_conflicts() }}",
    indexes=indexes_on([['customer_id'], ['weighed_date']])
) }}

-- depends_on: {{ ref('int_attributes_believed') }}
with versions as (
    select
        told.*,
        rules.rule,
        rules.follows,
        {{ place_in('told.department', 'rules.source_order') }} as source_place,
        row_number() over (
            partition by told.customer_id, told.attribute, told.entity_kind, told.source_key
            order by told.told_at desc, told.known_date desc, told.batch_id desc, told.source_row desc
        ) as newest_first
    from {{ ref('int_person_versions_identified') }} as told
    inner join {{ ref('survivorship') }} as rules on told.attribute = rules.attribute
    {% if is_incremental() -%}
    where told.customer_id in ({{ whose_beliefs_changed('weighed_date') }})
    {%- endif %}
),

-- Each different value with what speaks for it now, at the version that told it last.
weighed as (
    select
        *,
        min(newest_first) over (partition by customer_id, attribute, value_key) = 1 as is_open,
        max(known_date) over (partition by customer_id) as weighed_date,
        sum(case when newest_first = 1 then 1 else 0 end) over (
            partition by customer_id, attribute, value_key
        ) as records,
        max(case when newest_first = 1 and is_verified then 1 else 0 end) over (
            partition by customer_id, attribute, value_key
        ) as verified,
        min(case when newest_first = 1 then source_place else 99999 end) over (
            partition by customer_id, attribute, value_key
        ) as place,
        max(case when newest_first = 1 then told_at end) over (
            partition by customer_id, attribute, value_key
        ) as last_told_at,
        row_number() over (
            partition by customer_id, attribute, value_key
            order by
                case when newest_first = 1 then 0 else 1 end asc,
                told_at desc,
                known_date desc,
                batch_id desc,
                source_row desc,
                entity_kind asc,
                source_key asc
        ) as best_first
    from versions
),

stated as (
    select *
    from weighed
    where best_first = 1
)

select
    lost.customer_id,
    lost.attribute,
    lost.value,
    lost.value_key,
    lost.department,
    lost.entity,
    lost.source_key,
    lost.batch_id,
    lost.source_row,
    lost.told_at,
    lost.known_date,
    cast(lost.records as integer) as records,
    lost.is_open,
    case
        when not lost.is_open then 'superseded'
        when lost.follows is not null then 'other_record'
        when lost.rule = 'verified_first' and lost.verified < won.verified then 'not_verified'
        when lost.rule = 'most_frequent' and lost.records < won.records then 'less_frequent'
        when lost.rule = 'source_order' and lost.place > won.place then 'later_source'
        when lost.last_told_at < won.last_told_at then 'less_recent'
        else 'tie'
    end as lost_because,
    lost.weighed_date
from stated as lost
left join {{ ref('customer_attributes') }} as survivor
    on
        lost.customer_id = survivor.customer_id
        and lost.attribute = survivor.attribute
left join stated as won
    on
        survivor.customer_id = won.customer_id
        and survivor.attribute = won.attribute
        and survivor.value_key = won.value_key
where coalesce(survivor.value_key, '') <> lost.value_key
