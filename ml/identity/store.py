"""Linking in the warehouse: records in by COPY, edges and clusters out in one transaction, replaced as a whole."""

import psycopg2
from psycopg2 import sql

from ml.identity.learned import Model
from ml.identity.link import Linkage, link
from ml.identity.mapping import Mapping
from runtime.warehouse import Query, copy_frame, read_frame

EDGES = """left_id text not null, right_id text not null, weight double precision not null,
    probability double precision not null, rule text, primary key (left_id, right_id)"""
CLUSTERS = "record_id text primary key, cluster_id text not null"
HELD = "record_id text not null, records bigint not null, rule text, key text"
SUSPICIOUS = """case_id text primary key, reason text not null, left_id text not null, right_id text not null,
    weight double precision not null, records bigint not null, members text not null"""


def link_records(
    connection: psycopg2.extensions.connection,
    query: Query,
    mapping: Mapping,
    into: str,
    source: str | None = None,
    forbidden: Query | None = None,
    entity: str | None = None,
    model: Model | None = None,
) -> Linkage:
    """Link the rows of `query` and write `<into>_edges`, `<into>_clusters` and `<into>_held` ("identity.person").

    The caller owns the transaction: on an error everything stays as it was. Running twice changes nothing.
    `forbidden`: a query of `left_id, right_id`, pairs that must not meet.
    """
    records = read_frame(connection, query)
    if mapping.record_id:
        records[mapping.record_id] = records[mapping.record_id].astype(str)
    banned = read_frame(connection, forbidden).astype(str) if forbidden is not None else None
    found = link(records, mapping, source, banned, entity=entity, model=model)
    for suffix, columns, frame in (
        ("edges", EDGES, found.edges),
        ("clusters", CLUSTERS, found.clusters),
        ("held", HELD, found.held),
        ("suspicious", SUSPICIOUS, found.suspicious),
    ):
        replace(connection, f"{into}_{suffix}", columns, frame)
    return found


def replace(connection: psycopg2.extensions.connection, table: str, columns: str, frame) -> None:
    """Make the table if it is not there, and fill it anew."""
    name = sql.Identifier(*table.split("."))
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("create table if not exists {} ({})").format(name, sql.SQL(columns)))
        cursor.execute(sql.SQL("delete from {}").format(name))
    copy_frame(connection, frame, table)
