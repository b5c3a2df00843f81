-- Whose each entity is now, in identity.noted_customers.
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
