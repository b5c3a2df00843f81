"""The linkage of a table as tables on DuckDB, built as a whole or brought up to date; the two ways end alike.

Tables: `records` (prepared records), `shared` and `held` (`pairs.py`), `edges` (`l, r, weight, rule`).
Everything is a pure function of the records, the model and the constraints, so work is done only for what was
touched: records that came, changed or went, and those that share a value which crossed its limit.
"""

from dataclasses import dataclass

import duckdb

from ml.identity import pairs, vectors
from ml.identity.blocking import choose_keys
from ml.identity.comparisons import comparisons, groups, roles
from ml.identity.learned import Model, columns_of
from ml.identity.mapping import Mapping
from ml.identity.model import Parameters, learn
from ml.identity.normalise import normalise, quoted
from ml.identity.partition import ABSENT, SUSPICIOUS_ABOVE, THRESHOLD
from ml.identity.rules import CERTAIN

TRAINING_PAIRS = 1_000_000  # at most; bounds time and memory of learning, twice as many were used before
# A sum over the records that their order does not change; kept up to date by addition (`sums`: `n, total`).
SUM = """select count(*)::hugeint as n, coalesce(sum(md5_number_lower(
    concat_ws(chr(31), record_id, digest, coalesce(entity_id, chr(30))))), 0)::hugeint as total from {}"""
RANDOM_PAIRS = 300_000  # tell how often strangers agree by chance


@dataclass(frozen=True)
class Plan:
    """What is linked and how: the columns, which of them name the source and the entity, the limits, and a `functional`
    column, of which one person never has two different values."""

    mapping: Mapping
    source: str | None = None
    entity: str | None = None
    threshold: float = THRESHOLD
    suspicious_above: int = SUSPICIOUS_ABOVE
    functional: str | None = None

    @property
    def kinds(self) -> pairs.Kinds:
        """What keeps two records from being a pair."""
        return pairs.Kinds(self.source is not None, self.entity is not None)

    @property
    def floor(self) -> float:
        """The log2 odds below which a pair is as good as absent."""
        return min(ABSENT, self.threshold)


def prepare(connection: duckdb.DuckDBPyConnection, given: str, plan: Plan, into: str, first: int = 0) -> None:
    """Create `into`, the prepared records of the table `given` (`#record_id` and the columns of the plan).

    Records are numbered from `first` in the order of what they say (`digest`), then of their ids. An entity has the
    number of its first record here. The digest does not depend on the versions of libraries.
    """
    read = [*(name for name in (plan.source, plan.functional) if name), *sorted(plan.mapping.sources)]
    text = ", ".join(f"coalesce({quoted(name)}::varchar, '')" for name in read)
    columns = ", ".join(quoted(name) for name in sorted(plan.mapping.sources))
    source = f"{quoted(plan.source)}::varchar" if plan.source else "''"
    entity = f"{quoted(plan.entity)}::varchar" if plan.entity else "null::varchar"
    functional = f"{quoted(plan.functional)}::varchar" if plan.functional else "null::varchar"
    connection.execute(
        f"""create or replace temp table numbered as
        select *, case when "#entity_id" is null then "#record"
            else min("#record") over (partition by "#entity_id") end as "#entity"
        from (
            select {first} - 1 + row_number() over (order by "#digest", "#record_id") as "#record", *
            from (select "#record_id", {entity} as "#entity_id", {source} as "#source",
                {functional} as "#functional", md5_number_lower(concat_ws(chr(31), {text})) as "#digest", {columns}
                from {given})
        )"""
    )
    names = ("record", "record_id", "entity", "entity_id", "source", "functional", "digest")
    normalise(connection, "numbered", plan.mapping, into, [f'"#{name}" as {name}' for name in names])
    connection.execute("drop table numbered")


def learn_model(connection: duckdb.DuckDBPyConnection, plan: Plan) -> Model:
    """Learn a model from the table `records`, without labels. Leaves the candidates of its keys behind."""
    mapping = plan.mapping
    keys = choose_keys(connection, "records", mapping)
    (rows,) = connection.execute("select count(*) from records").fetchall()[0]
    sketch = Model(Parameters([], [], [], (), 0.5, 0.0, 0.0), keys, {}, columns_of(mapping), rows)
    lines = pairs.lines_of(sketch, mapping)
    block_all(connection, lines, plan)
    (count,) = connection.execute("select count(*) from candidates").fetchall()[0]
    possible = possible_pairs(connection, plan)
    part = min(1.0, TRAINING_PAIRS / max(count, 1))
    sample(connection, "candidates", "training", part)
    seen = vectors.compare(connection, "training", mapping)
    chance = seen
    if count != possible or part < 1:
        random_pairs(connection, "by_chance", RANDOM_PAIRS, plan.kinds)
        chance = vectors.compare(connection, "by_chance", mapping)
    grouped = [groups(comparison) for comparison in comparisons(mapping)]
    parameters = learn(seen, chance, grouped, roles(mapping), max(rows, 2), possible, part)
    rare = vectors.usual_frequency(mapping, parameters)
    rarity = {name: vectors.learn_rarity(connection, name) for name in rare}
    return Model(parameters, keys, rarity, columns_of(mapping), rows)


