"""Other people's text on a terminal: ids, records, what services say. Nothing of it may steer the terminal."""

from __future__ import annotations


def harmless(text: str) -> str:
    """The text with everything that is not printable spelled out, except the ends of lines."""
    return "".join(c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in text)
