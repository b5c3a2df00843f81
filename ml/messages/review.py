"""Which messages a human should look at, and what humans said: labels that the next training learns from.

Two questions. *Uncertain*: the model wavers between two intents (smallest margins; Settles 2009, uncertainty sampling).
Of those the queue takes messages that differ in what they say: one of each cluster of the most wavering ones, weighed
by doubt (Zhdanov 2019, "Diverse mini-batch active learning"), for twenty of a kind teach what one does. *Suspected
label*: the model, which
had not seen the message, holds it for another intent than was ticked, with more than that intent's usual certainty
(confident learning, Northcutt et al., JAIR 70, 2021). It is proposed; what the agent ticked stays as it is.

A message was read once, before its label was known or learned from, so what is judged here is out of sample.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from ml.messages import words
from ml.messages.encoders import available, encode
from ml.messages.frame import messages
from ml.messages.model import MessageSettings, message_settings
from ml.messages.text import readable
from runtime import warehouse

UNCERTAIN, SUSPECTED = "uncertain", "suspected label"

_READ = """
    select message_id, ticket_id, intent, probability
    from scores.message_intents
    where as_of_date > %(as_of)s - %(days)s::int and as_of_date <= %(as_of)s and ticket_id is not null
    order by message_id, intent
"""
_ANSWERED = "select distinct message_id from scores.message_reviews where as_of_date <= %(as_of)s"


class ReviewError(ValueError):
    """A label cannot be kept; the message says why."""


def queue_reviews(as_of: date) -> pd.DataFrame:
    """Replace scores.review_queue by what is worth asking on `as_of`; return it, the most worth first.

    Nothing is asked twice, and nothing where no message was read. Raises EmptyFrame without messages.
    """
    settings = message_settings()
    with warehouse.transaction() as connection:
        about = {"as_of": as_of, "days": settings.review["days"]}
        read = warehouse.read_frame(connection, _READ, about)
        answered = warehouse.read_frame(connection, _ANSWERED, about)["message_id"]
        told = messages(connection, as_of).set_index("message_id")[["label", "text"]]
        rows = chosen(read[~read["message_id"].isin(answered)], told, settings).assign(queued_date=as_of)
        with connection.cursor() as cursor:
            cursor.execute("delete from scores.review_queue")
        if len(rows):
            warehouse.copy_frame(connection, rows, "scores.review_queue")
        return rows


def chosen(read: pd.DataFrame, told: pd.DataFrame, settings: MessageSettings) -> pd.DataFrame:
    """Return the messages to ask about: rank, message_id, ticket_id, reason, agent_label, proposed_label, certainty.

    `read` has one row per message and intent, `told` by message its `text` and the `label` that an agent ticked. Half
    of `settings.review` (messages) are suspected labels, if there are so many; the rest are uncertain.
    """
    columns = ["rank", "message_id", "ticket_id", "reason", "agent_label", "proposed_label", "certainty"]
    if read.empty:
        return pd.DataFrame(columns=columns)
    wide = read.pivot(index="message_id", columns="intent", values="probability")
    intents = wide.columns.to_numpy(dtype=object)
    agent, texts = told["label"].reindex(wide.index), told["text"].reindex(wide.index).fillna("")
    many = settings.review["messages"]
    rows = pd.DataFrame({"ticket_id": read.groupby("message_id")["ticket_id"].first(), "agent_label": agent})
    rows["proposed_label"] = intents[wide.to_numpy().argmax(axis=1)]
    rows["certainty"] = wide.max(axis=1)
    suspects = suspected(wide, agent).head(many // 2)
    rows.loc[suspects.index, "proposed_label"] = suspects
    unsure = uncertain(wide.drop(suspects.index), texts.drop(suspects.index), many - len(suspects), settings)
    asked = rows.loc[[*suspects.index, *unsure]].reset_index()
    asked["reason"] = np.repeat([SUSPECTED, UNCERTAIN], [len(suspects), len(unsure)])
    asked["rank"] = np.arange(1, len(asked) + 1)
    return asked[columns]


def uncertain(wide: pd.DataFrame, texts: pd.Series, many: int, settings: MessageSettings) -> pd.Index:
    """Return `many` messages of `wide` (n, intents) between whose two best intents the model wavers, most first.

    The `settings.review` (wavering) times as many most wavering ones are put into `many` clusters by what their `texts`
    (n) mean, weighed by doubt; of each cluster the message in its middle is asked about.
    """
    best = np.sort(wide.to_numpy(), axis=1)[:, -2:]
    margin = pd.Series(best[:, 1] - best[:, 0], wide.index).sort_values(kind="stable")
    margin = margin.head(settings.review["wavering"] * many)
    if len(margin) <= many:
        return margin.index
    rows = _meanings(texts[margin.index].map(readable).tolist(), settings)
    doubt = 1 - margin.to_numpy()
    clusters = KMeans(many, n_init=1, random_state=settings.seed).fit(rows, sample_weight=doubt)
    away = pd.Series(clusters.transform(rows)[np.arange(len(margin)), clusters.labels_], margin.index)
    middle = away.groupby(clusters.labels_).idxmin()
    return margin.index[margin.index.isin(middle)]


def _meanings(said: list[str], settings: MessageSettings) -> np.ndarray:
    """Return what tells messages apart, rows of unit length: the last encoder's vectors, or the words without any."""
    encoders = [name for name in settings.encoders if name in available()]
    if encoders:
        return encode(encoders[-1], said)
    counted = words.count(said, settings.words)
    return words.WordGrams.fit(counted, settings.words["minimum_messages"]).rows(counted)


