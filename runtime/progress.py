"""Show what is being done now and how long it took: live on a terminal, plain lines in a log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


@contextmanager
def step(doing: str) -> Iterator[list[str]]:
    """Announce `doing`, run the block, then say how long it took; what the block appends is shown behind."""
    started = time.monotonic()
    results: list[str] = []
    try:
        if console.is_terminal:
            with console.status(f"{doing} ..."):
                yield results
        else:
            console.print(f"  ... {doing}")
            yield results
    except BaseException:
        console.print(f"[red]failed[/] {doing} ({time.monotonic() - started:.1f} s)")
        raise
    outcome = f": {', '.join(results)}" if results else ""
    console.print(f"[green]done[/]   {doing}{outcome} ({time.monotonic() - started:.1f} s)")
