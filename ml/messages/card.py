"""The model card of the message model."""

from datetime import date

import pandas as pd

from ml.messages.model import MessageModel, MessageSettings

_CARD = """# {name}, as of {as_of}

What a message (ticket, chat, e-mail, form, note of a call, comment of a survey) is about, in German and English:
{intents}. Experts: words{encoders}.

- Knowledge cut: messages and labels known on {as_of}. Data hash `{data_hash}`.
- Labels are what agents ticked, {label_error:.0%} of them wrong by a review; figures count a wrong label as a mistake.
- Promise: at most {risk:.0%} of the answers given alone are wrong, with {confidence:.0%} confidence, as long as later
  messages are like those it was judged on. Languages nobody labelled ({foreign}) are always handed over.

| messages | from | to | number |
|---|---|---|---|
{parts}

| figure on the later messages | |
|---|---|
{figures}

## Must not be used
- to judge people, or who works with them: it reads what is wanted, not who writes;
- as the only reader of a complaint, a withdrawal or a request under data-protection law: abstain or not, those reach a
  human;
- {until} days after it was trained, or for another company.

The model keeps no message: grams are numbers of a hash, prototypes are means of several messages.
"""


def model_card(
    as_of: date,
    data_hash: str,
    parts: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    model: MessageModel,
    figures: dict[str, float],
    settings: MessageSettings,
) -> str:
    """Write the card as Markdown."""
    names = ("to learn from", "to promise from", "to judge on")
    return _CARD.format(
        name=settings.model,
        as_of=as_of,
        intents=", ".join(model.intents),
        encoders="".join(f", {name}" for name in model.meanings),
        data_hash=data_hash,
        label_error=settings.promise["label_error"],
        risk=settings.promise["risk"],
        confidence=settings.promise["confidence"],
        foreign=", ".join(model.foreign_languages) or "none of the known ones",
        parts="\n".join(
            f"| {name} | {part['known_date'].min():%Y-%m-%d} | {part['known_date'].max():%Y-%m-%d} | {len(part)} |"
            for name, part in zip(names, parts, strict=True)
        ),
        figures="\n".join(f"| {name} | {value:.4f} |" for name, value in figures.items()),
        until=settings.retrain_after_days * 2,
    )
