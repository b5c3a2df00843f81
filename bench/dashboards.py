"""How long a dashboard waits: `python -m bench.dashboards --home FOLDER [--repeats N]`.

FOLDER is a warehouse that `python -m bench.warehouse --keep FOLDER` left. Ten questions that BI tools ask of `marts`,
as `cx_bi`, each in a connection of its own as a tool opens them, after one round that warms the server. Printed are the
median and the 95th percentile of each, in milliseconds.
"""

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

import numpy as np
import psycopg2
from rich.table import Table

from runtime import postgres
from runtime.progress import console
from runtime.settings import PREFIX, settings
from runtime.warehouse import address

QUESTIONS = {
    "revenue by week and department": """
        select c.week_start_date, b.department, sum(b.spend_eur) from marts.basket_lines b
        join marts.calendar_days c on c.date_day = b.sold_date group by 1, 2 order by 1, 2
    """,
    "customers by stage of life": """
        select lifecycle_stage, count(*) from marts.customer_lifecycles group by 1 order by 2 desc
    """,
    "activities by month, channel and phase": """
        select month_start_date, channel, phase, activities, customers from insights.activity_months order by 1, 2, 3
    """,
    "activities of the last 28 days by department": """
        select department, activity, count(*) from marts.customer_activities
        where activity_date > (select max(date_day) - 28 from marts.calendar_days)
        group by 1, 2 order by 3 desc
    """,
    "journeys by need and how they ended": """
        select need, status, count(*), avg(settled_date - started_date) from marts.journeys group by 1, 2 order by 1, 2
    """,
    "open cases by channel and category": """
        select channel, category, count(*), min(opened_date) from marts.cases where is_open
        group by 1, 2 order by 3 desc
    """,
    "mailings by campaign: sent, opened, clicked": """
        select campaign_id, channel, count(*), count(first_opened_date), count(first_clicked_date)
        from marts.mailing_sends group by 1, 2 order by 3 desc limit 50
    """,
    "consent by purpose and channel": """
        select purpose, channel, avg(is_granted::int), count(*) from marts.consents group by 1, 2 order by 1, 2
    """,
    "recommendation by month": """
        select date_trunc('month', answered_date), avg(score), count(*) from marts.survey_answers group by 1 order by 1
    """,
    "customers who buy online and called us": """
        select count(*) from marts.customers c
        where exists (select from marts.baskets b where b.customer_id = c.customer_id and b.store_id = 'online')
            and exists (select from marts.cases s where s.customer_id = c.customer_id and s.channel = 'phone')
    """,
}


def main() -> None:
    """Ask, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a warehouse that bench.warehouse --keep left")
    parser.add_argument("--repeats", type=int, default=20, help="how often each question is asked (default: 20)")
    given = parser.parse_args()
    if given.home is None:  # `make bench` runs every benchmark without arguments
        print("bench.dashboards needs --home; nothing was measured.")
        return
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ |= {"CX_HOME": str(given.home.resolve()), "CX_DATASET": "nordhaus"}
    try:
        postgres.start(settings())
        times = {name: [ask(query) for _ in range(given.repeats + 1)][1:] for name, query in QUESTIONS.items()}
        (customers,) = look("select count(*) from marts.customers")
        (activities,) = look("select count(*) from marts.customer_activities")
    finally:
        postgres.stop(settings())
    show(times, customers, activities)


def ask(query: str) -> float:
    """Milliseconds until the answer is there, connection included."""
    begun = time.perf_counter()
    look(query)
    return 1000 * (time.perf_counter() - begun)


def look(query: str) -> tuple:
    """The first row of an answer that was fetched whole; nothing if it is empty."""
    connection = psycopg2.connect(**address("cx_bi"))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            return next(iter(cursor.fetchall()), ())
    finally:
        connection.close()


def show(times: dict[str, list[float]], customers: int, activities: int) -> None:
    """Print a line per question and the JSON line."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    table = Table(title=f"{customers:,} customers, {activities:,} activities; milliseconds; {machine}")
    for title in ("question", "median", "p95"):
        table.add_column(title, justify="left" if title == "question" else "right")
    for name, each in times.items():
        table.add_row(name, f"{statistics.median(each):,.0f}", f"{np.percentile(each, 95):,.0f}")
    console.print(table)
    worst = {name: round(float(np.percentile(each, 95)), 1) for name, each in times.items()}
    every = np.concatenate(list(times.values()))
    print(
        json.dumps(
            {"p95_ms": round(float(np.percentile(every, 95)), 1), "slowest_p95_ms": max(worst.values()), **worst}
        )
    )


if __name__ == "__main__":
    main()
