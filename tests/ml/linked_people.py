"""Persons with known duplicates, small enough that all their pairs are compared."""

import pandas as pd

MAPPING = {
    "record_id": "no",
    "columns": {"first": "given_name", "last": "surname", "born": "birth_date", "mail": "email"},
}
GIVEN = ["anna", "bernd", "clara", "dieter", "emma", "fritz", "greta", "hans", "ines", "jan"]
FAMILY = ["müller", "schmidt", "weber", "wagner", "becker", "hoffmann", "koch", "richter", "klein", "wolf", "neumann"]


def people(count: int = 120) -> pd.DataFrame:
    """Write `count` persons, every second twice with an error: a letter, swapped names, a turned date, no mail."""
    rows = []
    for number in range(count):
        first, last = GIVEN[number * 7 % 10], FAMILY[number * 5 % 11] + "abcdefgh"[number % 8] * (number % 3)
        born = f"{1930 + number * 13 % 70}-{1 + number * 5 % 12:02}-{1 + number * 11 % 28:02}"
        mail = f"{first}.{number * 37 % 100}@example.org"
        rows.append((first, last, born, mail, number))
        if number % 2 == 0:
            year, month, day = born.split("-")
            wrong = [
                (first, last[:-1], born, mail),
                (last, first, born, mail),
                (first, last, f"{year}-{day}-{month}" if int(day) <= 12 else born, None),
                (first.upper(), last.replace("ü", "ue"), born, mail),
            ][number // 2 % 4]
            rows.append((*wrong, number))
    frame = pd.DataFrame(rows, columns=["first", "last", "born", "mail", "person"])
    return frame.assign(no=[f"r{number * 7919 % 100_003}" for number in range(len(frame))])
