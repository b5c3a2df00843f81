-- Replaces activation.intent_scores by the scores of as_of. Delete and insert, not truncate: readers keep the old rows
-- until the commit.
delete from activation.intent_scores;

insert into activation.intent_scores (
    customer_id, intent, probability, base_rate, is_top, abstained, data_as_of, model_name, model_version,
    as_of_date, scored_at, reasons
)
select
    customer_id, intent, probability, base_rate, is_top, abstained, data_as_of, model_name, model_version,
    as_of_date, scored_at, reasons
from scores.intent_scores
where as_of_date = %(as_of)s;
