-- What was decided and published for the customers whom the entities of %(as_of)s left and joined, while they were with
-- the wrong one. Rows of this or a later day whose move is no longer in the history go: the day was run again.
with moves as materialized (
    select
        present.entity_kind,
        present.source_key,
        present.valid_from as moved_date,
        present.reason,
        past.customer_id as left_customer_id,
        present.customer_id as joined_customer_id,
        past.valid_from as since
    from identity.customer_history as present
    inner join identity.customer_history as past
        on
            present.entity_kind = past.entity_kind
            and present.source_key = past.source_key
            and present.valid_from = past.valid_until
    where
        present.valid_from >= %(as_of)s
        and present.reason in ('merged', 'split')
        and present.customer_id <> past.customer_id
),

taken_back as (
    delete from identity.retractions as listed
    where
        listed.moved_date >= %(as_of)s
        and not exists (
            select 1 from moves
            where
                listed.entity_kind = moves.entity_kind
                and listed.source_key = moves.source_key
                and listed.moved_date = moves.moved_date
                and listed.customer_id in (moves.left_customer_id, moves.joined_customer_id)
        )
    returning 1
),

noted as (
    insert into identity.noted_moves
    select
        moves.entity_kind,
        moves.source_key,
        moves.moved_date,
        moves.left_customer_id,
        moves.joined_customer_id,
        exists (
            select 1 from decisions.decision_ledger as ledger
            where
                ledger.as_of_date = moves.moved_date
                and ledger.customer_id in (moves.left_customer_id, moves.joined_customer_id)
        )
    from moves
    where moves.moved_date = %(as_of)s
    on conflict do nothing
    returning *
),

known_moves as (
    select * from noted
    union
    select * from identity.noted_moves
    where moved_date = %(as_of)s
),

wrong as (
    select
        moves.entity_kind,
        moves.source_key,
        moves.moved_date,
        moves.reason,
        moves.since,
        known_moves.has_decisions,
        sides.customer_id
    from moves
    inner join known_moves
        using (entity_kind, source_key, moved_date, left_customer_id, joined_customer_id)
    cross join lateral (
        values (moves.left_customer_id), (moves.joined_customer_id)
    ) as sides (customer_id)
),

gone_out as (
    select
        'decision' as what,
        decision_id as retracted_id,
        customer_id,
        as_of_date
    from decisions.identified_decisions
    union all
    select
        'published action' as what,
        made.decision_id as retracted_id,
        made.customer_id,
        made.as_of_date
    from decisions.identified_decisions as made
    inner join activation.publications as published on made.as_of_date = published.as_of
    union all
    select distinct
        'published intents' as what,
        scored.as_of_date::text as retracted_id,
        scored.customer_id,
        scored.as_of_date
    from scores.intent_scores as scored
    inner join activation.publications as published on scored.as_of_date = published.as_of
    where scored.customer_id in (select wrong.customer_id from wrong)
),

listed as (
    insert into identity.retractions
    select
        gone_out.what,
        gone_out.retracted_id,
        wrong.customer_id,
        wrong.entity_kind,
        wrong.source_key,
        wrong.moved_date,
        wrong.reason,
        wrong.since,
        gone_out.as_of_date
    from wrong
    inner join gone_out using (customer_id)
    where
        gone_out.as_of_date >= wrong.since
        and (
            gone_out.as_of_date < wrong.moved_date
            or (gone_out.as_of_date = wrong.moved_date and wrong.has_decisions)
        )
    on conflict do nothing
    returning 1
)

select
    (select count(*) from moves where moved_date = %(as_of)s) as moves,
    (select count(*) from listed) as listed,
    (select count(*) from taken_back) as taken_back
