"""What the branch tills write: one file per branch and day, cp1252, German numbers, with and without a loyalty card."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.nordhaus import catalogue, randomness
from simulator.nordhaus.clock import utc_offset
from simulator.nordhaus.formatting import csv_bytes, german_amount
from simulator.nordhaus.orders import OrderLines
from simulator.nordhaus.people import People

SHOWS_CARD = 0.82  # of those who have one
DEFECTS = {
    "unreadable_amount": 0.0004,  # "12,9O"
    "missing_article": 0.0004,
    "receipt_booked_twice": 0.0008,  # the same line once more in the file
    "file_delivered_twice": 0.01,  # a whole file again under another name
}


def till_files(
    seed: int, day: int, people: People, buyers: np.ndarray, branch: np.ndarray, at: np.ndarray, lines: OrderLines,
    products: catalogue.Products,
) -> list[tuple]:  # fmt: skip
    """The day's files: (name, bytes, day of delivery, truth columns). `buyers`, `branch`, `at` are one entry a receipt.

    `at` is in epoch seconds; `lines.owner` is the index of the receipt.
    """
    person = buyers[lines.owner]
    receipt = randomness.codes(seed, "receipt", 9, person, day)
    has_shown = people.has_card[person] & (randomness.uniform(seed, "shows card", person, day) < SHOWS_CARD)
    when = (at[lines.owner] + utc_offset(day)).astype("datetime64[s]")
    cents = lines.quantity * lines.price_cents
    amount = german_amount(cents)
    draw = randomness.uniform(seed, "till defect", person, day, lines.line_no)
    first, second = DEFECTS["unreadable_amount"], DEFECTS["missing_article"]
    unreadable, missing = draw < first, (draw >= first) & (draw < first + second)
    twice = (draw >= first + second) & (draw < first + second + DEFECTS["receipt_booked_twice"])
    columns = {
        "BON": receipt,
        "POS": lines.line_no,
        "FILIALE": catalogue.BRANCHES[branch[lines.owner]],
        "ZEIT": pc.strftime(pa.array(when), "%Y%m%d%H%M%S").to_numpy(zero_copy_only=False),
        "KARTE": np.where(has_shown, people.card_no(person), ""),
        "ARTIKEL": np.where(missing, "", products.sku[lines.product]),
        "MENGE": lines.quantity,
        "BETRAG": np.where(unreadable, np.char.add(amount, "O"), amount),
    }
    defect = np.select([unreadable, missing], ["unreadable_amount", "missing_article"], "")
    key = np.char.add(np.char.add(receipt, "/"), lines.line_no.astype("U3"))
    order = np.lexsort((lines.line_no, receipt, columns["ZEIT"]))
    files = []
    for one, name in enumerate(catalogue.BRANCHES):
        rows = order[branch[lines.owner][order] == one]
        rows = np.concatenate([rows, rows[twice[rows]]])
        doubled = np.arange(len(rows)) >= len(rows) - int(twice[rows].sum() // 2)
        truth = {
            "record_key": key[rows],
            "person": person[rows],
            "defect": np.where(doubled, "receipt_booked_twice", defect[rows]),
        }
        data = csv_bytes({column: values[rows] for column, values in columns.items()}, ";", "cp1252")
        due = day + catalogue.LATE_BRANCH_DAYS * (one == catalogue.LATE_BRANCH)
        files.append((f"till/bons_{catalogue.date_of(day)}_{name}.csv", data, due, truth))
        if len(rows) and randomness.uniform(seed, "file twice", day, one) < DEFECTS["file_delivered_twice"]:
            files.append((f"till/bons_{catalogue.date_of(day)}_{name}-2.csv", data, due + 1, None))
    return files
