"""`python -m ml.identity`: what a steward types, sees and may rely on, in the company of known_people.py."""

import re
from pathlib import Path

import pytest
import yaml
from matplotlib.image import imread

from ml.identity.__main__ import main
from ml.identity.dry_run import compare, try_rules
from ml.identity.person_records import FILE
from tests.ml.known_people import LAST, build, known_people
from tests.ml.person_records import customers, day, execute, rows

BY = ("--by", "dora", "--reason", "called and asked", "--date", str(day(LAST)))


@pytest.fixture(scope="module")
def file(warehouse, tmp_path_factory):
    """The company, resolved; yield the file of the cache."""
    file = tmp_path_factory.mktemp("identity") / "person.duckdb"
    with known_people(file):
        yield file


@pytest.fixture
def undecided(file):
    """Number decisions from 1, whatever was decided before; take back what was decided in a test."""
    execute("truncate identity.steward_decisions restart identity cascade")
    yield file
    execute("truncate identity.steward_decisions restart identity cascade")
    build(file)


@pytest.fixture
def typed(capsys):
    """A function that runs a command and gives its exit code, what it printed, and what it complained of."""

    def run(*arguments) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


def identity() -> dict[str, tuple]:
    """How many rows each table of the schema identity has, and a checksum of them."""
    names = rows("select table_name from information_schema.tables where table_schema = 'identity' order by 1")
    checksum = "select count(*), md5(string_agg(t::text, ',' order by t::text)) from identity.{} t"
    return {name: rows(checksum.format(name))[0] for (name,) in names}


def test_a_split_is_applied_by_the_next_build_and_survives_the_ones_after(undecided, typed):
    code, said, _ = typed("split", "account/h3", *BY)
    assert code == 0
    assert "Decision 1: split account/h1 and account/h3, account/h3 and contact/h2" in said
    for _ in range(2):
        build(undecided)
        assert len({customers()[entity] for entity in ("account/h1", "contact/h2", "card/hk")}) == 1
        assert customers()["account/h3"] != customers()["account/h1"]
    undecided.unlink()
    build(undecided)
    assert customers()["account/h3"] != customers()["account/h1"]
    assert "split" in typed("decisions")[1]


def test_a_join_brings_two_customers_together_until_it_is_revoked(undecided, typed):
    assert typed("join", "account/g1", "--with", "account/h3", *BY)[0] == 0
    build(undecided)
    assert customers()["account/g1"] == customers()["card/hk"]
    code, said, _ = typed("revoke", "1", *BY)
    assert code == 0 and "Decision 1 holds no longer from 2025-03-09 on" in said
    build(undecided)
    assert customers()["account/g1"] != customers()["card/hk"]
    assert "0 decisions" in typed("decisions")[1]
    assert "called and asked" in typed("decisions", "--all")[1]


def test_a_repeated_command_says_that_nothing_was_written(undecided, typed):
    typed("split", "account/h3", "--from", "account/h1", *BY)
    code, said, _ = typed("split", "account/h3", "--from", "account/h1", *BY)
    assert code == 0
    assert "Decision 1" in said and "stood already: nothing was written" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("split", "account/h1", "--from", "account/g1", *BY), "are two customers"),
        (("join", "account/h1", "--with", "contact/h2", *BY), "are one customer"),
        (("revoke", "17", *BY), "There is no decision 17"),
        (("explain", "account/h1", "account/unknown"), "No build has seen account/unknown"),
        (("draw", "c0", "--to", "x.png"), "There is no customer c0"),
        (("try-rules", "no_such_file.yml", "--as-of", "2025-03-09"), "no_such_file.yml cannot be read"),
    ],
)
def test_what_is_not_possible_is_one_sentence_and_exit_code_1(file, typed, arguments, says):
    code, said, complained = typed(*arguments)
    assert (code, said) == (1, "")
    assert says in complained


def test_what_cannot_be_read_is_exit_code_2_and_help_tells_every_command(file, typed, capsys):
    for arguments in (("split", "account/h1"), ("revoke", "x", *BY), ("join", "account/h1", *BY), ("unknown",)):
        with pytest.raises(SystemExit, match="2"):
            main(list(arguments))
    capsys.readouterr()
    with pytest.raises(SystemExit, match="0"):
        main(["-h"])
    told = capsys.readouterr().out
    for name in (
        *("split", "join", "revoke", "decisions", "cases", "held", "explain", "draw", "try-rules"),
        "retractions",
    ):
        assert re.search(rf"^ +{name}\s+\w+", told, re.M), name


def test_cases_say_what_to_do_and_doing_it_closes_them(undecided, typed):
    said = typed("cases")[1]
    assert "1 suspicious clusters" in said
    assert "account/m1, account/m2" in said and "bridge" in said
    assert "if one person: join account/m2 --with contact/m4" in said
    assert rows("select count(*) from identity.person_suspicious") == [(1,)]
    assert typed("split", "account/m2", "--from", "contact/m4", *BY)[0] == 0
    build(undecided)
    assert "0 suspicious clusters" in typed("cases")[1]
    assert customers()["account/m2"] != customers()["contact/m4"]


def test_a_case_that_was_joined_is_done(undecided, typed):
    assert typed("join", "account/m2", "--with", "contact/m4", *BY)[0] == 0
    build(undecided)
    assert "joined by a steward" in " ".join(typed("cases")[1].split())


