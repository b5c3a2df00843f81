-- What went out for the customers whom the entities of %(as_of)s left and joined, and what is no longer on the list.
drop table if exists pg_temp.wrong_customers;
create temporary table wrong_customers on commit drop as
with moves as (
    -- Until the day before: as the history says.
    select
        present.entity_kind,
        present.source_key,
        present.reason,
        past.customer_id as left_id,
        present.customer_id as joined_id,
        past.valid_from as since,
        present.valid_from - 1 as until
    from identity.customer_history as present
    inner join identity.customer_history as past
        on
            present.entity_kind = past.entity_kind
            and present.source_key = past.source_key
            and present.valid_from = past.valid_until
    where
        present.valid_from = %(as_of)s
        and present.reason in ('merged', 'split')
        and present.customer_id <> past.customer_id
    union all
    -- The day's own decisions, if it was built again after them and its history written anew.
    select
        present.entity_kind,
        present.source_key,
        case
            when exists (select 1 from identity.noted_customers as there where there.customer_id = present.customer_id)
                then 'merged'
            else 'split'
        end as reason,
        noted.customer_id as left_id,
        present.customer_id as joined_id,
        %(as_of)s as since,
        %(as_of)s as until
    from identity.noted_customers as noted
    inner join identity.entity_customers as present using (entity_kind, source_key)
    inner join identity.noted_days on noted_days.as_of = %(as_of)s
    where noted.customer_id <> present.customer_id
)

select moves.entity_kind, moves.source_key, moves.reason, moves.since, moves.until, sides.customer_id
from moves
cross join lateral (values (moves.left_id), (moves.joined_id)) as sides (customer_id);
analyze pg_temp.wrong_customers;

drop table if exists pg_temp.gone_out;
create temporary table gone_out on commit drop as
with decided as (
    select made.decision_id, made.customer_id, made.as_of_date, published.as_of is not null as is_published
    from decisions.standing_decisions as made
    left join activation.publications as published on made.as_of_date = published.as_of
    where made.customer_id in (select wrong.customer_id from pg_temp.wrong_customers as wrong)
),

made as (
    select 'decision' as what, decision_id as retracted_id, customer_id, as_of_date from decided
    union all
    select 'published action', decision_id, customer_id, as_of_date from decided where is_published
    union all
    select distinct 'published intents', scored.as_of_date::text, scored.customer_id, scored.as_of_date
    from scores.intent_scores as scored
    inner join activation.publications as published on scored.as_of_date = published.as_of
    where scored.customer_id in (select wrong.customer_id from pg_temp.wrong_customers as wrong)
)

select
    made.what, made.retracted_id, made.customer_id, wrong.entity_kind, wrong.source_key, %(as_of)s::date as moved_date,
    wrong.reason, wrong.since, made.as_of_date as decided_date
from made
inner join pg_temp.wrong_customers as wrong
    on made.customer_id = wrong.customer_id and made.as_of_date between wrong.since and wrong.until;

-- The day was run again: a move that no longer is takes its rows off the list. The day's own decisions stay where they
-- were withdrawn, or nobody knows any more whose the entities were then.
with taken_back as (
    delete from identity.retractions as listed
    where
        listed.moved_date = %(as_of)s
        and (
            listed.decided_date < %(as_of)s
            or exists (
                select 1 from identity.noted_days where noted_days.as_of = %(as_of)s and not noted_days.is_decided_again
            )
        )
        and not exists (
            select 1 from pg_temp.gone_out
            where
                listed.what = gone_out.what
                and listed.retracted_id = gone_out.retracted_id
                and listed.customer_id = gone_out.customer_id
                and listed.entity_kind = gone_out.entity_kind
                and listed.source_key = gone_out.source_key
        )
    returning 1
),

added as (
    insert into identity.retractions (
        what, retracted_id, customer_id, entity_kind, source_key, moved_date, reason, since, decided_date
    )
    select * from pg_temp.gone_out
    on conflict do nothing
    returning 1
)

select
    (select count(distinct (entity_kind, source_key)) from pg_temp.wrong_customers) as moves,
    (select count(*) from added) as listed,
    (select count(*) from taken_back) as taken_back
