-- What a destination still has to be told: its wanted state (temporary table wanted_content: customer_id, content,
-- content_hash) against what it acknowledged. A change that was sent and not acknowledged may have arrived, so the customer
-- counts as held, and what was sent is told again or told otherwise. Open changes that still hold keep their number and key.
create temporary table needed_changes on commit drop as
with held as (
    select customer_id, content_hash, destination_id
    from activation.acknowledged
    where destination = %(destination)s
),

-- Sent since the last acknowledged change, and nobody knows whether it arrived.
in_doubt as (
    select customer_id, max(destination_id) as destination_id,
        bool_or(kind = 'remove') as is_removed, array_agg(content_hash) filter (where kind <> 'remove') as content_hashes
    from activation.deliveries as sent
    where sent.destination = %(destination)s and sent.status in ('pending', 'superseded') and sent.attempts > 0
        and not exists (
            select from activation.deliveries as later
            where later.destination = sent.destination and later.customer_id = sent.customer_id
                and later.change_number > sent.change_number and later.status = 'acknowledged'
        )
    group by customer_id
)

select
    customer_id,
    case
        when wanted.customer_id is null then 'remove'
        when held.customer_id is null then 'add'
        else 'change'
    end as kind,
    wanted.content_hash,
    coalesce(held.destination_id, in_doubt.destination_id) as destination_id
from wanted_content as wanted
full join held using (customer_id)
full join in_doubt using (customer_id)
where
    case
        when wanted.customer_id is null then held.customer_id is not null or in_doubt.content_hashes is not null
        when held.content_hash is distinct from wanted.content_hash then true
        else coalesce(in_doubt.is_removed, false) or in_doubt.content_hashes is not null
    end;

-- Only removes, of all or of some customers: a withdrawal waits for no publication.
delete from needed_changes where %(removes_only)s and kind <> 'remove';
delete from needed_changes where %(customers)s::text[] is not null and customer_id <> all (%(customers)s::text[]);

update activation.deliveries as open
set status = 'superseded'
where open.destination = %(destination)s and open.status in ('pending', 'refused')
    and case
        when %(removes_only)s
            then exists (select from needed_changes as needed where needed.customer_id = open.customer_id and open.kind <> 'remove')
        else not exists (
            select from needed_changes as needed
            where needed.customer_id = open.customer_id and needed.kind = open.kind
                and needed.content_hash is not distinct from open.content_hash
        )
    end;

insert into activation.deliveries (destination, customer_id, kind, content_hash, as_of, status, destination_id)
select %(destination)s, needed.customer_id, needed.kind, needed.content_hash, %(as_of)s, 'pending', needed.destination_id
from needed_changes as needed
where not exists (
    select from activation.deliveries as open
    where open.destination = %(destination)s and open.status in ('pending', 'refused')
        and open.customer_id = needed.customer_id and open.kind = needed.kind
)
order by needed.kind = 'remove' desc, needed.customer_id;
