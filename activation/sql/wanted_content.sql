-- What a destination should hold of each customer: the fields of the action to take now, on the destination's channels, as
-- long as it is valid tomorrow and the customer's word on it, as far as known, allows it. Consent is needed unless a policy
-- says that it is not; the last word on the channel or on any counts, of two words of one moment the withdrawal.
create temporary table wanted_content on commit drop as
select
    told.customer_id,
    told.channel,
    told.content,
    encode(sha256(convert_to(told.content::text, 'UTF8')), 'hex') as content_hash
from (
    select
        action.customer_id,
        action.channel,
        (
            select coalesce(jsonb_object_agg(field.key, field.value), '{{}}')
            from jsonb_each(to_jsonb(action)) as field
            where field.key = any(%(fields)s)
        ) || {customer_content} as content
    from activation.next_best_actions as action
    join vocabulary.actions as known using (action_id)
    {customer_join}
    where action.rank = 1
        and not %(empty)s
        and action.action_id <> 'no_action'
        and action.valid_until > %(as_of)s
        and (%(channels)s::text[] is null or action.channel = any(%(channels)s::text[]))
        and (
            exists (
                select from vocabulary.policies as policy
                where policy.rule = 'consent_not_required' and policy.valid_from <= %(as_of)s
                    and coalesce(nullif(policy.parameter, ''), known.purpose) = known.purpose
            )
            or (
                select consent.is_granted
                from marts.consents as consent
                where consent.customer_id = action.customer_id and consent.purpose = known.purpose
                    and consent.channel in (action.channel, 'any') and consent.known_date <= %(as_of)s
                order by consent.changed_at desc, consent.is_granted
                limit 1
            )
        )
) as told;
alter table wanted_content add primary key (customer_id);
analyze wanted_content;
