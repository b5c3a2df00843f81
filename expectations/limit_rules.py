"""How often, how much and what first: the limits of a day of decisions, asked again from the marts.

Queries of `policy_rules.py`, for its table of rules; `{possible}` is every candidate that could have been drawn.
"""

# A day that a department owes may hide a contact with everybody on the channels that it tells of.
CONTACTS = """
    select m.channel || ' in ' || m.window_days || ' days' as object,
        count(*) || ' customers would get more than ' || m.maximum_contacts as observed, true as is_broken
    from ({possible}) p
    join vocabulary.contact_limits m on m.channel = p.channel
    left join marts.contact_pressure seen
        on seen.customer_id = p.customer_id and seen.channel = p.channel and seen.as_of_date = {as_of}
    left join lateral (
        select max(least(s.silent_days, m.window_days)) as days
        from regexp_split_to_table(m.told_by, '\\s+') teller (department)
        join quality.department_status s on s.department = teller.department and s.as_of = {as_of}
    ) untold on true
    where (
            (to_jsonb(seen) ->> ('contacts_' || m.window_days || 'd'))::bigint + coalesce(untold.days, 0)
            < m.maximum_contacts
        ) is not true
        and p.kind = 'optional'
        and exists (select from vocabulary.policies where rule = 'contact_limit' and valid_from <= {as_of})
    group by m.channel, m.window_days, m.maximum_contacts
    order by object
"""
# Of somebody who has become one with another customer, or was told apart, the action was everybody's who is that now.
COOL_DOWNS = """
    with rules as (
        select r.policy_id, r.threshold::int as days, a.action_id
        from vocabulary.policies r
        join vocabulary.actions a on coalesce(nullif(r.action_id, ''), a.action_id) = a.action_id
        where r.rule = 'cool_down' and r.valid_from <= {as_of} and a.action_id <> 'no_action'
    ),
    taken as (
        select distinct r.policy_id, r.days, d.customer_id, d.action_id, d.as_of_date
        from rules r
        join {table} d on d.action_id = r.action_id and d.as_of_date > {as_of} - r.days and d.as_of_date < {as_of}
    ),
    whose as (
        select policy_id, days, customer_id, action_id from taken
        union
        select t.policy_id, t.days, now.customer_id, t.action_id
        from taken t
        join identity.customer_history h on h.customer_id = t.customer_id
            and t.as_of_date >= h.valid_from and t.as_of_date < coalesce(h.valid_until, 'infinity')
        join identity.entity_customers now using (entity_kind, source_key)
    )
    select w.policy_id || ' for ' || p.action_id as object,
        count(*) || ' customers had it less than ' || w.days || ' days ago' as observed, true as is_broken
    from ({possible}) p
    join whose w using (customer_id, action_id)
    group by w.policy_id, w.days, p.action_id
    order by object
"""
# Who may get something mandatory is told that, and nothing else; the arm says so.
OBLIGATIONS = """
    with due as (
        select distinct l.decision_id
        from {table} l
        cross join lateral jsonb_to_recordset(l.candidates) c(action_id text, is_eligible boolean)
        join vocabulary.actions a on a.action_id = c.action_id and a.kind = 'mandatory'
        where l.as_of_date = {as_of} and c.is_eligible
    )
    select l.action_id as object, count(*) || ' times ' || case
            when due.decision_id is null then 'in the arm mandatory without anything mandatory'
            else 'instead of what has to be told'
        end as observed,
        true as is_broken
    from {table} l
    left join due using (decision_id)
    left join vocabulary.actions a on a.action_id = l.action_id
    where l.as_of_date = {as_of} and case
            when due.decision_id is null then l.arm = 'mandatory'
            else l.arm <> 'mandatory' or a.kind is distinct from 'mandatory'
        end
    group by l.action_id, due.decision_id is null
    order by object
"""
# Counted over what was chosen, as one capacity is for all customers together. Of several versions of a limit the newest
# that is valid holds. What is mandatory uses a capacity and is not held back by it: nothing else goes beyond what it
# leaves. A tenth of a cent: sums of costs in binary fractions.
CAPACITIES = """
    with in_force as (
        select distinct on (capacity_id) *
        from vocabulary.capacities
        where valid_from <= {as_of}
        order by capacity_id, valid_from desc
    ),
    used as (
        select m.capacity_id, m.unit, m.maximum_per_day,
            coalesce(
                sum(case m.unit when 'contacts' then 1 else a.cost_eur end) filter (where a.action_id is not null), 0
            ) as amount,
            coalesce(
                sum(case m.unit when 'contacts' then 1 else a.cost_eur end) filter (where a.kind <> 'mandatory'), 0
            ) as chosen
        from in_force m
        left join (
            {table} d join vocabulary.actions a on a.action_id = d.action_id and d.action_id <> 'no_action'
                and d.as_of_date = {as_of}
        ) on coalesce(nullif(m.channel, ''), a.channel) = a.channel
            and coalesce(nullif(m.action_id, ''), a.action_id) = a.action_id
        group by m.capacity_id, m.unit, m.maximum_per_day
    )
    select capacity_id as object, round(amount::numeric, 2) || ' ' || unit || ' of ' || maximum_per_day as observed,
        chosen > greatest(maximum_per_day - (amount - chosen), 0) + 0.001 or unit not in ('contacts', 'eur')
            as is_broken
    from used
    order by is_broken desc, object
"""
# How many customers may get an action that took effect lately; the ramp's settings are those that the ledger keeps.
RAMPS = """
    with telling as ( -- decisions of before there was a ramp tell none
        select distinct policy_version from {table}
        where as_of_date > {as_of} - 28 and exploration -> 'maturity' is not null
    ),
    how as (
        select count(*) as customers,
            count(*) filter (
                where exploration -> 'maturity' is null and policy_version in (select policy_version from telling)
            ) as silent,
            max((exploration -> 'maturity' ->> 'starts_at')::float8) as starts_at,
            max((exploration -> 'maturity' ->> 'days')::int) as days
        from {table}
        where as_of_date = {as_of}
    ),
    ramps as (
        select a.action_id,
            floor((starts_at + (1 - starts_at) * ({as_of} - a.offered_since) / days) * customers + 1e-9) as maximum,
            (select count(*) from {table} l where l.as_of_date = {as_of} and l.action_id = a.action_id) as taken
        from how
        join vocabulary.actions a on a.offered_since <= {as_of} and {as_of} - a.offered_since < days
        where a.action_id <> 'no_action' and a.kind <> 'mandatory'
    )
    select action_id as object, taken || ' customers of ' || maximum as observed, taken > maximum as is_broken
    from ramps
    union all
    select 'decisions', silent || ' do not tell the ramp', true from how where silent > 0
    order by is_broken desc, object
"""
