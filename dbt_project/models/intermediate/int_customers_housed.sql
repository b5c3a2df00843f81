{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='postcode_key',
    post_hook="{{ forget_who_moved_out() }}",
    indexes=indexes_on([['customer_id'], ['postcode_key']])
) }}

-- Who lives together: an address and a family name in common (in any of its forms, or as part of a double name), one of
-- them up to a typing error, or an address and a phone or a mailbox. Words that differ in a letter have a form with a
-- letter less in common. The smallest customer id walks from one to the next three times; a longer chain is cut. All
-- of it happens within a postcode: who changes asks for the people of the postcodes left and entered again.
{%- set name_parts = 4 %}
{%- set rounds = 3 %}
{%- set longest_word = 24 %}

{% if is_incremental() -%}
with touched_postcodes as (
    {{ touched_postcodes() }}
),

people as (
{%- else -%}
with people as (
{%- endif %}
    select
        customer_id,
        max(case when attribute = 'street' then value_key end) as street_key,
        max(case when attribute = 'postcode' then value_key end) as postcode_key,
        max(case when attribute = 'surname' then value_key end) as surname_key,
        max(case when attribute = 'phone' then value_key end) as phone_key,
        max(case when attribute = 'email' then value_key end) as email_key,
        max(believed_date) as known_date
    from {{ ref('int_attributes_believed') }}
    where
        is_newest
        and attribute in ('street', 'postcode', 'surname', 'phone', 'email')
        {% if is_incremental() -%}
        and customer_id in (
            select customer_id
            from {{ ref('int_attributes_believed') }}
            where
                is_newest
                and attribute = 'postcode'
                and value_key in (select postcode_key from touched_postcodes)
        )
        {%- endif %}
    group by customer_id
),

limits as (
    select
        max(case when limit_id = 'people_of_one_name' then maximum end) as people_of_one_name,
        max(case when limit_id = 'people_at_address' then maximum end) as people_at_address
    from {{ ref('household_limits') }}
),

residents as (
    select
        customer_id,
        street_key,
        postcode_key,
        surname_key,
        phone_key,
        email_key,
        known_date,
        count(*) over (partition by street_key, postcode_key) as people_at_address
    from people
    where
        street_key is not null
        and postcode_key is not null
),

name_words as (
    {% for place in range(1, name_parts + 1) -%}
    select
        customer_id,
        {{ dbt.split_part('surname_key', "' '", place) }} as word
    from residents
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

stems as (
    select
        words.customer_id,
        words.word,
        {{ dbt.concat([
            'substr(words.word, 1, length(words.word) - length(parts.part))', "coalesce(parts.stem, '')"
        ]) }} as stem,
        row_number() over (
            partition by words.customer_id, words.word order by length(parts.part) desc
        ) as longest_first
    from name_words as words
    left join {{ ref('family_name_parts') }} as parts
        on
            parts.kind = 'ending'
            and length(words.word) >= length(parts.part) + 2
            and substr(words.word, length(words.word) - length(parts.part) + 1) = parts.part
    where
        words.word <> ''
        and not exists (
            select 1
            from {{ ref('family_name_parts') }} as particles
            where
                particles.kind = 'particle'
                and particles.part = words.word
        )
),

names as (
    select distinct
        customer_id,
        coalesce(stem, word) as name
    from stems
    where longest_first = 1
),

places as (
    {% for place in range(1, longest_word + 1) -%}
    select {{ place }} as place
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- Short words have too many neighbours: Beck and Bock are two families.
similar_names as (
    select distinct
        names.customer_id,
        {{ with_a_letter_less('names.name', 'places.place') }} as form
    from names
    inner join places on length(names.name) >= places.place
    where length(names.name) >= 6
    union all
    select
        customer_id,
        name as form
    from names
),

similar_streets as (
    select distinct
        residents.customer_id,
        {{ with_a_letter_less('residents.street_key', 'places.place') }} as form
    from residents
    inner join places on length({{ dbt.split_part('residents.street_key', "' '", 1) }}) >= places.place
    union all
    select
        customer_id,
        street_key as form
    from residents
),

bonds as (
    select
        residents.customer_id,
        {{ dbt.concat(['residents.street_key', "'|name|'", 'names.name']) }} as what
    from residents
    inner join names on residents.customer_id = names.customer_id
    union all
    select
        residents.customer_id,
        {{ dbt.concat(['residents.street_key', "'|similar name|'", 'similar_names.form']) }} as what
    from residents
    inner join similar_names on residents.customer_id = similar_names.customer_id
    union all
    select
        similar_streets.customer_id,
        {{ dbt.concat(['similar_streets.form', "'|similar street|'", 'names.name']) }} as what
    from similar_streets
    inner join names on similar_streets.customer_id = names.customer_id
    union all
    select
        customer_id,
        {{ dbt.concat(['street_key', "'|phone|'", 'phone_key']) }} as what
    from residents
    where phone_key is not null
    union all
    select
        customer_id,
        {{ dbt.concat(['street_key', "'|email|'", 'email_key']) }} as what
    from residents
    where email_key is not null
),

counted as (
    select
        residents.customer_id,
        {{ dbt.concat(['residents.postcode_key', "'|'", 'bonds.what']) }} as bond,
        count(*) over (partition by residents.postcode_key, bonds.what) as people_of_one_name
    from residents
    cross join limits
    inner join bonds on residents.customer_id = bonds.customer_id
    where residents.people_at_address <= limits.people_at_address
),

bonds_0 as (
    select
        counted.customer_id,
        counted.bond,
        counted.customer_id as label
    from counted
    cross join limits
    where counted.people_of_one_name between 2 and limits.people_of_one_name
),
{% for round in range(1, rounds + 1) %}
met_{{ round }} as (
    select
        customer_id,
        bond,
        min(label) over (partition by bond) as label
    from bonds_{{ round - 1 }}
),

bonds_{{ round }} as (
    select
        customer_id,
        bond,
        min(label) over (partition by customer_id) as label
    from met_{{ round }}
),
{% endfor %}
labels as (
    select
        customer_id,
        min(label) as label
    from bonds_{{ rounds }}
    group by customer_id
),

first_days as (
    select
        customer_id,
        min(first_known_date) as first_known_date
    from {{ ref('customer_ids') }}
    where first_known_date <= {{ as_of() }}
    group by customer_id
),

founded as (
    select
        residents.customer_id,
        residents.postcode_key,
        residents.known_date,
        first_value(residents.customer_id) over (
            partition by coalesce(labels.label, residents.customer_id)
            order by first_days.first_known_date, residents.customer_id
        ) as founder_customer_id
    from residents
    inner join first_days on residents.customer_id = first_days.customer_id
    left join labels on residents.customer_id = labels.customer_id
)

select
    customer_id,
    founder_customer_id,
    {{ dbt.concat(["'h'", 'substring(' ~ dbt.hash("'cxloop/household/' || founder_customer_id") ~ ', 1, 16)']) }}
        as household_id,
    postcode_key,
    known_date
from founded
