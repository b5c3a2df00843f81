"""A picture of a customer for the steward: accounts, contacts and cards, what joins them, and the weak bridge.

If the customer is a part of a suspicious cluster, the other part is drawn beside it.
"""

from collections import defaultdict
from math import cos, pi, sin
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ml.identity import cache
from ml.identity.masking import masked, masked_key
from ml.identity.person_records import load_person_records
from ml.identity.steps import Step, decisions_between, steps_between
from ml.identity.steward import Entity, StewardError
from ml.identity.suspicion import Case, list_cases
from runtime.warehouse import transaction

MARKERS = {"account": "o", "contact": "s", "card": "D"}
PALETTE = (
    "#4477aa",
    "#ccbb44",
    "#228833",
    "#aa3377",
    "#66ccee",
)  # Paul Tol's, safe for colour blindness
BRIDGE = "#cc0000"
DPI = 110
APART = 4.5  # of the middles of two circles of radius 1
TURN = 0.8  # radians by which all but the first are turned, so that no three stand in a line
MOST = 60  # entities of a picture that can still be read

Place = tuple[float, float]


def draw(customer_id: str, to: Path, shows_values: bool = False) -> int:
    """Write the picture of a customer as PNG and give the number of entities in it. Raises StewardError."""
    cases = [case for case in list_cases() if customer_id in case.customers and len(case.customers) > 1]
    customers = sorted({customer_id, *(other for case in cases for other in case.customers)})
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select c.entity_kind, c.source_key, c.customer_id, r.given_name, r.surname, r.email, r.birth_date::text
            from identity.entity_customers c
            left join lateral (
                select * from identity.person_records r
                where (r.entity_kind, r.source_key) = (c.entity_kind, c.source_key)
                order by r.known_date desc, r.record_id limit 1
            ) r on true
            where c.customer_id = any(%s) order by c.customer_id, 1, 2
            """,
            (customers,),
        )
        found = cursor.fetchall()
        steps = steps_between(connection, customers)
        apart = [row for row in decisions_between(connection, {"customers": customers}) if row[2] == "split"]
    owners = {Entity(kind, key): customer for kind, key, customer, *_ in found}
    if customer_id not in owners.values():
        raise StewardError(f"There is no customer {customer_id}.")
    if len(owners) > MOST:
        raise StewardError(f"{customer_id} has {len(owners)} entities; a picture shows at most {MOST}.")
    labels = {Entity(kind, key): label(kind, key, told, shows_values) for kind, key, _, *told in found}
    steps += [Step(left, right, "split", f"split, decision {number}", 0.0) for left, right, _, number, *_ in apart]
    render(owners, labels, steps, cases, to)
    return len(owners)


def label(kind: str, key: str, told: list[str | None], shows_values: bool) -> str:
    """Name an entity: its kind and number, and what it says of the person."""
    number = key if shows_values else masked_key(key)
    values = [value if shows_values else masked(value) for value in told if value]
    return "\n".join([f"{kind} {number}", " ".join(values[:2]), *values[2:]]).rstrip()


def render(
    owners: dict[Entity, str], labels: dict[Entity, str], steps: list[Step], cases: list[Case], to: Path
) -> None:
    """Draw and write the picture."""
    threshold = load_person_records().threshold
    bridges = {tuple(sorted(case.pair)) for case in cases}
    places = lay_out(owners, steps, bridges)
    figure = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for step in sorted(steps, key=lambda step: step.ends in bridges):
        draw_step(axes, step, places, threshold, step.ends in bridges)
    customers = list(dict.fromkeys(owners.values()))
    for number, customer in enumerate(customers):
        colour = PALETTE[number % len(PALETTE)]
        for kind, marker in MARKERS.items():
            spots = [places[entity] for entity, owner in owners.items() if owner == customer and entity.kind == kind]
            if spots:
                axes.scatter(*zip(*spots, strict=True), s=330, c=colour, marker=marker, zorder=3, edgecolors="white")
        axes.scatter([], [], s=120, c=colour, label=customer)
    for entity, (x, y) in places.items():
        axes.annotate(
            labels[entity], (x, y), xytext=(0, -15), textcoords="offset points", ha="center", va="top", fontsize=8,
            bbox={"boxstyle": "round", "facecolor": "white", "alpha": 0.8, "linewidth": 0}, zorder=4,
        )  # fmt: skip
    for kind, marker in MARKERS.items():
        axes.scatter([], [], s=120, c="#888888", marker=marker, label=kind)
    if bridges:
        axes.plot([], [], color=BRIDGE, linestyle="--", linewidth=2.5, label="weak bridge")
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.15)
    axes.axis("off")
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    axes.set_title(f"Numbers are log2 odds; {threshold:.1f} are enough", fontsize=9)
    to.parent.mkdir(parents=True, exist_ok=True)
    with cache.private():
        to.unlink(missing_ok=True)
        figure.savefig(to, dpi=DPI, format="png")


def draw_step(axes, step: Step, places: dict[Entity, Place], threshold: float, is_bridge: bool) -> None:
    """Draw a line and what it says."""
    (x, y), (u, v) = places[step.left], places[step.right]
    is_weak = step.by == "score" and step.weight < threshold
    colour = BRIDGE if is_bridge or step.by == "split" else "#aaaaaa" if is_weak else "#333333"
    style = "--" if is_bridge else ":" if is_weak or step.by in ("card", "split") else "-"
    width = 2.5 if is_bridge or step.by in ("rule", "steward") else 1.2
    axes.plot([x, u], [y, v], color=colour, linestyle=style, linewidth=width, zorder=1)
    short = {"score": f"{step.weight:+.1f}", "card": "told", "steward": "joined by a steward"}
    said = short.get(step.by, step.says.removeprefix("rule, equal "))
    axes.annotate(
        f"weak bridge\n{said}" if is_bridge else said, ((x + u) / 2, (y + v) / 2), ha="center", va="center", fontsize=7,
        color=colour, bbox={"boxstyle": "round", "facecolor": "white", "linewidth": 0, "pad": 0.1}, zorder=2,
    )  # fmt: skip


def lay_out(owners: dict[Entity, str], steps: list[Step], bridges: set[tuple[Entity, ...]]) -> dict[Entity, Place]:
    """Put each customer's entities on a circle of their own, neighbours beside each other, bridges face to face."""
    near: dict[Entity, list[Entity]] = defaultdict(list)
    for step in sorted(steps, key=lambda step: (-step.weight, step.ends)):
        near[step.left].append(step.right)
        near[step.right].append(step.left)
    bridged = {end for bridge in bridges for end in bridge}
    places: dict[Entity, Place] = {}
    for number, customer in enumerate(dict.fromkeys(owners.values())):
        members = [entity for entity, owner in owners.items() if owner == customer]
        ordered = walk([entity for entity in members if entity in bridged][:1], members, near)
        facing, turn = (0.0, TURN) if number % 2 == 0 else (pi, -TURN)  # the first of a circle looks to the next one
        radius = 0.0 if len(ordered) == 1 else 1.0
        for place, entity in enumerate(ordered):
            angle = facing + 2 * pi * place / len(ordered) + (turn if place else 0)
            places[entity] = (APART * number + radius * cos(angle), radius * sin(angle))
    return places


def walk(first: list[Entity], members: list[Entity], near: dict[Entity, list[Entity]]) -> list[Entity]:
    """Order entities so that each follows one it is joined to, as far as there is one."""
    ordered: dict[Entity, None] = {}
    waiting = [*reversed(members), *first]
    while waiting:
        entity = waiting.pop()
        if entity not in ordered:
            ordered[entity] = None
            waiting += [other for other in reversed(near[entity]) if other in members and other not in ordered]
    return list(ordered)
