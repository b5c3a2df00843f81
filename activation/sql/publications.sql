-- Records what is live, with one checksum over both tables that does not depend on the order of their rows.
insert into activation.publications (as_of, intent_scores_rows, next_best_actions_rows, checksum)
select %(as_of)s, s.rows, n.rows, md5(s.digest || n.digest)
from
    (select count(*) as rows, coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint)::text, '') as digest
    from activation.intent_scores t) s,
    (select count(*) as rows, coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint)::text, '') as digest
    from activation.next_best_actions t) n
on conflict (as_of) do update set
    intent_scores_rows = excluded.intent_scores_rows,
    next_best_actions_rows = excluded.next_best_actions_rows,
    checksum = excluded.checksum
returning as_of, intent_scores_rows, next_best_actions_rows, checksum;
