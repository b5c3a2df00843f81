-- Fails when: quiet hours begin when they end, name a weekday or a time zone that there is not, or fill the whole week
-- of a channel.
-- Why: deliveries wait for the end of quiet hours. Hours that nobody can read would let a call through at night; those
-- without an end would keep every action of the channel for ever.
with hours as (
    select
        channel,
        weekdays,
        begins,
        ends,
        time_zone,
        valid_from,
        length(replace(weekdays, ' ', '')) as days,
        extract(epoch from ends - begins) / 3600 as daytime_hours
    from {{ ref('quiet_hours') }}
)

select
    channel,
    'they mean nothing' as reason
from hours
where
    begins = ends
    or weekdays !~ '^[1-7]( [1-7])*$'
    or time_zone not in (select name from pg_timezone_names)
union all
select
    channel,
    'no hour of the week is left' as reason
from hours
group by channel, valid_from
having sum(days * (case when daytime_hours < 0 then daytime_hours + 24 else daytime_hours end)) >= 168
