"""What sqlfluff needs to know of dbt's own macros to read the models without dbt and without a database."""


def datediff(earlier: str, later: str, part: str) -> str:
    """Days between two dates."""
    return f"({later} - {earlier})"


def dateadd(part: str, count: object, day: str) -> str:
    """A day plus a number of days."""
    return f"({day} + {count})"


def hash(text: str) -> str:  # noqa: A001 - the name of dbt's macro
    """The md5 of a text."""
    return f"md5({text})"


def date_spine(part: str, start: str, end: str) -> str:
    """A query with one column of dates."""
    return f"select {start} as date_{part} where {start} < {end}"


def type_string() -> str:
    """The type of texts."""
    return "text"


def type_bigint() -> str:
    """The type of large whole numbers."""
    return "bigint"


def concat(fields: list[str]) -> str:
    """Texts side by side."""
    return " || ".join(fields)


def split_part(text: str, delimiter: str, part: int) -> str:
    """One of the parts of a text."""
    return f"split_part({text}, {delimiter}, {part})"


def listagg(measure: str, delimiter: str, order: str) -> str:
    """Texts of a group in one, in an order."""
    return f"string_agg({measure}, {delimiter} {order})"


def date_trunc(part: str, day: str) -> str:
    """The first day of a week or month."""
    return f"date_trunc('{part}', {day})"
