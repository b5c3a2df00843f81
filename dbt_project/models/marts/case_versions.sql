{{ config(indexes=indexes_on([['customer_id'], ['ticket_id']])) }}

select
    ticket_id,
    customer_id,
    identified_date,
    status,
    is_open,
    opened_date,
    valid_from,
    valid_until
from {{ ref('int_ticket_versions') }}
