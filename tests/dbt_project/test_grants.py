"""Who may read which column of the marts, found out by trying."""

import os

import pandas as pd
import psycopg2
import pytest
from dbt_builds import Warehouse, documented
from test_departments_missing import LINE

from runtime import warehouse as runtime_warehouse


def read(company: Warehouse, role: str, query: str) -> list[tuple]:
    """Run a query as another role."""
    address = {**runtime_warehouse.address(role), "dbname": os.environ["CX_PG_DBNAME"]}
    with psycopg2.connect(**address) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        rows = cursor.fetchall()
    connection.close()
    return rows


def test_roles_read_their_columns_and_nothing_else(company: Warehouse) -> None:
    company.deliver("till", "transactions", pd.DataFrame([LINE]), "2017-03-04", "2017-03-04", history=True)
    company.build("2017-03-04")
    company.run("grant usage on schema marts, insights, features to cx_bi, cx_agent")
    for role, query in (
        ("cx_bi", "select customer_id, spend_eur, known_date from marts.customers"),
        ("cx_bi", "select * from marts.baskets"),
        ("cx_agent", "select customer_id, loyalty_number, spend_eur from marts.customers"),
    ):
        assert len(read(company, role, query)) == 1, query
    for role, query in (
        ("cx_bi", "select loyalty_number from marts.customers"),
        ("cx_bi", "select * from marts.customers"),
        ("cx_bi", "select age_band from marts.customer_profiles"),
        ("cx_bi", "select 1 from features.customer_features"),
        ("cx_agent", "select age_band from marts.customers"),
        ("cx_agent", "select 1 from marts.baskets"),
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            read(company, role, query)


def test_descriptions_stand_in_the_database(company: Warehouse) -> None:
    with documented():
        company.build(None, "--select", "quiet_hours", "contact_limits")
    described = """
        select relname, obj_description(oid, 'pg_class') like 'One row per channel%%',
            col_description(oid, attnum) is not null
        from pg_class join pg_attribute on attrelid = oid
        where relnamespace = 'vocabulary'::regnamespace and attname in ('window_days', 'time_zone')
        order by 1
    """
    assert company.rows(described) == [("contact_limits", True, True), ("quiet_hours", True, True)]
