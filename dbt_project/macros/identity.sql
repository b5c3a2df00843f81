{#-
Customers whose past changes. An account that turns out to be somebody else's takes its whole past along, and visits
before a login become the person's, or nobody's once the device is shared. So a growing model forgets and builds again
everything of the customers that lost or gained something since it was built. Ids stand in the SQL as a list, because a
planner pushes a list into subqueries and no subquery into a subquery; when there are more than a list should hold, the
model is built anew. They are ids of our own minting, never a text that somebody told.
-#}

{#- 40 kB of SQL; a day moves some tens of 10,000 people. Chosen, not measured. -#}
{% macro most_moved_customers() %}{{ return(2000) }}{% endmacro %}

{#- Ids moved since the day `until`, as a list. Named without ref(): read to choose how to build. -#}
{% macro moved_since(until) %}
    {%- set moves = api.Relation.create(database=target.database, schema='identity', identifier='customer_moves') -%}
    {%- if not execute or load_relation(moves) is none -%}{{ return([]) }}{%- endif -%}
    {%- set found = run_query(
        "select distinct customer_id from " ~ moves ~ " where moved_date >= cast('" ~ until ~ "' as date) order by 1"
    ) -%}
    {{ return(found.columns[0].values() | list) }}
{% endmacro %}

{#- In a model that grows: the list in brackets, or none if nobody moved. -#}
{% macro moved_customers() %}
    {%- if not execute or not is_incremental() -%}{{ return(none) }}{%- endif -%}
    {%- set kept = graph.setdefault('moved_customers', {}) -%}
    {%- set key = invocation_id ~ ' ' ~ model.unique_id -%}
    {%- if key not in kept -%}{%- do kept.update({key: moved_since(built_until())}) -%}{%- endif -%}
    {{ return("('" ~ kept[key] | join("', '") ~ "')" if kept[key] else none) }}
{% endmacro %}

{#- Whether a row is to be built by this run of a growing model. -#}
{% macro is_new_or_moved(date_column, customer_column='customer_id') -%}
    {%- set moved = moved_customers() -%}
    {%- if moved -%}
        ({{ date_column }} >= {{ increment_since() }} or {{ customer_column }} in {{ moved }})
    {%- else -%}
        {{ date_column }} >= {{ increment_since() }}
    {%- endif -%}
{%- endmacro %}

{#- More of such a condition, for a moved customer: nothing where nobody moved. -#}
{% macro or_moved(customer_column='customer_id') -%}
    {%- set moved = moved_customers() -%}
    {%- if moved -%}or {{ customer_column }} in {{ moved }}{%- endif -%}
{%- endmacro %}

{#- Hook before an append: forget what this run brings again. -#}
{% macro clear_new_or_moved(date_column='known_date') %}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} where {{ is_new_or_moved(date_column) }}
    {%- endif -%}
{% endmacro %}

{#-
is_new_or_moved, added to the condition of a join: a planner pushes it into a subquery that is grouped by both. One condition and
not two parts of a union: what two parts read is computed once for all days, and joined with hardly a row foreseen (330 s
for a day of 100,000 people, 122 s for all days; 2026-11-27).
-#}
{% macro and_new_or_moved(date_column, customer_column) -%}
    {%- if execute and is_incremental() -%}and {{ is_new_or_moved(date_column, customer_column) }}{%- endif -%}
{%- endmacro %}

{#- Hook after delete+insert by customer: forget who has nothing left. -#}
{% macro forget_nobodies() %}
    {%- if execute and is_incremental() -%}
        delete from {{ this }}
        where not exists (
            select 1 from {{ ref('customer_ids') }} as ids where ids.customer_id = {{ this.identifier }}.customer_id
        )
    {%- endif -%}
{% endmacro %}

{#- Hook of int_person_versions_identified: forget a record that nothing is left of (its batch was withdrawn on the same day). -#}
{% macro forget_withdrawn_versions() %}
    {%- if execute and is_incremental() -%}
        delete from {{ this }}
        where
            {{ is_new_or_moved('known_date') }}
            and not exists (
                select 1
                from {{ ref('stg_shop__accounts') }} as accounts
                where
                    accounts.batch_id = {{ this.identifier }}.batch_id
                    and accounts.source_row = {{ this.identifier }}.source_row
            )
            and not exists (
                select 1
                from {{ ref('stg_crm__contacts') }} as contacts
                where
                    contacts.batch_id = {{ this.identifier }}.batch_id
                    and contacts.source_row = {{ this.identifier }}.source_row
            )
    {%- endif -%}
{% endmacro %}

{#- Hook of what is made of versions: forget a customer that no record speaks for any more. -#}
{% macro forget_who_told_nothing() %}
    {%- if execute and is_incremental() -%}
        delete from {{ this }}
        where not exists (
            select 1
            from {{ ref('int_person_versions_identified') }} as versions
            where versions.customer_id = {{ this.identifier }}.customer_id
        )
    {%- endif -%}
{% endmacro %}

{#-
In a model that grows by customers from what is believed of them: the customers of whom something new is believed, or was
when this model was built (its batch may be withdrawn since). `date_column` tells when a row of this model became known.
-#}
{% macro whose_beliefs_changed(date_column) -%}
    select customer_id
    from {{ ref('int_attributes_believed') }}
    where {{ is_new_or_moved('believed_date') }}
    union
    select customer_id
    from {{ this }}
    where {{ is_new_or_moved(date_column) }}
{%- endmacro %}

{#- Visitors (kind, id) whose earlier visits became somebody's, or nobody's, since this model was built. -#}
{% macro touched_visitors() -%}
    select
        ids.key_kind,
        ids.source_key
    from {{ ref('customer_ids') }} as ids
    where
        ids.key_kind in ('visitor', 'install')
        and ids.first_known_date >= {{ increment_since() }}
    union
    select
        case shared.department when 'web' then 'visitor' else 'install' end as key_kind,
        shared.visitor_id as source_key
    from {{ ref('int_shared_devices_listed') }} as shared
    where shared.shared_date >= {{ increment_since() }}
{%- endmacro %}

{#-
Of an incremental build of visits: only the events in question, with every delivery of each. They are new, or their
visitor was touched, or their account or visitor is a moved customer's.
-#}
{% macro where_event_in_question() -%}
    {%- if execute and is_incremental() -%}
        {%- set moved = moved_customers() -%}
        where (department, event_id) in (
            select
                deliveries.department,
                deliveries.event_id
            from {{ ref('int_events_united') }} as deliveries
            where
                deliveries.known_date >= {{ increment_since() }}
                or (deliveries.key_kind, deliveries.visitor_id) in ({{ touched_visitors() }})
                {% if moved -%}
                or deliveries.account_id in (
                    select source_key from {{ ref('customer_ids') }} where key_kind = 'account' and customer_id in {{ moved }}
                )
                or (deliveries.key_kind, deliveries.visitor_id) in (
                    select key_kind, source_key from {{ ref('customer_ids') }} where customer_id in {{ moved }}
                )
                {%- endif %}
        )
    {%- endif -%}
{%- endmacro %}

{#- Hook of visits, before clear_new_or_moved: forget the anonymous visits that may have become somebody's. -#}
{% macro clear_touched_visits() %}
    {%- if execute and is_incremental() -%}
        delete from {{ this }}
        where
            customer_id is null
            and (case department when 'web' then 'visitor' else 'install' end, visitor_id) in ({{ touched_visitors() }})
    {%- endif -%}
{% endmacro %}

{#- The id of the customer that an entity founds: opaque, the same in every order of loading (ml/identity mints alike). -#}
{% macro minted_id(kind, key) -%}
    'c' || substring({{ dbt.hash("'cxloop/' || " ~ kind ~ " || '/' || " ~ key) }}, 1, 16)
{%- endmacro %}

{#- Everything behind the first word of a normalised value, or NULL. -#}
{% macro after_first_word(column) -%}
    nullif(trim(substring({{ column }}, length({{ dbt.split_part(column, "' '", 1) }}) + 1)), '')
{%- endmacro %}

{#- The type of a column of person_records. -#}
{% macro person_record_type(column) -%}
    {{ 'date' if column == 'birth_date' else 'boolean' if column.startswith('is_') else dbt.type_string() }}
{%- endmacro %}

{#- The opaque id of a description: a hash of all that it says. -#}
{% macro person_record_id(columns) -%}
    {%- set parts = ["entity_kind", "source_key"] -%}
    {%- for column in columns -%}
        {%- do parts.append("coalesce(cast(" ~ column ~ " as " ~ dbt.type_string() ~ "), '~')") -%}
    {%- endfor -%}
    {{ dbt.hash(parts | join(" || '|' || ")) }}
{%- endmacro %}
