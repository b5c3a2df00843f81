"""What people write to Nordhaus and about it: e-mails, chats, forms, agents' notes of calls, comments, mentions.

Each message is said from the grammar in `phrases/` and says what it was asked to say, first of all its intent. Around
that it has what makes life hard for a reader of words: asides about things long settled, a second concern, quoted
replies, irony, slips of the keyboard. `agent_label` is what the contact centre's agents tick, in a hurry.
"""

from functools import cache

import numpy as np
import yaml

from simulator.nordhaus.grammar import DRAWS, FORMAL, INFORMAL, PHRASES, Grammar, Hand, say
from simulator.nordhaus.misspelling import hurry, mistype, mix, started, tidy
from simulator.nordhaus.randomness import integers, uniform

INTENTS = (
    "track", "return", "complain_delivery", "complain_product", "cancel", "pay", "ask_product", "ask_availability",
    "change_data", "consent", "device_help", "praise", "voucher", "out_of_scope",
)  # fmt: skip
CHANNELS = ("email", "chat", "form", "phone_note", "survey", "social")
LANGUAGES = ("de", "en")
EMAIL, CHAT, FORM, PHONE_NOTE, SURVEY, SOCIAL = range(len(CHANNELS))
LABEL_MISSING, LABEL_WRONG = 0.20, 0.12
_PRAISE = INTENTS.index("praise")
_BATCH = 2048
# Shares by channel: informal, hurried, with slips, with an aside about something else, without one word too many.
_INFORMAL = (0.25, 0.7, 0.3, 0.0, 0.5, 0.85)
_HASTE = (0.25, 0.85, 0.35, 0.3, 0.5, 0.6)
_SLIPS = (0.35, 0.5, 0.4, 0.35, 0.4, 0.4)
_ASIDE = (0.6, 0.38, 0.5, 0.25, 0.4, 0.35)
_TERSE = (0.08, 0.45, 0.12, 0.0, 0.35, 0.2)


def write(
    seed: int,
    number: np.ndarray,
    intent: np.ndarray,
    language: np.ndarray,
    channel: np.ndarray,
    mood: np.ndarray,
    facts: dict[str, np.ndarray | list],
    second_intent: np.ndarray,
) -> list[str]:
    """Return one text per message; all arrays are [n] and what is drawn depends on (seed, number) alone.

    `number` is the message's unique number; `intent`, `language` and `channel` are indices into INTENTS, LANGUAGES and
    CHANNELS; `mood` is in [-1, 1]; `second_intent` is -1 for none. `facts` may have first_name, last_name, order_no,
    product, days_late, amount_eur, phone, email, town, street, each [n]; '' or 0 is unknown and then not told.
    """
    number = np.asarray(number, dtype=np.int64)
    facts = {name: np.asarray(column).tolist() for name, column in facts.items()}
    asked = [np.asarray(column).tolist() for column in (intent, language, channel, mood, second_intent)]
    texts = []
    for start in range(0, len(number), _BATCH):
        keys = number[start : start + _BATCH, None]
        for row, draws in enumerate(integers(seed, "texts", 1 << 30, keys, np.arange(DRAWS)).tolist(), start):
            texts.append(_message(Hand(draws, facts, row), *[column[row] for column in asked]))
    return texts


def agent_label(seed: int, number: np.ndarray, intent: np.ndarray) -> np.ndarray:
    """Return the index into INTENTS that the agent ticked (int64 [n]); 20 % are -1, none, 12 % of the rest wrong."""
    number, intent = np.asarray(number, dtype=np.int64), np.asarray(intent, dtype=np.int64)
    wrong = uniform(seed, "texts/wrong label", number) < LABEL_WRONG
    ends = np.cumsum(_confusions(), axis=1)
    mistaken = (uniform(seed, "texts/mistaken for", number)[:, None] >= ends[intent]).sum(axis=1)
    label = np.where(wrong, mistaken, intent)
    return np.where(uniform(seed, "texts/no label", number) < LABEL_MISSING, -1, label)


