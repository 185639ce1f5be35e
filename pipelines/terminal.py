"""What is shown on a terminal: other people's text, of which nothing may steer it, and tables."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_PIPE_COLUMNS = 250


def for_tables() -> Console:
    """A console on which names are whole where nobody has said how wide it is, as in a pipe."""
    from rich.console import Console

    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, width=None if known else _PIPE_COLUMNS)


def harmless(text: str) -> str:
    """The text with everything that is not printable spelled out, except the ends of lines."""
    return "".join(c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in text)
