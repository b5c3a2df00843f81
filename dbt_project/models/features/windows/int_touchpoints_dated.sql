-- Things that happened to a customer, each with its day and the day from which we knew it. A visit that came in parts
-- counts from the first.
select
    customer_id,
    department || '_session' as touchpoint,
    visit_date as event_date,
    min(known_date) as known_date
from {{ ref('visits') }}
where customer_id is not null
group by customer_id, department, visitor_id, visit_date
union all
{% for touchpoint, counted in [('cart_session', 'carts'), ('service_session', 'service_events')] -%}
select
    customer_id,
    '{{ touchpoint }}' as touchpoint,
    visit_date as event_date,
    min(known_date) as known_date
from {{ ref('visits') }}
where
    customer_id is not null
    and {{ counted }} > 0
group by customer_id, department, visitor_id, visit_date
union all
{% endfor -%}
-- By the day of the order, whatever became of it: a first pull shows only the newest status of an order.
select
    customer_id,
    'shop_order' as touchpoint,
    ordered_date as event_date,
    first_known_date as known_date
from {{ ref('orders') }}
union all
select
    customer_id,
    'ticket' as touchpoint,
    opened_date as event_date,
    first_known_date as known_date
from {{ ref('cases') }}
where customer_id is not null
union all
select
    customer_id,
    'return' as touchpoint,
    returned_date as event_date,
    known_date
from {{ ref('returns') }}
union all
select
    customer_id,
    'mailing_' || kind as touchpoint,
    occurred_date as event_date,
    known_date
from {{ ref('mailing_responses') }}
union all
select
    customer_id,
    'device_error' as touchpoint,
    measured_date as event_date,
    known_date
from {{ ref('device_days') }}
where error_code is not null
