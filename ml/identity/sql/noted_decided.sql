-- Whose each entity is, for the decisions of %(as_of)s that were made from this just now.
insert into identity.noted_days (as_of, is_decided_again)
select %(as_of)s::date, false
where not exists (select 1 from identity.noted_days where noted_days.as_of = %(as_of)s);
delete from identity.noted_days where noted_days.as_of <> %(as_of)s;
update identity.noted_days set is_decided_again = true
where %(again)s and not is_decided_again;

delete from identity.noted_customers as noted
where not exists (
    select 1 from identity.entity_customers as present
    where
        noted.entity_kind = present.entity_kind
        and noted.source_key = present.source_key
        and noted.customer_id = present.customer_id
);
insert into identity.noted_customers (entity_kind, source_key, customer_id)
select entity_kind, source_key, customer_id
from identity.entity_customers
on conflict do nothing
