"""What was found, by the names that records have outside: SQL over the tables of a linkage."""

from ml.identity.pairs import Line

# One row per pair; left is the record with the smaller digest, then id.
EDGES = """select case when turned then b.record_id else a.record_id end as left_id,
        case when turned then a.record_id else b.record_id end as right_id,
        weight, 1 / (1 + pow(2, -greatest(least(weight, 100), -100))) as probability, rule
    from (from {edges}) e join records a on a.record = e.l join records b on b.record = e.r,
        lateral (select a.digest = b.digest and a.record_id > b.record_id as turned)"""

# One row per record.
CLUSTERS = """select r.record_id, c.record_id as cluster_id
    from records r join nodes using (entity) join records c on c.record = nodes.label {condition}"""

# One row per suspicious cluster: its name (of its members), two parts as JSON lists of record ids, the strongest pair.
SUSPICIOUS = """with members as (
        select component, number, part, list(record_id order by record_id) as ids, count(*) as n
        from case_members join records using (entity) group by component, number, part
    ), parts as (
        select component, number, list(ids order by ids) as members, sum(n)::bigint as records
        from members group by component, number
    ), bridges as (
        select component, number, first(struct_pack(l := a.record_id, r := b.record_id, w := e.weight)
            order by e.weight desc, a.digest, a.record_id, b.digest, b.record_id) as pair
        from cases c join edges e on true join records a on a.record = e.l join records b on b.record = e.r
        where (a.entity = c.l and b.entity = c.r) or (a.entity = c.r and b.entity = c.l)
        group by component, number
    )
    select md5(members::json::varchar) as case_id, reason, pair.l as left_id, pair.r as right_id, pair.w as weight,
        records, members::json::varchar as members
    from cases join parts using (component, number) join bridges using (component, number) order by case_id"""


def held(lines: list[Line]) -> str:
    """Give the SQL of the held values: `record_id` (who has it), `records` (how many), `rule` or `key`."""
    name = "'{}'"
    parts = [
        f"""select first(record_id order by records.digest, record_id) as record_id, held.records,
            {name.format(line.says.replace("'", "''")) if line.is_rule else "null::varchar"} as rule,
            {"null::varchar" if line.is_rule else name.format(line.says.replace("'", "''"))} as key
        from held join shared on shared.{line.column} = held.value join records using (record)
        where held.line = '{line.column}' group by held.value, held.records"""
        for line in lines
    ]
    nothing = "select null::varchar as record_id, 0::bigint as records, null::varchar as rule, null::varchar as key"
    union = " union all ".join(parts) or f"{nothing} where false"
    return f"select * from ({union}) order by rule nulls last, key, record_id"
