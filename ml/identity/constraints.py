"""What stewards and verified birth dates say about who is one person; it stands above evidence.

A *split* keeps two entities apart (cannot-link): the engine never lets them meet. A *join* makes one customer of the
whole clusters of two entities (must-link) after clustering, unless a later split stands between any two of their
entities. Of the decisions in force about a pair the newest wins. Two different verified birth dates are never one
person, whatever was decided. A card stands for the contact that it belongs to.
"""

from collections import defaultdict
from datetime import date

import pandas as pd
import psycopg2

from runtime.warehouse import read_frame

# Every entity known by as_of. `owner`: the record (one of its versions, which one does not matter) that stands for
# it: a card's is its contact's, the first that told it, or its own if none did.
KNOWN_ENTITIES = """
    drop table if exists pg_temp.known_entities;
    create temporary table known_entities on commit drop as
    with entities as (
        select entity_kind, source_key, min(known_date) as first_known_date, min(record_id) as record_id
        from identity.person_records where known_date <= %(as_of)s group by entity_kind, source_key
    ),

    owners as (
        select distinct on (card_key) card_key, source_key
        from identity.person_records
        where entity_kind = 'contact' and card_key is not null and known_date <= %(as_of)s
        order by card_key, known_date, source_key collate "C"
    )

    select
        entities.entity_kind,
        entities.source_key,
        entities.first_known_date,
        coalesce(contacts.record_id, entities.record_id) as owner
    from entities
    left join owners on entities.entity_kind = 'card' and entities.source_key = owners.card_key
    left join entities as contacts on contacts.entity_kind = 'contact' and owners.source_key = contacts.source_key;
    analyze pg_temp.known_entities;
"""

# The newest decision in force about each pair of owners; `age` orders decisions, the oldest is 1.
DECIDED_PAIRS = """
    drop table if exists pg_temp.decided_pairs;
    create temporary table decided_pairs on commit drop as
    with in_force as (
        select *, row_number() over (order by decided_date, decision_id) as age
        from identity.steward_decisions
        where decided_date <= %(as_of)s and (revoked_date is null or revoked_date > %(as_of)s)
    ),

    told as (
        select
            in_force.verb,
            in_force.age,
            least(lefts.owner, rights.owner) as left_id,
            greatest(lefts.owner, rights.owner) as right_id
        from in_force
        inner join identity.steward_pairs as pairs using (decision_id)
        inner join pg_temp.known_entities as lefts
            on pairs.left_kind = lefts.entity_kind and pairs.left_key = lefts.source_key
        inner join pg_temp.known_entities as rights
            on pairs.right_kind = rights.entity_kind and pairs.right_key = rights.source_key
        where lefts.owner <> rights.owner
    )

    select distinct on (left_id, right_id) verb, age, left_id, right_id
    from told order by left_id, right_id, age desc;
"""
SPLITS = "select left_id, right_id from pg_temp.decided_pairs where verb = 'split'"

# An entity's verified birth date: the newest it told, as a corrected one takes the place of the old.
VERIFIED_DATES = """
    drop table if exists pg_temp.verified_dates;
    create temporary table verified_dates on commit drop as
    select distinct on (entity_id) entity_id, birth_date as verified_birth_date
    from identity.person_records
    where is_birth_date_verified and birth_date is not null and known_date <= %(as_of)s
    order by entity_id, known_date desc, record_id desc;
    analyze pg_temp.verified_dates;
"""


def gather(connection: psycopg2.extensions.connection, as_of: date) -> None:
    """Write what holds on `as_of` to temporary tables: `known_entities`, `decided_pairs`, `verified_dates`."""
    with connection.cursor() as cursor:
        for statement in (KNOWN_ENTITIES, DECIDED_PAIRS, VERIFIED_DATES):
            cursor.execute(statement, {"as_of": as_of})


def joined_clusters(connection: psycopg2.extensions.connection, clusters: str) -> tuple[pd.DataFrame, int]:
    """Give the clusters that joins unite, as `cluster_id, united_id`, and how many joins were refused.

    `clusters`: the linkage's table of `record_id, cluster_id`. Lone cards are clusters named by their record.
    """
    # Two decisions about the same two clusters: both count, the newest first.
    decided = read_frame(
        connection,
        f"""select
            verb, age, coalesce(l.cluster_id, left_id) as left_id, coalesce(r.cluster_id, right_id) as right_id
        from pg_temp.decided_pairs
        left join {clusters} as l on left_id = l.record_id
        left join {clusters} as r on right_id = r.record_id
        order by age desc, 3, 4""",  # noqa: S608 our own table's name
    )
    if not (decided["verb"] == "join").any():
        return pd.DataFrame({"cluster_id": [], "united_id": []}, dtype=str), 0
    verified = read_frame(
        connection,
        f"""select distinct cluster_id, verified_birth_date
        from pg_temp.verified_dates
        inner join identity.person_records using (entity_id)
        inner join {clusters} using (record_id)
        where cluster_id = any(%s)""",  # noqa: S608
        (sorted({*decided["left_id"], *decided["right_id"]}),),
    )
    return unite(decided, dict(zip(verified["cluster_id"], verified["verified_birth_date"], strict=True)))


def unite(decided: pd.DataFrame, verified: dict[str, object]) -> tuple[pd.DataFrame, int]:
    """Unite clusters by the joins of `decided` (`verb, age, left_id, right_id`, newest first), newest first.

    `verified`: the verified birth date of the clusters that have one. There are as many rows as stewards decided.
    """
    members: dict[str, set[str]] = {}
    named: dict[str, str] = {}
    dates = {name: {value} for name, value in verified.items()}
    splits: dict[str, dict[str, int]] = defaultdict(dict)
    for verb, age, left, right in decided.itertuples(index=False):
        for one, other in ((left, right), (right, left)):
            named[one] = one
            members[one] = {one}
            if verb == "split":
                splits[one].setdefault(other, age)
    refused = 0
    for verb, age, left, right in decided.itertuples(index=False):
        one, other = sorted((named[left], named[right]))
        if verb != "join" or one == other:
            continue
        is_apart = any(splits[mine].get(its, 0) > age for mine in members[one] for its in members[other])
        told = dates.get(one, set()) | dates.get(other, set())
        if is_apart or len(told) > 1:
            refused += 1
            continue
        members[one] |= members.pop(other)
        dates[one] = told
        named |= dict.fromkeys(members[one], one)
    united = [(cluster, name) for cluster, name in sorted(named.items()) if cluster != name]
    return pd.DataFrame(united, columns=["cluster_id", "united_id"], dtype=str), refused
