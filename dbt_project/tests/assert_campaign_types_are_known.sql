-- Fails when: a campaign has a type that the company does not use (variable companies; none listed means any).
-- Why: an action is learned from the campaigns of its type; one that nobody planned for would be learned by no action.
{% set types = company('campaign_types') -%}
select campaign_id
from {{ ref('campaigns') }}
where
    {% if types -%}
    campaign_type not in ('{{ types | join("', '") }}')
    {%- else -%}
    1 = 0
    {%- endif %}
