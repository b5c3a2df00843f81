"""Which changes have to wait because nobody is contacted on their channel now."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from activation.destinations.change import Change


def quiet_channels(cursor: Any, changes: Iterable[Change], moment: datetime | None = None) -> dict[str, datetime]:
    """Return when the quiet hours end of each channel of `changes` that has some at `moment`.

    `moment`: with a time zone; None for the clock of the warehouse: whether it is night is all that delivery asks it.
    """
    channels = sorted({change.channel for change in changes if change.channel is not None})
    cursor.execute(
        """
        select channel, ends
        from unnest(%s::text[]) as channel
        cross join lateral activation.quiet_until(channel, coalesce(%s, clock_timestamp())) as ends
        where ends is not null
        """,
        (channels, moment),
    )
    return dict(cursor.fetchall())


def awake(changes: Sequence[Change], quiet: Mapping[str, datetime]) -> list[Change]:
    """Return those that may be told now: who has to leave, leaves at any hour."""
    return [change for change in changes if change.channel not in quiet]
