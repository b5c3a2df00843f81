{#-
Postcodes in which households have to be found again: of whoever has changed, where they live now and where they were
housed, and of residents who are not housed yet.
-#}
{% macro touched_postcodes() -%}
    select postcode_key
    from {{ this }}
    where customer_id in ({{ whose_beliefs_changed('known_date') }})
    union
    select postcodes.value_key as postcode_key
    from {{ ref('int_attributes_believed') }} as postcodes
    where
        postcodes.is_newest
        and postcodes.attribute = 'postcode'
        and postcodes.value_key is not null
        and (
            postcodes.customer_id in ({{ whose_beliefs_changed('known_date') }})
            or not exists (
                select 1
                from {{ this }} as housed
                where
                    housed.customer_id = postcodes.customer_id
                    and housed.postcode_key = postcodes.value_key
            )
            and exists (
                {{ street_of('postcodes') }}
            )
        )
{%- endmacro %}

{#- Hook of int_customers_housed: forget who does not live at a postcode any more; its last resident takes no row along. -#}
{% macro forget_who_moved_out() %}
    {%- if execute and is_incremental() -%}
        delete from {{ this }}
        where
            not exists (
                select 1
                from {{ ref('int_attributes_believed') }} as postcodes
                where
                    postcodes.customer_id = {{ this.identifier }}.customer_id
                    and postcodes.attribute = 'postcode'
                    and postcodes.is_newest
                    and postcodes.value_key = {{ this.identifier }}.postcode_key
            )
            or not exists (
                {{ street_of(this.identifier) }}
            )
    {%- endif -%}
{% endmacro %}

{#- The street that a customer is believed to live in, for `exists`: a postcode alone makes no resident. -#}
{% macro street_of(relation) -%}
    select 1
    from {{ ref('int_attributes_believed') }} as streets
    where
        streets.customer_id = {{ relation }}.customer_id
        and streets.attribute = 'street'
        and streets.is_newest
        and streets.value_key is not null
{%- endmacro %}