def test_held_values_are_counted_by_rule_and_masked(file, typed):
    said = typed("held")[1]
    assert "email + given_name + surname" in said and "12" in said
    assert "n•••@s•••" in said
    assert "noreply" not in said and "kunde" not in said


def test_what_is_no_number_is_counted_though_nobody_was_merged_by_it(file, typed):
    """500 accounts told the phone 000000, as departments fill a field that must not be empty."""
    execute("alter table staging.stg_shop__accounts add column phone text, add column phone_key text")
    execute(
        "insert into staging.stg_shop__accounts (account_id, phone)"
        " select 'z' || n, '000000' from generate_series(1, 500) n union all select 'y', '0711 1'"
    )
    try:
        said = " ".join(typed("held")[1].split())
        assert re.search(r"value ?│ ?no phone ?│ ?500 ?│", said)
        assert "000000" not in said and said.count("no phone") == 1, "a slip of one pen is not listed"
    finally:
        execute("delete from staging.stg_shop__accounts where phone is not null")
        execute("alter table staging.stg_shop__accounts drop column phone, drop column phone_key")


def test_explain_masks_values_unless_asked(file, typed):
    masked = typed("explain", "account/h3", "contact/h2")[1]
    assert "are one customer" in masked and "together" in masked and "contacts/2025-03-03/2b" in masked
    assert "1961-••-••" in masked
    assert not [word for word in ("hopper", "navy", "1961-12-09", "hauptstr", "4917") if word in masked]
    assert "hopper" in typed("explain", "account/h3", "contact/h2", "--show-values")[1]


def test_a_picture_shows_the_customer_and_the_other_side_of_its_bridge(file, typed, tmp_path):
    picture = tmp_path / "pictures" / "karl.png"
    code, said, _ = typed("draw", customers()["account/m1"], "--to", picture)
    assert (code, "4 entities" in said) == (0, True)
    assert picture.stat().st_mode & 0o077 == 0
    pixels = imread(picture)
    assert pixels.shape[0] > 300
    red = (abs(pixels[..., 0] - 0.8) < 0.02) & (pixels[..., 1] < 0.02) & (pixels[..., 2] < 0.02)
    assert red.sum() > 200  # the weak bridge
    typed("draw", customers()["account/h1"], "--to", picture)
    pixels = imread(picture)
    red = (abs(pixels[..., 0] - 0.8) < 0.02) & (pixels[..., 1] < 0.02) & (pixels[..., 2] < 0.02)
    assert red.sum() == 0


def other_rules(folder: Path, **said) -> Path:
    """Write a changed copy of the rules in force."""
    content = yaml.safe_load(FILE.read_text(encoding="utf-8")) | said
    path = folder / "tried.yml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_a_dry_run_prints_what_would_change_and_writes_nothing(file, typed, tmp_path):
    before, cached = identity(), file.read_bytes()
    code, said, _ = typed("try-rules", other_rules(tmp_path, false_merge_costs=1_000_000), "--as-of", day(LAST))
    assert code == 0
    assert identity() == before and len(before) > 10
    assert file.read_bytes() == cached
    found = try_rules(other_rules(tmp_path, false_merge_costs=1_000_000), day(LAST))
    assert found.split > 10 and found.merged == 1  # the Karls come together the other way round
    assert found.customers_then - found.customers_now == found.new >= 10
    assert len(found.largest) == 10
    assert [change.entities for change in found.largest] == sorted(
        (change.entities for change in found.largest), reverse=True
    )
    assert "The 10 largest changes" in said and "nothing was written" in said


def test_the_rules_in_force_change_nothing(file, tmp_path):
    found = try_rules(other_rules(tmp_path), day(LAST))
    assert (found.new, found.moved, found.merged, found.split, found.largest) == (0, 0, 0, 0, ())


def test_a_dry_run_counts_merges_splits_and_exchanges(file):
    """Of c1 (A, B) and c2 (C, D): B goes to c2, and c3 (E, F) becomes two; c4 (G), c5 (H) become one."""
    now = table(A="c1", B="c1", C="c2", D="c2", E="c3", F="c3", G="c4", H="c5")
    then = table(A="c1", B="c2", C="c2", D="c2", E="c3", F="c9", G="c4", H="c4")
    found = compare(now, then, day(0))
    assert (found.customers_now, found.customers_then, found.new, found.moved) == (5, 5, 1, 3)
    assert (found.merged, found.split) == (2, 2)
    assert [(change.says, change.entities) for change in found.largest] == [
        ("regrouped", 4),
        ("split", 2),
        ("merged", 2),
    ]
    assert [str(one) for one in found.largest[0].example] == ["account/A", "account/B"]


def table(**customer_of: str):
    """Whose each account is."""
    import pandas as pd

    return pd.DataFrame(
        [("account", key, customer) for key, customer in customer_of.items()],
        columns=["entity_kind", "source_key", "customer_id"],
    )


def test_rules_that_cannot_be_meant_are_told(file, typed, tmp_path):
    code, _, complained = typed("try-rules", other_rules(tmp_path, rules=[["shoe_size"]]), "--as-of", day(LAST))
    assert code == 1
    assert "shoe_size" in complained


def test_retractions_are_listed(file, typed):
    assert "0 to take back" in typed("retractions", "--since", "2025-03-01")[1]
