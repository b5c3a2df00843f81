"""What a raw gate says of columns: added, emptied, or of another type than the contract's."""

from great_expectations.expectations.expectation import Expectation
from psycopg2 import sql

from expectations.rules import Subject
from landing.contracts import Contract, Entity

# An attribute that is known of 1 in 5 is empty in 100 rows by chance less than once in 10 ** 9 lists.
ROWS_TO_JUDGE_A_COLUMN = 100
# A retyped column breaks all its values but those that happen to be written alike in both types.
RETYPED_SHARE = 0.9
RETYPED_ROWS = 10  # fewer wrong values may be typing errors

EMPTY = """
    select {entity} || '.' || v.name as object, 'no value in ' || count(*) || ' new rows' as observed,
        true as is_broken
    from {rows} r
    cross join lateral (values {values}) v (name, value)
    group by v.name
    having count(*) >= {least} and count(nullif(btrim(v.value), '')) = 0
"""
ADDED = """
    select c.table_name as object, 'column ' || c.column_name || ' is not in the contract' as observed,
        true as is_broken
    from information_schema.columns c
    join contract_entities k on k.entity = c.table_name
    left join (select unnest({entities}) as entity, unnest({columns}) as name) e
        on e.entity = c.table_name and e.name = c.column_name
    where c.table_schema = {schema} and c.column_name not like '\\_%' and e.name is null
    order by object, observed
"""
RETYPED = """
    select b.source_name || ', column ' || wrong.field as object,
        wrong.values || ' of ' || filled.values || ' values are not of type ' || wrong.type || ' as '
            || {file} || ' says of ' || {entity} || '.' || wrong.field as observed,
        true as is_broken
    from (
        select x.batch_id, x.field, t.type, count(*) as values
        from rejections x
        join (values {types}) t (field, type) using (field)
        where x.entity = {entity} and x.rule = 'type'
        group by 1, 2, 3
        having count(*) >= {least}
    ) wrong
    join new_batches b on b.batch_id = wrong.batch_id and not b.is_released
    join (
        select r._batch_id as batch_id, v.field, count(nullif(btrim(v.value), '')) as values
        from {raw} r
        join (select distinct batch_id from rejections where entity = {entity} and rule = 'type') x
            on x.batch_id = r._batch_id
        cross join lateral (values {values}) v (field, value)
        group by 1, 2
    ) filled on filled.batch_id = wrong.batch_id and filled.field = wrong.field
    where wrong.values >= {share} * filled.values
"""


def column_rules(subject: Subject, contract: Contract) -> list[Expectation]:
    """List the expectations on the columns of the new batches."""
    columns = [(entity.name, column) for entity in contract.entities for column in entity.column_names]
    return [
        subject.measure(
            "no_unknown_columns",
            ADDED,
            severity="info",
            law="Every delivered column is in the contract.",
            threshold="0 added columns",
            advice="Add the column to the contract if it is wanted; until then it stays in the raw table.",
            schema=contract.raw_schema,
            entities=[name for name, _ in columns],
            columns=[column for _, column in columns],
        ),
        *_filled(subject, contract),
        *_retyped(subject, contract),
    ]


def _filled(subject: Subject, contract: Contract) -> list[Expectation]:
    """Watch the columns that may be empty: a required one without values fills the quarantine."""
    parts = []
    for entity in contract.entities:
        optional = [column.name for column in entity.columns if not column.required]
        if optional:
            pairs = [sql.SQL("({}, r.{})").format(sql.Literal(name), sql.Identifier(name)) for name in optional]
            parts.append(
                subject.compose(
                    EMPTY,
                    entity=entity.name,
                    rows=sql.Identifier(f"new_{entity.name}"),
                    values=sql.SQL(", ").join(pairs),
                    least=ROWS_TO_JUDGE_A_COLUMN,
                )
            )
    if not parts:
        return []
    return [
        subject.measure(
            "no_column_lost_its_values",
            "{parts} order by 1",
            severity="warning",
            law="No column of the contract is empty in all new rows.",
            threshold=f"a value in {ROWS_TO_JUDGE_A_COLUMN} or more rows",
            advice=f"Ask {contract.owner} whether the export renamed or dropped the column.",
            parts=sql.SQL(" union all ").join(parts),
        )
    ]


def _retyped(subject: Subject, contract: Contract) -> list[Expectation]:
    """Tell a changed export from typing errors: nearly all values of a column are of another type."""
    typed = [entity for entity in contract.entities if any(column.type != "text" for column in entity.columns)]
    if not typed:
        return []
    parts = [_retyped_in(subject, contract, entity) for entity in typed]
    return [
        subject.measure(
            "no_column_changed_its_type",
            "{parts} order by 1",
            severity="critical",
            law="Every column still has the type of the contract.",
            threshold=f"below {RETYPED_SHARE:.0%} of the values of a new batch, from {RETYPED_ROWS} on",
            advice=f"Ask {contract.owner} to deliver the column as before, or write its new type or format into the "
            f"contract {contract.department}.yml; the batch is judged again by the next run.",
            parts=sql.SQL(" union all ").join(parts),
        )
    ]


def _retyped_in(subject: Subject, contract: Contract, entity: Entity) -> sql.Composable:
    columns = [column for column in entity.columns if column.type != "text"]
    types = [sql.SQL("({}, {})").format(sql.Literal(c.name), sql.Literal(c.format or c.type)) for c in columns]
    values = [sql.SQL("({}, r.{})").format(sql.Literal(c.name), sql.Identifier(c.name)) for c in columns]
    return subject.compose(
        RETYPED,
        entity=entity.name,
        file=f"{contract.department}.yml",
        raw=sql.Identifier(contract.raw_schema, entity.name),
        types=sql.SQL(", ").join(types),
        values=sql.SQL(", ").join(values),
        least=RETYPED_ROWS,
        share=RETYPED_SHARE,
    )
