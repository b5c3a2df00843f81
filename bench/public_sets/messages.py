"""Public sets of messages with intents that may stand beside the project, as frames with the columns text and label."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

OUT_OF_SCOPE = "oos"


@dataclass(frozen=True)
class Task:
    """One measurement: what to learn from, what to be judged on, and what `label` says of strange messages.

    `later` is what promises are made from; without it they are made from left-out folds of `train`.
    """

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    out_of_scope: str | None = None
    later: pd.DataFrame | None = None


def standard(beside: Path, seed: int) -> Iterator[Task]:
    """Give the official splits of the sets that are there; few examples are drawn with `seed`.

    BANKING77 (Casanueva et al. 2020), CLINC150 (Larson et al. 2019; no strange message is learned from), xSID 0.6 (van
    der Goot et al. 2021, Winkler et al. 2024: 300 messages to learn from, the dialects are only judged on).
    """
    banking = beside / "banking77"
    if banking.exists():
        train, test = (
            pd.read_csv(banking / f"{part}.csv").rename(columns={"category": "label"}) for part in ("train", "test")
        )
        yield Task("BANKING77", train, test)
        yield Task("BANKING77, 10 per intent", few(train, 10, seed), test)
    if (clinc := beside / "clinc150" / "data_full.json").exists():
        parts = {
            name: pd.DataFrame(rows, columns=["text", "label"]) for name, rows in json.loads(clinc.read_text()).items()
        }
        yield Task(
            "CLINC150", parts["train"], pd.concat([parts["test"], parts["oos_test"]]), OUT_OF_SCOPE, parts["val"]
        )
    xsid = beside / "xsid_de"
    if xsid.exists():
        german, english = conll(xsid / "de.valid.conll"), conll(xsid / "en.valid.conll")
        for code, name in (
            ("de", "German"),
            ("de-ba", "Bavarian"),
            ("de-st", "South Tyrolean"),
            ("gsw", "Swiss German"),
        ):
            yield Task(f"xSID {name} from German", german, conll(xsid / f"{code}.test.conll"))
        yield Task("xSID German from English", english, conll(xsid / "de.test.conll"))


def few(train: pd.DataFrame, per_intent: int, seed: int) -> pd.DataFrame:
    """Draw so many messages of each intent."""
    shuffled = train.sample(frac=1, random_state=seed)
    return shuffled.groupby("label").head(per_intent).reset_index(drop=True)


def conll(path: Path) -> pd.DataFrame:
    """Read the text and the intent of each sentence of a CoNLL file of xSID."""
    found: dict[str, list[str]] = {"text": [], "intent": []}
    for line in path.read_text(encoding="utf-8").splitlines():
        for name, values in found.items():
            for start in (f"# {name} = ", f"# {name}: "):
                if line.startswith(start):
                    values.append(line.removeprefix(start).strip())
    return pd.DataFrame({"text": found["text"], "label": found["intent"]})
