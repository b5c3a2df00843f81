{#- Moments and shop-local days. Stores and readers may sit in any zone; the shops' day is what a customer lives in. -#}

{#- Text of a naive UTC timestamp -> a moment. -#}
{% macro utc_moment(text_column) -%}
    {{ adapter.dispatch('utc_moment')(text_column) }}
{%- endmacro %}

{% macro default__utc_moment(text_column) -%}
    cast({{ text_column }} as timestamp) at time zone 'UTC'
{%- endmacro %}

{#- Spark needs the session in UTC (spark.sql.session.timeZone), which the profile of that target sets. -#}
{% macro spark__utc_moment(text_column) -%}
    cast({{ text_column }} as timestamp)
{%- endmacro %}

{#- A moment -> the wall clock of the shops, as a timestamp without zone. -#}
{% macro shop_clock(moment) -%}
    {{ adapter.dispatch('shop_clock')(moment) }}
{%- endmacro %}

{% macro default__shop_clock(moment) -%}
    ({{ moment }}) at time zone '{{ company("shop_time_zone") }}'
{%- endmacro %}

{% macro spark__shop_clock(moment) -%}
    from_utc_timestamp({{ moment }}, '{{ company("shop_time_zone") }}')
{%- endmacro %}

{#- Saturday or Sunday. Counted from a known Saturday, because engines number the days of the week differently. -#}
{% macro is_weekend(day) -%}
    mod({{ dbt.datediff("cast('1900-01-06' as date)", day, 'day') }}, 7) in (0, 1)
{%- endmacro %}

{% macro days_between(earlier, later) -%}
    {{ dbt.datediff(earlier, later, 'day') }}
{%- endmacro %}

{% macro days_after(day, days) -%}
    cast({{ dbt.dateadd('day', days, day) }} as date)
{%- endmacro %}

{#- Text of an ISO timestamp -> a moment: by its offset if it has one, else read as UTC. -#}
{% macro iso_moment(column) -%}
    {{ adapter.dispatch('iso_moment')(told(column)) }}
{%- endmacro %}

{% macro default__iso_moment(text_value) -%}
    case
        when {{ text_value }} ~ ':[0-9.]+ ?(Z|[+-][0-9:]+)$' then cast({{ text_value }} as timestamp with time zone)
        else cast({{ text_value }} as timestamp) at time zone 'UTC'
    end
{%- endmacro %}

{% macro spark__iso_moment(text_value) -%}
    cast({{ text_value }} as timestamp)
{%- endmacro %}

{#- A timestamp without zone on the clock of a place -> a moment. -#}
{% macro clock_moment(clock, zone) -%}
    {{ adapter.dispatch('clock_moment')(clock, zone) }}
{%- endmacro %}

{% macro default__clock_moment(clock, zone) -%}
    ({{ clock }}) at time zone '{{ zone }}'
{%- endmacro %}

{% macro spark__clock_moment(clock, zone) -%}
    to_utc_timestamp({{ clock }}, '{{ zone }}')
{%- endmacro %}

{#- A moment -> the day on the clock of the shops. -#}
{% macro shop_day(moment) -%}
    cast({{ shop_clock(moment) }} as date)
{%- endmacro %}

{#- The next birthday on or after `day`; of the 29th of February it is the 28th where there is none. -#}
{% macro next_birthday(birth_date, day) -%}
    {{ adapter.dispatch('next_birthday')(birth_date, day) }}
{%- endmacro %}

{% macro default__next_birthday(birth_date, day) -%}
    cast({{ birth_date }} + make_interval(years => cast(
        extract(year from age({{ days_after(day, -1) }}, {{ birth_date }})) as integer
    ) + 1) as date)
{%- endmacro %}

{% macro spark__next_birthday(birth_date, day) -%}
    add_months({{ birth_date }}, 12 * (cast(floor(months_between({{ days_after(day, -1) }}, {{ birth_date }}) / 12) as integer) + 1))
{%- endmacro %}
