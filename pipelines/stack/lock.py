"""One command at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, doing: str, say: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other command holds this file, and hold it; `doing` is what the other one is said to do."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another livepulse command is {doing}: waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
