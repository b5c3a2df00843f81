"""What came out of the demo: customers, rows, gates, models, decisions, time, and where to look."""

import os
from datetime import date, datetime
from typing import Any

from psycopg2 import sql
from rich.table import Table

from runtime import airflow_client, ports, service_environment, warehouse
from runtime.airflow_client import AirflowClient
from runtime.company import contract_files
from runtime.demo_chain import CHAIN, ONCE, Walk, days_played
from runtime.progress import console
from runtime.settings import Settings

LAYERS = (
    "quarantine",
    "staging",
    "identity",
    "marts",
    "features",
    "scores",
    "decisions",
    "activation",
    "insights",
)
# Each model with the group of its metrics that speaks for all of it.
MODELS = {"cx_intent": "macro", "cx_response": "response"}
METRICS = ("pr_auc", "log_loss", "ece")


def show_summary(client: AirflowClient, settings: Settings, seconds: float) -> None:
    """Print everything a newcomer wants to know; `seconds` is how long the demo took."""
    last = settings.demo_last
    with warehouse.transaction("cx_pipeline") as connection, connection.cursor() as cursor:
        customers = rows(cursor, "select count(*) from marts.customers")[0][0]
        console.print(f"\n[bold]{customers:,} customers, decided for {last}[/]")
        raw = [f"raw_{department}" for department in contract_files(settings)]
        show("Rows per layer", ("schema", "tables", "rows"), layers(cursor, [*sorted(raw), *LAYERS]))
        show(f"Gates on {last}", ("gate", "passed", "warned", "failed"), gates(cursor, last))
        show("Decisions", ("action", "channel", "customers", "mean expected EUR"), decisions(cursor, last))
    show("Models on later weeks", ("model", "version", "as of", "learner", *METRICS), models(settings))
    show("Seconds per DAG", ("DAG", *map(str, days_played(settings))), times(client, settings))
    console.print(
        f"The decisions claim no effect: campaigns in this data were not sent at random.\n\n"
        f"Airflow  http://{ports.HOST}:{ports.remembered(settings, 'airflow')}  user {airflow_client.USER}, "
        f"password in {settings.secrets_dir / 'airflow_admin'}\n"
        f"MLflow   http://{ports.HOST}:{ports.remembered(settings, 'mlflow')}  user {service_environment.MLFLOW_USER}, "
        f"password in {settings.secrets_dir / 'mlflow_admin'}\n"
        f"Gates    file://{settings.home / 'data_docs' / 'overview.html'}\n"
        f"SQL      make -s url ROLE=cx_bi prints a URL with its password; roles: {', '.join(warehouse.ROLES)}\n"
        f"All of it took {seconds:.0f} s and stays up; `make down` stops it, `make demo` goes on or shows this again."
    )


def show(title: str, columns: tuple[str, ...], lines: list[tuple[Any, ...]]) -> None:
    """Print one table; numbers stand to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        is_number = bool(lines) and isinstance(lines[0][number], int | float)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for line in lines:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in line))
    console.print(table)


def rows(cursor: Any, query: str | sql.Composable, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Fetch all rows of a query."""
    cursor.execute(query, values)
    return cursor.fetchall()


def layers(cursor: Any, schemas: list[str]) -> list[tuple[str, int, int]]:
    """Count tables and rows of each schema, exactly; the loader's own tables and views are not counted."""
    found = []
    for schema in schemas:
        tables = [
            name
            for (name,) in rows(
                cursor,
                "select table_name from information_schema.tables where table_schema = %s and table_type = 'BASE TABLE'"
                r" and table_name not like '\_%%' order by 1",
                (schema,),
            )
        ]
        count = sql.SQL("select count(*) from {}")
        counted = [rows(cursor, count.format(sql.Identifier(schema, table)))[0][0] for table in tables]
        found.append((schema, len(tables), sum(counted)))
    return found


def gates(cursor: Any, day: date) -> list[tuple[Any, ...]]:
    """Count what each gate found on `day`: expectations that hold, warnings, critical failures."""
    return rows(
        cursor,
        "select gate, count(*) filter (where success), count(*) filter (where not success and severity = 'warning'),"
        " count(*) filter (where not success and severity = 'critical')"
        " from quality.gate_results where as_of = %s group by gate order by gate",
        (day,),
    )


def decisions(cursor: Any, day: date) -> list[tuple[Any, ...]]:
    """Count the published first actions of `day` by action."""
    return rows(
        cursor,
        "select action_id, channel, count(*), round(avg(expected_net_value_eur), 2)::float"
        " from activation.next_best_actions where rank = 1 and as_of_date = %s group by 1, 2 order by 3 desc",
        (day,),
    )


def models(settings: Settings) -> list[tuple[Any, ...]]:
    """Name each champion and how well its run's learners did on later weeks, from MLflow."""
    os.environ.update(service_environment.tools(settings))
    from ml import registry

    lines: list[tuple[Any, ...]] = []
    for model, group in MODELS.items():
        version = registry.champion(model)
        figures = registry.metrics(version)
        learners = sorted({name.split("/")[1] for name in figures if name.startswith(f"{group}/")})
        for learner in learners:
            shown = [figures.get(f"{group}/{learner}/{metric}") for metric in METRICS]
            if None not in shown:
                lines.append((model, version.version, version.tags["as_of"], learner, *(f"{one:.4f}" for one in shown)))
    return lines


def times(client: AirflowClient, settings: Settings) -> list[tuple[Any, ...]]:
    """How long each DAG ran on each day, in seconds."""
    runs = client.runs()
    days = days_played(settings)
    walks = [Walk(runs, day, CHAIN) for day in days]
    alone = Walk(runs, days[-1], {dag_id: () for dag_id in ONCE})
    lines = [(dag_id, *(duration(walk.run(dag_id)) for walk in walks)) for dag_id in CHAIN]
    return lines + [(dag_id, *("" for _ in days[1:]), duration(alone.run(dag_id))) for dag_id in ONCE]


def duration(run: dict[str, Any] | None) -> str:
    """Seconds from a run's start to its end."""
    if not run or not run["end_date"]:
        return "-"
    began, ended = (datetime.fromisoformat(run[field]) for field in ("start_date", "end_date"))
    return f"{(ended - began).total_seconds():.1f}"
