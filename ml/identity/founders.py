"""Customer ids for ever: a customer carries the id that was made of its founder, its entity that was known first.

So ids depend on the partition and on when entities were first known, never on the way there: a full rebuild gives the
ids of any sequence of increments, a merge keeps the older id, and an undone merge gives both their own ids back. (By
largest overlap, the usual rule, two orders of the same increments may end with different ids.)
"""

import pandas as pd
import psycopg2
from psycopg2 import sql

from runtime.warehouse import copy_frame

FOUND = "pg_temp.found_customers"
# 16 hexadecimal digits that do not show the source's own number. Known on one day: account, contact, card, then key.
CUSTOMERS = """
    drop table if exists pg_temp.found_customers;
    create temporary table found_customers on commit drop as
    with placed as (
        select
            known.entity_kind,
            known.source_key,
            known.first_known_date,
            coalesce(united.united_id, clusters.cluster_id, known.owner) as cluster_id
        from pg_temp.known_entities as known
        left join {clusters} as clusters on known.owner = clusters.record_id
        left join pg_temp.united on coalesce(clusters.cluster_id, known.owner) = united.cluster_id
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by cluster_id
                order by
                    first_known_date,
                    array_position(array['account', 'contact', 'card'], entity_kind),
                    source_key collate "C"
            ) as place
        from placed
    ),

    founders as (
        select
            cluster_id,
            'c' || left(md5('cxloop/' || entity_kind || '/' || source_key), 16) as customer_id
        from ranked where place = 1
    )

    select ranked.entity_kind, ranked.source_key, founders.customer_id, ranked.first_known_date,
        ranked.place = 1 as is_founder
    from ranked inner join founders using (cluster_id);
    alter table pg_temp.found_customers add primary key (entity_kind, source_key);
    analyze pg_temp.found_customers;
"""


def find_customers(connection: psycopg2.extensions.connection, clusters: str, united: pd.DataFrame) -> None:
    """Write every known entity's customer to the temporary table `FOUND`, with the columns of `entity_customers`.

    `clusters`: the linkage's table of `record_id, cluster_id`; `united`: `cluster_id, united_id` (`constraints.py`).
    Reads `pg_temp.known_entities`.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """drop table if exists pg_temp.united;
            create temporary table united (cluster_id text primary key, united_id text not null) on commit drop"""
        )
        copy_frame(connection, united, "pg_temp.united")
        cursor.execute(sql.SQL(CUSTOMERS).format(clusters=sql.Identifier(*clusters.split("."))))
