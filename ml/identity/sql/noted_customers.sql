-- Remember whose each entity is, for the decisions of %(as_of)s that will be made from this; not again after them.
drop table if exists pg_temp.is_decided;
create temporary table is_decided on commit drop as
select 1
where
    exists (select 1 from identity.noted_days where noted_days.as_of = %(as_of)s)
    and exists (select 1 from decisions.decision_ledger where as_of_date = %(as_of)s);

delete from identity.noted_days where not exists (select 1 from pg_temp.is_decided);
insert into identity.noted_days (as_of) select %(as_of)s::date where not exists (select 1 from pg_temp.is_decided);

delete from identity.noted_customers as noted
where
    not exists (select 1 from pg_temp.is_decided)
    and not exists (
        select 1 from identity.entity_customers as present
        where
            noted.entity_kind = present.entity_kind
            and noted.source_key = present.source_key
            and noted.customer_id = present.customer_id
    );
insert into identity.noted_customers (entity_kind, source_key, customer_id)
select entity_kind, source_key, customer_id
from identity.entity_customers
where not exists (select 1 from pg_temp.is_decided)
on conflict do nothing