def build(connection: duckdb.DuckDBPyConnection, plan: Plan, model: Model | None) -> Model:
    """Fill `shared`, `held` and `edges` from `records`; learn the model if there is none, and give it."""
    learned = model is None
    if learned:
        model = learn_model(connection, plan)
    lines = pairs.lines_of(model, plan.mapping)
    if not learned:
        block_all(connection, lines, plan)
    connection.execute("create or replace table edges (l bigint, r bigint, weight double, rule varchar)")
    add_edges(connection, lines, plan, model, None)
    connection.execute(f"create or replace table sums as {SUM.format('records')}")
    return model


def block_all(connection: duckdb.DuckDBPyConnection, lines: list[pairs.Line], plan: Plan) -> None:
    """Fill `shared` and `held` and write the candidates of all keys."""
    pairs.make_tables(connection, lines)
    pairs.share(connection, lines)
    pairs.hold_all(connection, lines)
    pairs.candidates(connection, [line for line in lines if not line.is_rule], plan.kinds, "candidates")


def add_edges(
    connection: duckdb.DuckDBPyConnection, lines: list[pairs.Line], plan: Plan, model: Model, touched: str | None
) -> None:
    """Score the candidates and add them and what the rules say to `edges`; a rule goes before a score.

    What was added stands in `new_edges` as well.
    """
    vectors.score(connection, "candidates", plan.mapping, model, plan.floor, "scored")
    rules = [line for line in lines if line.is_rule]
    pairs.candidates(connection, rules, plan.kinds, "ruled", touched)
    names = " ".join(f"when {n} then '{line.says.replace(chr(39), chr(39) * 2)}'" for n, line in enumerate(rules))
    rule = f"case line {names} end" if rules else "null::varchar"
    connection.execute(
        f"""create or replace temp table new_edges as
        select l, r, {CERTAIN}::double as weight, {rule} as rule from ruled
        union all select l, r, weight, null from scored anti join ruled using (l, r)"""
    )
    connection.execute("insert into edges from new_edges; drop table candidates; drop table scored; drop table ruled")


def possible_pairs(connection: duckdb.DuckDBPyConnection, plan: Plan) -> int:
    """Count all pairs that could be compared."""
    halves = "select coalesce(sum(n * (n - 1) // 2), 0)::bigint from (select count(*) as n from records {})"

    def count(by: str) -> int:
        return connection.execute(halves.format(f"group by {by}" if by else "")).fetchall()[0][0]

    everything = count("")
    if plan.source:
        everything -= count("source")
    if plan.entity:
        everything -= count("entity")
        everything += count("source, entity") if plan.source else 0
    return everything


def sample(connection: duckdb.DuckDBPyConnection, table: str, into: str, part: float) -> None:
    """Write about `part` of the pairs to `into`; the same pairs in every run."""
    chosen = "" if part == 1 else f"where hash(l, r) % 1000000 < {int(part * 1_000_000)}"
    connection.execute(f"create or replace temp table {into} as select l, r from {table} {chosen}")


def random_pairs(connection: duckdb.DuckDBPyConnection, into: str, count: int, kinds: pairs.Kinds) -> None:
    """Write about `count` random pairs to `into`: records with their neighbours in a random order."""
    (rows,) = connection.execute("select count(*) from records").fetchall()[0]
    steps = max(1, min(rows - 1, count // max(rows, 1) + 1))
    connection.execute(
        f"""create or replace temp table {into} as
        with shuffled as (
            select record, source, entity, row_number() over (order by hash(record, 17), record) as place from records
        )
        select distinct least(l.record, r.record) as l, greatest(l.record, r.record) as r
        from shuffled l cross join range(1, {steps + 1}) as step(far)
        join shuffled r on r.place = (l.place + far - 1) % {rows} + 1
        where l.place <= {max(count // steps, 1)} and l.record <> r.record {kinds.sql}"""
    )
