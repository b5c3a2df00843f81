{#-
How a model grows, and when it must not.

Every fact carries known_date, the day from which we knew it. A model built until day B grows by what became known on B
or later (B itself again, because a batch may be accepted on the same day after the first try). That is right only if
nothing changed in what was known before B. The build log (intermediate.model_builds) keeps for each model B and a
fingerprint of what was known before it: the batches, how many of their rows wait in quarantine or were repaired, which entities exist at
all, the rules that normalise identifiers, and the code and seeds it was built with. If the fingerprint differs (a held batch of the past was accepted, a row
was released or repaired, an intent was redefined), or if as_of lies before B, the model is rebuilt. So an increment always equals a
full refresh, and the tables are a function of raw data, code and as_of alone. `since` (a variable, a parameter of the DAG)
lets a model grow again from an earlier day: a keyhole backfill of what became known on it or later.
-#}

{% macro should_full_refresh() %}
    {%- set configured = config.get('full_refresh') -%}
    {%- set asked = flags.FULL_REFRESH if configured is none else configured -%}
    {%- if asked or configured is not none or not execute or config.get('materialized') != 'incremental' -%}
        {{ return(asked) }}
    {%- endif -%}
    {{ return(built_until() is none) }}
{% endmacro %}

{#-
B as text, or none if this model cannot grow from what it holds. Worked out once a model and run: dbt asks some twenty times
(`is_incremental`, conditions, hooks), and each time would read the log and all code above the model again. `graph` is the
one thing that lives as long as a run.
-#}
{% macro built_until() %}
    {%- set kept = graph.setdefault('built_until', {}) -%}
    {%- set key = invocation_id ~ ' ' ~ model.unique_id -%}
    {%- if key not in kept -%}{%- do kept.update({key: look_up_built_until()}) -%}{%- endif -%}
    {{ return(kept[key]) }}
{% endmacro %}

{% macro look_up_built_until() %}
    {%- set found = run_query(
        "select as_of, fingerprint from " ~ build_log() ~ " where model_name = '" ~ this.schema ~ "." ~ this.identifier ~ "'"
    ) -%}
    {%- if found | length == 0 -%}{{ return(none) }}{%- endif -%}
    {%- set until = found.rows[0][0] | string -%}
    {%- if until > as_of_text() or found.rows[0][1] != fingerprint(until) -%}{{ return(none) }}{%- endif -%}
    {%- if model.fqn[1] in ('intermediate', 'marts', 'features', 'insights') and moved_since(until) | length > most_moved_customers() -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return([until, var('since', until)] | min) }}
{% endmacro %}

{#- In a model that grows: the day from which its input is new. -#}
{% macro increment_since() -%}
    cast('{{ built_until() }}' as date)
{%- endmacro %}

{% macro fingerprint(until) %}
    {%- set known = run_query(known_before(until)).rows[0] -%}
    {%- set code = ['company ' ~ env_var('CX_DATASET', 'nordhaus')] -%}
    {%- do collect_code(model.unique_id, code) -%}
    {{ return(local_md5(([known[0], known[1], known[2]] + code | sort) | join('\n'))) }}
{% endmacro %}

{#-
A query of one row: which entities exist, a checksum of the batches known before `until`, the version of normalisation. Summed up by the database,
because a model asks about six times and ten departments deliver 7,800 batches in half a year: as rows, an increment of
nothing took 10 s a model.
-#}
{% macro known_before(until) -%}
    {{ return(adapter.dispatch('known_before')(until)) }}
{%- endmacro %}

{% macro default__known_before(until) -%}
    select
        coalesce(string_agg(distinct department || '/' || entity, ' ' order by department || '/' || entity), ''),
        coalesce(md5(string_agg(
            batch_id || ' ' || known_date || ' ' || waiting_rows || ' ' || repairs, ',' order by department, entity, batch_id
        ) filter (where known_date < cast('{{ until }}' as date))), ''),
        (select coalesce(max(version), '') from {{ normalisation_ruleset() }})
    from {{ accepted_batches() }}
    where known_date <= {{ as_of() }}
{%- endmacro %}

{% macro spark__known_before(until) -%}
    select
        array_join(array_sort(collect_set(concat(department, '/', entity))), ' '),
        md5(array_join(array_sort(collect_list(
            case
                when known_date < cast('{{ until }}' as date)
                    then concat(department, ' ', batch_id, ' ', known_date, ' ', waiting_rows, ' ', repairs)
            end
        )), ',')),
        (select coalesce(max(version), '') from {{ normalisation_ruleset() }})
    from {{ accepted_batches() }}
    where known_date <= {{ as_of() }}
{%- endmacro %}

{#- Checksums of a model and of every model and seed above it. -#}
{% macro collect_code(unique_id, found) %}
    {%- set node = graph.nodes.get(unique_id) -%}
    {%- if node and node.resource_type in ('model', 'seed') -%}
        {%- set line = unique_id ~ ' ' ~ node.checksum.checksum -%}
        {%- if line not in found -%}
            {%- do found.append(line) -%}
            {%- for above in node.depends_on.nodes or [] -%}{%- do collect_code(above, found) -%}{%- endfor -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{#- Hook before an append: forget the days that this run brings again. -#}
{% macro clear_increment(column='known_date') %}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} where {{ column }} >= {{ increment_since() }}
    {%- endif -%}
{% endmacro %}

{#- Hook after a build, in its transaction: what was built becomes visible together with this note, or not at all. -#}
{% macro remember_build() %}
    {%- if execute and model.config.materialized == 'incremental' and config.get('full_refresh') is none -%}
        {%- set name = this.schema ~ '.' ~ this.identifier -%}
        {%- do run_query("delete from " ~ build_log() ~ " where model_name = '" ~ name ~ "'") -%}
        insert into {{ build_log() }} (model_name, as_of, fingerprint)
        values ('{{ name }}', {{ as_of() }}, '{{ fingerprint(as_of_text()) }}')
    {%- endif -%}
{% endmacro %}

{% macro keep_build_log() %}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- do adapter.create_schema(api.Relation.create(database=target.database, schema='intermediate')) -%}
        create table if not exists {{ build_log() }} (model_name {{ dbt.type_string() }}, as_of date, fingerprint {{ dbt.type_string() }})
    {%- endif -%}
{% endmacro %}

{% macro build_log() -%}
    {{ return(api.Relation.create(database=target.database, schema='intermediate', identifier='model_builds') | string) }}
{%- endmacro %}

{#- Named without ref(): it is read to choose how to build, it is no input of the model. -#}
{% macro accepted_batches() -%}
    {{ return(api.Relation.create(database=target.database, schema='staging', identifier='stg_quality__accepted_batches') | string) }}
{%- endmacro %}

{% macro normalisation_ruleset() -%}
    {{ return(api.Relation.create(database=target.database, schema='normalised', identifier='ruleset') | string) }}
{%- endmacro %}

{#- Hook after delete+insert: forget a row whose newest input is gone (its batch was withdrawn on the same day). -#}
{% macro forget_vanished(key, input) %}
    {%- if execute and is_incremental() -%}
        delete from {{ this }}
        where
            {{ is_new_or_moved('known_date') }}
            and not exists (select 1 from {{ input }} as input where input.{{ key }} = {{ this.identifier }}.{{ key }})
    {%- endif -%}
{% endmacro %}