@cache
def _confusions() -> np.ndarray:
    """Return the share of each wrong label given the intent (float [14, 14], rows sum to 1, diagonal 0)."""
    weights = yaml.safe_load((PHRASES / "confusions.yml").read_text(encoding="utf-8"))
    shares = np.array([[float(weights[true].get(ticked, 0.25)) for ticked in INTENTS] for true in INTENTS])
    np.fill_diagonal(shares, 0.0)
    return shares / shares.sum(axis=1, keepdims=True)


@cache
def _grammar(language: int, register: int) -> Grammar:
    return Grammar(LANGUAGES[language], register, INTENTS)


@cache
def _foreign_words(language: int) -> dict[str, str]:
    lines = _grammar(language, FORMAL).frame["mixed_words"]
    return dict(line.split("=") for line in lines)


def _message(hand: Hand, intent: int, language: int, channel: int, mood: float, second: int) -> str:
    register = INFORMAL if hand.chance(_INFORMAL[channel]) else FORMAL
    grammar = _grammar(language, register)
    if channel == PHONE_NOTE:
        text = _note(hand, grammar, intent, second)
    else:
        body = _body(hand, grammar, intent, channel, mood, second)
        text = _DRESS[channel](hand, grammar, body, mood)
    text = tidy(text)
    if channel != PHONE_NOTE and hand.chance(0.07):
        text = mix(text, _foreign_words(language))
    text = hurry(text, hand, _HASTE[channel])
    if hand.chance(_SLIPS[channel]):
        text = mistype(text, hand, LANGUAGES[language], 1 + hand.draw(2 + len(text) // 90))
    if mood < -0.5 and hand.chance(0.08):
        text = text.upper()
    return text


def _body(hand: Hand, grammar: Grammar, intent: int, channel: int, mood: float, second: int) -> str:
    """Return the sentences that say the intent, and what else comes to the writer's mind."""
    sentences = _concern(hand, grammar, intent, mood, hand.chance(_TERSE[channel]))
    if second >= 0:
        other = grammar.about[second]
        also = say(grammar.frame["also"], hand) + " " + say(other["core" if hand.draw(2) else "ask"], hand)
        sentences.append(also)
    if hand.chance(_ASIDE[channel]):
        sentences.insert(hand.draw(len(sentences) + 1) if hand.draw(2) else 0, _aside(hand, grammar, intent))
    if channel in (EMAIL, FORM):
        if hand.chance(0.2):
            sentences.insert(0, say(grammar.frame["small_talk"], hand))
        if hand.chance(0.3):
            sentences.append(say(grammar.frame["who_i_am"], hand))
        if hand.fact("order_no") and hand.chance(0.3):
            sentences.insert(hand.draw(2) * len(sentences), say(grammar.frame["which_order"], hand))
    if channel == EMAIL and hand.chance(0.12):
        sentences = _long_story(hand, grammar, intent, sentences)
    if mood < -0.3 and intent != _PRAISE and hand.chance(0.45):
        sentences.append(say(grammar.frame["anger"], hand))
    elif mood > 0.3 and hand.chance(0.35):
        sentences.append(say(grammar.frame["kind"], hand))
    between = "\n" if channel == EMAIL and hand.chance(0.25) else " "
    return between.join(map(started, sentences))


def _long_story(hand: Hand, grammar: Grammar, intent: int, sentences: list[str]) -> list[str]:
    """Return the sentences between others that lead away from them and back."""
    frame, own = grammar.frame, grammar.about[intent]
    before = [say(frame["small_talk"], hand), _aside(hand, grammar, intent), say(own["detail"], hand)]
    after = [_aside(hand, grammar, intent), say(frame["who_i_am"], hand), say(own["ask"], hand)]
    return [*before, *sentences, *after[hand.draw(2) :]]


def _concern(hand: Hand, grammar: Grammar, intent: int, mood: float, terse: bool) -> list[str]:
    own = grammar.about[intent]
    if terse:
        return [say(own["short" if hand.draw(5) else "ask"], hand)]
    if mood < -0.1 and intent != _PRAISE and hand.chance(0.3):
        sentences = [say(own.get("irony") or grammar.frame["irony"], hand)]
        return [*sentences, say(own["detail" if "irony" in own and hand.draw(2) else "core"], hand)]
    shape = hand.draw(6)
    if shape == 0:
        return [say(own["core"], hand)]
    if shape == 1:
        return [say(own["detail"], hand), say(own["ask"], hand)]
    if shape == 2:
        return [say(own["ask"], hand), say(own["core"], hand)]
    sentences = [say(own["core"], hand), say(own["detail"], hand)]
    if shape == 3:
        sentences.reverse()
    return [*sentences, say(own["ask"], hand)] if shape > 3 else sentences


def _aside(hand: Hand, grammar: Grammar, intent: int) -> str:
    """Return a sentence about another concern that is settled, denied or somebody else's."""
    other = grammar.about[(intent + 1 + hand.draw(len(INTENTS) - 1)) % len(INTENTS)]
    kind = hand.draw(5)
    if kind < 2:
        return say(other["aside"], hand)
    hand.topic = say(other["topic" if kind == 2 else "core" if hand.draw(2) else "ask"], hand)
    return say(grammar.frame["not_about" if kind == 2 else "settled"], hand)


def _note(hand: Hand, grammar: Grammar, intent: int, second: int) -> str:
    """Return what the agent typed during the call."""
    frame, parts = grammar.frame, [say(grammar.frame["note_open"], hand), say(grammar.about[intent]["note"], hand)]
    if second >= 0:
        parts.append(say(frame["note_also"], hand) + " " + say(grammar.about[second]["note"], hand))
    if hand.chance(_ASIDE[PHONE_NOTE]):
        hand.topic = say(grammar.about[(intent + 1 + hand.draw(len(INTENTS) - 1)) % len(INTENTS)]["topic"], hand)
        parts.append(say(frame["note_not_about"], hand))
    return " ".join([*parts, say(frame["note_close"], hand)])


def _email(hand: Hand, grammar: Grammar, body: str, mood: float) -> str:
    frame, blocks = grammar.frame, []
    if hand.chance(0.88 if mood > -0.5 else 0.6):
        blocks.append(say(frame["greeting"], hand))
    blocks.append(body)
    if hand.chance(0.85):
        blocks.append(say(frame["farewell"], hand))
        if hand.chance(0.9):
            blocks.append(say(frame["signature"], hand))
    text = ("\n" if hand.draw(3) else "\n\n").join(blocks)
    if hand.chance(0.24):
        # People answer an old mail with a new concern, so what is quoted is about anything.
        about = grammar.about[hand.draw(len(INTENTS))]
        lines = [say(frame["quote_hello"], hand), say(about["reply"], hand), say(frame["quote_end"], hand)]
        if hand.draw(2):
            lines += ["> " + say(about["core"], hand), "> " + say(about["ask"], hand)]
        mark = "> " if hand.draw(3) else ""
        text += "\n\n" + say(frame["quote_head"], hand) + "\n" + "\n".join(mark + line for line in lines)
    return text


def _chat(hand: Hand, grammar: Grammar, body: str, mood: float) -> str:
    greeting = say(grammar.frame["hello"], hand) + " " if hand.chance(0.45) else ""
    return greeting + body + (" " + say(grammar.frame["chat_end"], hand) if hand.chance(0.3) else "")


def _form(hand: Hand, grammar: Grammar, body: str, mood: float) -> str:
    head = say(grammar.frame["form_head"], hand) + "\n" if hand.chance(0.35) else ""
    return head + body + (" " + say(grammar.frame["farewell"], hand) if hand.chance(0.3) else "")


def _survey(hand: Hand, grammar: Grammar, body: str, mood: float) -> str:
    opening = "survey_good" if mood > 0.2 else "survey_bad" if mood < -0.2 else "survey_even"
    return (say(grammar.frame[opening], hand) + " " if hand.chance(0.5) else "") + body


def _social(hand: Hand, grammar: Grammar, body: str, mood: float) -> str:
    return f"{say(grammar.frame['mention'], hand)} {body} {say(grammar.frame['hashtag'], hand)}"


_DRESS = {EMAIL: _email, CHAT: _chat, FORM: _form, SURVEY: _survey, SOCIAL: _social}
