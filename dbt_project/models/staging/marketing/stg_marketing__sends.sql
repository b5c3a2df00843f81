{{ config(indexes=indexes_on([['known_date']], unique=['batch_id', 'source_row'])) }}

with delivered as (
    {{ accepted_rows('marketing', 'sends', [
        'send_id', 'campaign_id', 'recipient', 'channel', 'action_id', 'sent_at'
    ]) }}
),

dated as (
    select
        *,
        {{ known_by_then(iso_moment('sent_at')) }} as row_known_date
    from delivered
)

select
    {{ told('send_id') }} as send_id,
    {{ told('campaign_id') }} as campaign_id,
    {{ told('recipient') }} as recipient,
    case
        when lower({{ told('channel') }}) = 'email' then emails.normalised_value
        else {{ told('recipient') }}
    end as recipient_key,
    case lower({{ told('channel') }})
        when 'email' then 'email'
        when 'push' then 'install'
        when 'letter' then 'contact'
    end as recipient_kind,
    lower({{ told('channel') }}) as channel,
    {{ told('action_id') }} as action_id,
    {{ iso_moment('sent_at') }} as sent_at,
    source_row,
    batch_id,
    row_known_date as known_date
from dated
{{ join_normalised('emails', 'email', 'dated.recipient', only_if="lower(trim(dated.channel)) = 'email'") }}
{% if is_incremental() -%}
where row_known_date >= {{ increment_since() }}
{%- endif %}
