-- The newest answer to "would you recommend us" that was known on the day.
with visible as (
    select
        answers.customer_id,
        dates.as_of_date,
        answers.score,
        row_number() over (
            partition by answers.customer_id, dates.as_of_date
            order by answers.answered_at desc, answers.answer_id desc
        ) as newest_first
    from {{ ref('survey_answers') }} as answers
    inner join {{ ref('snapshot_dates') }} as dates
        on
            answers.answered_date <= dates.as_of_date
            and answers.known_date <= dates.as_of_date
    where answers.survey = 'nps'
)

select
    customer_id,
    as_of_date,
    score as last_nps_score
from visible
where newest_first = 1
