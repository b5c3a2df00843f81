-- Retractions: what went out for a customer who was a wrong person, and cannot be computed anew.

-- One row per decision, published action or day of published intents of a customer who lost or gained an entity later.
create table if not exists identity.retractions (
    what text not null check (what in ('decision', 'published action', 'published intents')),
    retracted_id text not null, -- decision_id; for intents their as_of_date
    customer_id text not null,
    entity_kind text not null, -- the entity whose data were wrongly used, or were missing
    source_key text not null,
    moved_date date not null, -- when the entity became another customer's
    reason text not null check (reason in ('merged', 'split')),
    since date not null, -- from when on the entity was with the customer it left
    decided_date date not null,
    primary key (what, retracted_id, customer_id, entity_kind, source_key, moved_date)
);

-- One row per move that was looked at. has_decisions: those of the move's own day were there before the move was known
-- (a steward's decision of a day that was published), so they are wrong too; noted once, whatever is replayed later.
create table if not exists identity.noted_moves (
    entity_kind text not null,
    source_key text not null,
    moved_date date not null,
    left_customer_id text not null,
    joined_customer_id text not null,
    has_decisions boolean not null,
    primary key (entity_kind, source_key, moved_date, left_customer_id, joined_customer_id)
);
