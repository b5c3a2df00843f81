-- The vocabulary as of this build: a seed changes at once, a mart when it is published.
select
    activity,
    phase,
    direction,
    need,
    opens_journey,
    ends_journey,
    cost_eur
from {{ ref('activity_meanings') }}
