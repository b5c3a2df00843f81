"""What of a message is read: without quoted replies, addresses and long numbers, cut at a length that says enough."""

import re

LONGEST = 1500  # characters; a long story has said its concern by then

# A line from which on somebody else is quoted, as mail programs write it in German and English.
_QUOTED_FROM = re.compile(
    r"^\W*(am .{4,80} schrieb\b.*:|on .{4,80} wrote:|-{2,} ?(urspr(ü|ue)ngliche nachricht|original message|"
    r"weitergeleitete nachricht|forwarded message).*|(von|from): .+(gesendet|sent|@).*)\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_MASKS = (
    (re.compile(r"\b[\w.+-]+@[\w-]+(\.[\w-]+)+\b"), " e-mail "),
    (re.compile(r"\b(https?://|www\.)\S+", re.IGNORECASE), " link "),
    # Order, account and phone numbers, IBANs: who it is, not what it is about.
    (re.compile(r"\b[A-Za-z]{0,4}[-/]?\d[\d /-]{3,}\d\b"), " number "),
)


def readable(text: str | None) -> str:
    """Return the message as the model reads it; whoever quotes only is read whole. Missing text is empty."""
    if not text:
        return ""
    said = _QUOTED_LINE.sub("", text)
    quoted = _QUOTED_FROM.search(said)
    if quoted and said[: quoted.start()].strip():
        said = said[: quoted.start()]
    if not said.strip():
        said = text
    for pattern, word in _MASKS:
        said = pattern.sub(word, said)
    return " ".join(said[:LONGEST].split())
