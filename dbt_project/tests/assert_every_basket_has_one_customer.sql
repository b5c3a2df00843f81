-- Fails when: the lines of a receipt belong to more than one customer, branch or moment.
-- Why: one receipt is one visit of one household; baskets takes the smallest value and would hide the others.
select
    basket_id,
    min(customer_id) as one_customer,
    max(customer_id) as other_customer
from {{ ref('basket_lines') }}
group by basket_id
having
    min(customer_id) <> max(customer_id)
    or min(store_id) <> max(store_id)
    or min(sold_at) <> max(sold_at)
