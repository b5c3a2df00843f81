"""What the steward's commands print."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ml.identity.dry_run import DryRun
from ml.identity.explanation import Explanation
from ml.identity.masking import masked
from ml.identity.steps import Step
from ml.identity.steward import Kept
from ml.identity.suspicion import Case, Held

WIDTH = 140  # of what goes to a file or a pipe
SHOWN = 6  # entities or pairs in a line


def console() -> Console:
    """Give the console of this moment's standard output."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)


def table(
    title: str | None, columns: Iterable[str], rows: Iterable[Iterable[Any]], numbers: Iterable[str] = ()
) -> None:
    """Print a table; `numbers` names the columns that stand to the right. Without rows the title says it all."""
    rows = list(rows)
    if not rows:
        return say(title or "")
    drawn = Table(title=title, title_justify="left", title_style="bold", pad_edge=False)
    for column in columns:
        drawn.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text("" if value is None else str(value)) for value in row))
    return console().print(drawn)


def say(*lines: str) -> None:
    """Print lines as they are."""
    for line in lines:
        console().print(Text(line))


def some(named: Iterable[Any], count: int = SHOWN) -> str:
    """Write the first few, and how many more there are."""
    every = list(named)
    more = f" and {len(every) - count} more" if len(every) > count else ""
    return ", ".join(map(str, every[:count])) + more


def show_kept(verb: str, kept: Kept) -> None:
    """Say what was decided and what follows."""
    pairs = some(f"{one} and {other}" for one, other in kept.pairs)
    word = "is kept" if kept.is_new else "stood already: nothing was written"
    say(
        f"Decision {kept.decision_id}: {verb} {pairs}, from {kept.day} on. It {word}.",
        f"The next build_warehouse of {kept.day} or a later day applies it and computes anew whatever hangs on it; "
        "what went out is listed then: python -m ml.identity retractions",
    )


def show_decisions(found: list[tuple]) -> None:
    """List decisions."""
    columns = ("no.", "verb", "entities", "from", "by", "reason", "revoked", "by", "reason")
    table(f"{len(found)} decisions", columns, found, ("no.",))


def show_cases(found: list[Case]) -> None:
    """List suspicious clusters and what to do about them."""
    rows = [
        (
            case.case_id[:8],
            case.reason,
            *(some(part, 3) for part in case.parts),
            f"{case.weight:+.1f}",
            some(case.customers, 2),
        )
        for case in found
    ]
    columns = ("case", "why", "one part", "the other", "strongest pair", "customers")
    table(f"{len(found)} suspicious clusters, published in parts", columns, rows, ("strongest pair",))
    say(*(f"{case.case_id[:8]}: {case.to_do}" for case in found))


def show_held(found: list[Held]) -> None:
    """List held values."""
    rows = [(value.by, value.name, f"{value.records:,}", value.value) for value in found]
    title = f"{len(found)} values that too many share, or that are none: they neither merge nor are looked at"
    table(title, ("by", "rule, key or attribute", "have it", "value"), rows, ("have it",))


def show_retractions(found: list[tuple]) -> None:
    """List what went out for a wrong person."""
    columns = ("what", "id", "customer", "entity", "moved by", "wrong since", "of", "moved", "live")
    table(f"{len(found)} to take back", columns, [(*row[:-1], "yes" if row[-1] else "") for row in found])


def show_explanation(found: Explanation, shows_values: bool) -> None:
    """Say why two entities are one customer or two."""
    one, other = found.entities
    if found.is_one:
        say(f"{one} and {other} are one customer, {found.customers[0]}.", *found.against)
    else:
        say(f"{one} and {other} are two customers, {found.customers[0]} and {found.customers[1]}.", *found.against)
        say(*(["The strongest evidence between the two:"] if found.steps else []))
    for number, step in enumerate(found.steps, start=1):
        enough = f" ({found.threshold:.1f} are enough)" if step.by == "score" else ""
        worth = f", {step.weight:+.1f} log2 odds{enough}" if step.by in ("score", "rule") else ""
        say(f"{number}. {step.left} and {step.right}: {step.says}{worth}")
        if step.parts:
            show_parts(step, found, shows_values)
        elif step.by == "score":
            say("   No model is kept that could break this down.")
    rows = [(row.entity, row.table, row.batch_id, row.source_row, row.known_date) for row in found.rows]
    if rows:
        table("Source rows", ("entity", "table", "batch_id", "source_row", "known"), rows, ("source_row",))
    else:
        say("No source row is in staging.")


def show_parts(step: Step, found: Explanation, shows_values: bool) -> None:
    """Print what a score is made of; values are masked unless asked for."""
    left, right = (found.values.get(record, {}) for record in step.records)

    def told(values: dict[str, str | None], sources: tuple[str, ...]) -> str:
        written = [values[source] for source in sources if values.get(source)]
        return " ".join(value if shows_values else masked(value) for value in written)

    known = [part for part in step.parts if part.level != "missing"]
    rows = [
        (part.column, told(left, part.sources), told(right, part.sources), part.level, f"{part.bits:+.2f}")
        for part in known
    ]
    unknown = ", ".join(part.column for part in step.parts if part.level == "missing")
    total = sum(part.bits for part in step.parts)
    rows.append(("together", "", "", "", f"{total:+.2f}"))
    table(None, ("compared", str(step.left), str(step.right), "how alike", "log2 odds"), rows, ("log2 odds",))
    if unknown:
        say(f"   Not known of both, so it says nothing: {unknown}.")
    if abs(total - step.weight) > 0.01:
        say(f"   The table of edges says {step.weight:+.2f}: it was written by another model or version; build again.")


def show_dry_run(found: DryRun) -> None:
    """Print what other rules would change."""
    rows = [
        ("customers now", found.customers_now),
        ("customers then", found.customers_then),
        ("new: ids that nobody has now", found.new),
        ("moved: entities with another id", found.moved),
        ("merged: customers made of several", found.merged),
        ("split: customers that become several", found.split),
    ]
    table(f"Under these rules on {found.as_of}; nothing was written", ("what", "count"), rows, ("count",))
    table(
        f"The {len(found.largest)} largest changes",
        ("what", "entities", "now", "then", "look at"),
        [
            (
                change.says,
                change.entities,
                some(change.now, 2),
                some(change.then, 2),
                "explain {} {}".format(*change.example),
            )
            for change in found.largest
        ],
        ("entities",),
    )
