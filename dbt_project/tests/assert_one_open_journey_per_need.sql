-- Fails when: a customer has two open journeys of one need.
-- Why: an agent and a newsletter would each follow another one.
select
    customer_id,
    need,
    count(*) as open_journeys
from {{ ref('journeys') }}
where status = 'open'
group by customer_id, need
having count(*) > 1
