"""Gate scores.model_drift: was each champion looked at today, and has it moved away from what it learned?

It stops nothing: a champion that drifted is still the best there is, and the next training is due by itself. It warns,
so that somebody looks for the cause, which may be a broken export as well as other customers.
"""

from great_expectations.expectations.expectation import Expectation

from expectations.rules import Subject

TABLE = "quality.model_drift"

FRESHNESS = """
    select champion.model_name as object,
        'last looked at on ' || coalesce(max(seen.as_of_date)::text, 'no day') as observed,
        max(seen.as_of_date) is distinct from {as_of} as is_broken
    from scores.champion_on({as_of}) as champion
    left join {table} as seen on seen.model_name = champion.model_name and seen.as_of_date <= {as_of}
    where champion.model_name = 'cx_intent'
    group by champion.model_name
"""
DRIFTED = """
    select 'champions' as object,
        coalesce(
            string_agg(
                model_name || ' ' || subject || ' ' || round(value::numeric, 2), ', ' order by model_name, subject
            ) filter (where status = 'drifted'),
            count(*) || ' looked at, none moved'
        ) as observed,
        coalesce(bool_or(status = 'drifted'), false) as is_broken
    from {table}
    where as_of_date = {as_of} and kind = {kind}
"""
KINDS = {
    "input": (
        "inputs_are_those_that_were_learned_from",
        "The features of today are distributed as in the sample that the champion learned from.",
        "population stability index, ml/drift/drift.yml",
        "Look whether an export broke or a season began; if customers did change, the next training learns them.",
    ),
    "score": (
        "scores_are_distributed_as_at_training",
        "The probabilities of today are distributed as on the held-out weeks of the training.",
        "population stability index, ml/drift/drift.yml",
        "Look at the inputs that moved; the next training is due by itself.",
    ),
    "calibration": (
        "what_happens_is_what_was_promised",
        "On windows that closed since the training as much happens as the champion had foretold.",
        "observed to expected events, ml/drift/drift.yml",
        "Values of actions rest on these probabilities: see the run's reliability plots; training is due by itself.",
    ),
}


def suite(subject: Subject) -> list[Expectation]:
    """List the expectations on the champions of the day."""
    watched = subject.measure(
        "the_champion_is_watched_today",
        FRESHNESS,
        freshness=True,
        severity="critical",
        law="The champion of the intents was looked at for this day.",
        threshold="as_of",
        advice="Clear watch_drift of score_customers for this day.",
    )
    return [watched, *(_moved(subject, kind, *words) for kind, words in KINDS.items())]


def _moved(subject: Subject, kind: str, name: str, law: str, threshold: str, advice: str) -> Expectation:
    about = {"severity": "warning", "law": law, "threshold": threshold, "advice": advice, "column": "value"}
    return subject.measure(name, DRIFTED, kind=kind, **about)
