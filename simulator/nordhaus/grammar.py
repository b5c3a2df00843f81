"""Phrases with nested alternatives, parsed once, said many times.

A phrase file has one phrase a line. In a phrase `(a|b|)` is one of these, `{formal~informal}` goes by the writer's
register, `<name>` is a list of phrases of the same language, `$name` a fact about this message, and `[...]` is said in
every second message and never if a fact in it is unknown.
"""

import re
from pathlib import Path

import yaml

PHRASES = Path(__file__).parent / "phrases"
FORMAL, INFORMAL = 0, 1
DRAWS = 256
_TOKENS = re.compile(r"[()|{}~\[\]]|<\w+>|\$[a-z_]+|[^()|{}~\[\]<$]+")


class Hand:
    """What one message is written with: its own draws, the facts it may tell, and a topic it may mention."""

    __slots__ = ("_draws", "_place", "_facts", "_row", "topic")

    def __init__(self, draws: list[int], facts: dict[str, list], row: int):
        self._draws, self._place, self._facts, self._row, self.topic = draws, 0, facts, row, ""

    def draw(self, below: int) -> int:
        """Return the next draw in [0, below); after the last of the 256 draws they come round again."""
        self._place = place = (self._place + 1) % DRAWS
        return self._draws[place] % below

    def chance(self, share: float) -> bool:
        """Return True in this share of all calls."""
        return self.draw(10_000) < share * 10_000

    def fact(self, name: str) -> str:
        """Return the fact as text; unknown, zero, negative, not-a-number and a single day are ''."""
        if name == "topic":
            return self.topic
        column = self._facts.get(name)
        value = column[self._row] if column is not None else ""
        if isinstance(value, str):
            return value
        if value is None or not value > (name == "days_late"):
            return ""
        return f"{value:.2f}" if name == "amount_eur" else f"{value:g}"


class _Fact:
    """A `$name`: the fact, or if it is unknown a word of the list `missing_<name>`."""

    def __init__(self, name: str, instead: list, comma: bool):
        self.name, self.instead, self.comma = name, instead, comma

    def say(self, hand: Hand) -> str:
        told = hand.fact(self.name)
        return (told.replace(".", ",") if self.comma else told) or say(self.instead, hand)


class _Optional:
    """A `[...]`: half of the time, if all its facts are known."""

    def __init__(self, inside: object, facts: list[str]):
        self.inside, self.facts = inside, facts

    def say(self, hand: Hand) -> str:
        if hand.draw(2) or not all(map(hand.fact, self.facts)):
            return ""
        return say(self.inside, hand)


def say(node: object, hand: Hand) -> str:
    """Return one wording of a parsed phrase (text, list of alternatives, tuple of parts, fact, optional)."""
    if isinstance(node, str):
        return node
    if isinstance(node, list):
        return say(node[hand.draw(len(node))], hand) if node else ""
    if isinstance(node, tuple):
        return "".join([say(part, hand) for part in node])
    return node.say(hand)


class Grammar:
    """All phrases of one language in one register: `frame[section]` and `about[intent][section]`, parsed lists."""

    def __init__(self, language: str, register: int, intents: tuple[str, ...]):
        self._language, self._register = language, register
        self._lines = _sections(f"frame_{language}", language)
        self.frame = {section: [] for section in self._lines}
        # Filled in place: phrases hold the lists they name, in whatever order the sections come.
        for section, lines in self._lines.items():
            self.frame[section].extend(map(self._parse, lines))
        self.about = [
            {section: [self._parse(line) for line in lines] for section, lines in _sections(intent, language).items()}
            for intent in intents
        ]

    def _parse(self, line: str) -> object:
        tokens = _TOKENS.findall(line)
        if "".join(tokens) != line:
            raise ValueError(f"stray < or $ in the phrase: {line}")
        node, end = self._alternatives(tokens, 0)
        if end != len(tokens):
            raise ValueError(f"unbalanced brackets in the phrase: {line}")
        return node

    def _alternatives(self, tokens: list[str], place: int) -> tuple[object, int]:
        options, parts = [], []
        while place < len(tokens) and tokens[place] not in (")", "}", "]", "~"):
            token = tokens[place]
            if token == "|":
                options.append(_joined(parts))
                parts = []
            elif token == "(":
                inside, place = self._closed(tokens, place, ")")
                parts.append(inside)
            elif token == "[":
                start = place
                inside, place = self._closed(tokens, place, "]")
                parts.append(_Optional(inside, [name[1:] for name in tokens[start:place] if name[0] == "$"]))
            elif token == "{":
                formal, place = self._closed(tokens, place, "~")
                informal, place = self._closed(tokens, place, "}")
                parts.append(informal if self._register else formal)
            elif token[0] == "<":
                parts.append(self.frame[token[1:-1]])
            elif token[0] == "$":
                name = token[1:]
                comma = self._language == "de" and name == "amount_eur"
                parts.append(_Fact(name, self.frame.get(f"missing_{name}", []), comma))
            else:
                parts.append(token)
            place += 1
        options.append(_joined(parts))
        return (options[0] if len(options) == 1 else options), place

    def _closed(self, tokens: list[str], place: int, closing: str) -> tuple[object, int]:
        inside, place = self._alternatives(tokens, place + 1)
        if place >= len(tokens) or tokens[place] != closing:
            raise ValueError(f"no {closing} in the phrase: {''.join(tokens)}")
        return inside, place


def _joined(parts: list) -> object:
    return "" if not parts else parts[0] if len(parts) == 1 else tuple(parts)


def _sections(name: str, language: str) -> dict[str, list[str]]:
    content = yaml.safe_load((PHRASES / f"{name}.yml").read_text(encoding="utf-8"))[language]
    return {section: text.splitlines() for section, text in content.items()}
