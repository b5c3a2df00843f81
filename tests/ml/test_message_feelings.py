"""What a message says beside its main concern: how the writer feels, how much it hurries, what else is wanted."""

from dataclasses import replace

import numpy as np
import pytest

from ml.messages.feeling import feelings
from ml.messages.fit import fit
from ml.messages.model import message_settings
from ml.messages.several import mentions
from tests.ml.written_messages import messages

ANGRY = [
    "Das ist eine Frechheit, der Tisch kam kaputt an!",
    "Na toll. Wieder mal nichts gekommen.",
    "Ich bin nicht zufrieden.",
    "This is unacceptable, I am really disappointed.",
    "Thanks for nothing, it is broken again",
    "not happy with the lamp :(",
]
GLAD = [
    "Vielen Dank, alles super geklappt!",
    "Ich bin sehr zufrieden, gerne wieder.",
    "Great service, thank you so much 👍",
    "The lamp is beautiful and delivery was quick.",
]
PLAIN = ["Bestellung 4012345", "Which socket does the lamp have?", "Wie groß ist das Regal?", ""]
NOW = [
    "Bitte sofort stornieren, es ist dringend!!",
    "Aus der Maschine kommt Rauch.",
    "I need it by tomorrow, urgent",
    "Sonst gehe ich zum Anwalt",
]
LATER = ["Keine Eile, ich wüsste nur gern, ob es das in Blau gibt.", "No rush, whenever you have time", *PLAIN]


def test_anger_and_joy_are_told_apart_in_both_languages():
    assert (feelings(ANGRY).sentiment < -0.3).all()
    assert (feelings(GLAD).sentiment > 0.3).all()
    assert (np.abs(feelings(PLAIN).sentiment) < 0.2).all()


def test_what_hurries_comes_before_what_has_time():
    assert feelings(NOW).urgency.min() > 0.5 > 0.2 > feelings(LATER).urgency.max()


def test_a_quoted_reply_is_nobodys_feeling():
    quoted = "Die Lampe ist da.\n\nOn 3 May 2025, customer service wrote:\n> This is terrible and urgent!!"
    assert feelings([quoted]).sentiment[0] == 0
    assert feelings([quoted]).urgency[0] == 0


def test_a_word_within_a_word_says_nothing():
    """ "Gutschein" is not good, "topic" not top, "freund" not friendly."""
    assert feelings(["Der Gutschein meines Freundes", "another topic, a hotline"]).sentiment.tolist() == [0, 0]


def test_surveys_are_felt_as_they_were_meant():
    """The simulated writers say their mood in about half of the comments; more cannot be read than was written."""
    meant = messages(0, 1500, channel=4)
    assert np.corrcoef(meant.moods, feelings(meant.texts).sentiment)[0, 1] > 0.25


@pytest.fixture(scope="module")
def model():
    known = messages(0, 1500)
    return fit(known.texts, known.intents, replace(message_settings(), encoders=[]))[0]


def test_a_second_concern_is_named_and_an_aside_is_not(model):
    texts = [
        "Wo bleibt mein Paket? Außerdem: der Gutscheincode wird nicht angenommen.",
        "I want to cancel the order. One more thing: please delete my data and stop the newsletter.",
        "Wo bleibt mein Paket? Die Rücksendung von letzter Woche hat sich erledigt.",
    ]
    named = mentions(model, texts, model.read(texts), certainty=0.5)
    found = [set(np.array(model.intents)[row]) for row in named]
    assert found[0] == {"track", "voucher"}
    assert found[1] == {"cancel", "consent"}
    assert found[2] == {"track"}


def test_named_concerns_are_seldom_invented(model):
    one_concern = messages(700_000, 1000)
    reading = model.read(one_concern.texts)
    named = mentions(model, one_concern.texts, reading, message_settings().mention_certainty)
    assert named[np.arange(1000), reading.probabilities.argmax(axis=1)].all()
    assert (named.sum(axis=1) > 1).mean() < 0.02
