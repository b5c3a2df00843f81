"""Increments in the warehouse: what is written, and what a lost, stale or half-written cache does."""

import pytest

from ml.identity import store
from ml.identity.mapping import read_mapping
from ml.identity.store import link_records
from runtime.warehouse import copy_frame, read_frame, transaction
from tests.ml.linked_people import MAPPING, people

COLUMNS = read_mapping(MAPPING)
INTO = "identity.test_store"
QUERY = "select * from identity.test_store_people"
TABLES = ("edges", "clusters", "held", "suspicious", "state")


@pytest.fixture
def linked(warehouse, tmp_path):
    """Link a table as a whole; yield the model and the file of the cache; take all tables away afterwards."""
    file = tmp_path / "linkage.duckdb"
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute("create table identity.test_store_people (no text, first text, last text, born date, mail text)")
        copy_frame(connection, people(60).drop(columns="person"), "identity.test_store_people")
        model = link_records(connection, QUERY, COLUMNS, INTO, file=file).model
    yield model, file
    with transaction() as connection, connection.cursor() as cursor:
        for name in ("people", *TABLES):
            cursor.execute(f"drop table if exists {INTO}_{name}")


def run(model, file, changed=None):
    """Link what is there in a transaction of its own."""
    with transaction() as connection:
        return link_records(connection, QUERY, COLUMNS, INTO, model=model, file=file, changed=changed)


def tables(into: str = INTO) -> dict[str, list]:
    """Read all that is published."""
    with transaction() as connection:
        return {
            name: read_frame(connection, f"select * from {into}_{name} order by 1, 2").astype(str).values.tolist()
            for name in TABLES
        }


def alter(statement: str) -> None:
    """Change the people."""
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def whole(model) -> dict[str, list]:
    """Link all that is there into other tables, and read and remove them."""
    other = "identity.test_store_whole"
    with transaction() as connection:
        link_records(connection, QUERY, COLUMNS, other, model=model)
    found = tables(other)
    alter("; ".join(f"drop table {other}_{name}" for name in TABLES))
    return found


CHANGE = """insert into identity.test_store_people select 'new', first, last, born, mail
        from identity.test_store_people order by no limit 1;
    update identity.test_store_people set last = 'neumann' where no in
        (select no from identity.test_store_people order by no desc limit 2);
    delete from identity.test_store_people where no in
        (select no from identity.test_store_people order by no offset 40 limit 2)"""


@pytest.mark.parametrize("names_what_changed", [True, False])
def test_an_increment_writes_what_changed_and_ends_as_a_full_build(linked, names_what_changed):
    model, file = linked
    alter("create table identity.test_store_before as select * from identity.test_store_people")
    alter(CHANGE)
    ids = """select coalesce(p.no, b.no)
        from identity.test_store_people p full join identity.test_store_before b using (no)
        where p is distinct from b"""
    written = run(model, file, ids if names_what_changed else None)
    alter("drop table identity.test_store_before")
    assert written.was_increment
    assert 0 < written.rows["clusters"][1] < written.records / 2
    assert tables() == whole(model)
    again = run(model, file)
    assert again.was_increment
    assert set(again.rows.values()) == {(0, 0)}


def test_a_run_that_was_rolled_back_leaves_a_cache_that_is_not_believed(linked):
    model, file = linked
    alter(CHANGE)
    with pytest.raises(RuntimeError), transaction() as connection:
        link_records(connection, QUERY, COLUMNS, INTO, model=model, file=file)
        raise RuntimeError("the caller fails after the cache was written")
    assert not run(model, file).was_increment
    assert tables() == whole(model)


def test_a_run_that_fails_midway_leaves_the_last_state(linked, monkeypatch):
    model, file = linked
    before = tables()
    alter(CHANGE)
    with monkeypatch.context() as broken, pytest.raises(RuntimeError):
        broken.setattr(store.Run, "finish", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        run(model, file)
    assert tables() == before
    assert run(model, file).was_increment
    assert tables() == whole(model)


def test_a_cache_that_is_missing_or_damaged_is_built_anew(linked):
    model, file = linked
    before = tables()
    file.unlink()
    assert not run(model, file).was_increment
    file.write_bytes(b"no database")
    written = run(model, file)
    assert not written.was_increment
    assert set(written.rows.values()) == {(0, 0)}
    assert tables() == before
    assert file.stat().st_mode & 0o077 == 0


def test_records_without_an_id_of_their_own_are_refused(linked):
    model, file = linked
    alter("insert into identity.test_store_people select * from identity.test_store_people limit 1")
    with pytest.raises(ValueError, match="1 repeated"):
        run(model, file)