def suspected(wide: pd.DataFrame, agent: pd.Series) -> pd.Series:
    """Return the intent to propose by message, the most suspicious first.

    `wide` (n, intents) are probabilities of a model that had not seen the messages, `agent` (n) their labels. Of each
    intent the threshold is its mean probability among the messages labelled so.
    """
    known = agent.isin(wide.columns)
    said, label = wide[known], agent[known]
    if said.empty:
        return pd.Series(dtype=object)
    place = wide.columns.get_indexer(label)
    own = said.to_numpy()[np.arange(len(said)), place]
    threshold = pd.Series(own).groupby(label.to_numpy()).mean().reindex(wide.columns).fillna(np.inf).to_numpy()
    confident = np.where(said.to_numpy() >= threshold, said.to_numpy(), -1.0)
    best = confident.argmax(axis=1)
    is_other = (confident.max(axis=1) > 0) & (best != place)
    lead = pd.Series(confident.max(axis=1) - own, said.index)[is_other].sort_values(ascending=False, kind="stable")
    return pd.Series(wide.columns.to_numpy(dtype=object)[best], said.index)[lead.index]


def keep_reviews(as_of: date, labels: Mapping[str, str], by: str) -> int:
    """Append what a human said of messages to scores.message_reviews; return how many answers are new.

    Raises ReviewError for a message that was not asked about, or a label that is no intent and not out of scope.
    """
    settings = message_settings()
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select message_id, ticket_id from scores.review_queue")
        asked = dict(cursor.fetchall())
        cursor.execute("select intent_id from vocabulary.message_intents")
        known = {intent for (intent,) in cursor.fetchall()} | {settings.out_of_scope_label}
        _refuse(set(labels) - set(asked), "was not asked about")
        _refuse(set(labels.values()) - known, f"is no intent; intents are {', '.join(sorted(known))}")
        if not by.strip():
            raise ReviewError("Say who decides: the form's field `by` is empty.")
        kept = 0
        for message_id, label in sorted(labels.items()):
            cursor.execute(
                "insert into scores.message_reviews (message_id, ticket_id, label, reviewed_by, as_of_date)"
                " values (%s, %s, %s, %s, %s) on conflict do nothing",
                (message_id, asked[message_id], label, by.strip(), as_of),
            )
            kept += cursor.rowcount
        cursor.execute("delete from scores.review_queue where message_id = any(%s)", (list(labels),))
        return kept


def parse(lines: list[str]) -> dict[str, str]:
    """Read `message: label` lines of the form. Raises ReviewError."""
    pairs = [line.split(":") for line in lines if line.strip()]
    _refuse({":".join(pair) for pair in pairs if len(pair) != 2}, "is not `message: label`")
    return {message.strip(): label.strip() for message, label in pairs}


def _refuse(wrong: set[Any], why: str) -> None:
    if wrong:
        raise ReviewError(f"{', '.join(sorted(wrong))} {why}.")


def shown(queue: pd.DataFrame) -> str:
    """Write the queue as a table for the form: numbers and intents, nobody's words."""
    lines = ["| message | ticket | ticked | proposed | why |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.message_id} | {row.ticket_id} | {row.agent_label or 'nothing'} | {row.proposed_label} | {row.reason} |"
        for row in queue.fillna("").itertuples()
    ]
    return "\n".join([*lines, "", "Answer with a line each, `message: intent`. What is left out is asked again."])
