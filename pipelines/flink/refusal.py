"""What Flink has against a statement, as an error that shows the place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.errors import UserError
from pipelines.flink.causes import causes

_PLACE = re.compile(
    r"\s*(?:From|at) line (?P<line>\d+), column (?P<column>\d+)(?: to line (?P<last_line>\d+), column (?P<last>\d+))?(?:: )?"
)


@contextmanager
def shown(name: str, statement: str | None = None) -> Iterator[None]:
    """Turns Flink's refusal of a statement into a `UserError`.

    Args:
        name: what the statement makes, for example `view activity`.
        statement: as it was given to Flink, to show the line that it complains of; None for one that may hold passwords.
    """
    from py4j.protocol import Py4JJavaError
    from pyflink.util.exceptions import JavaException

    try:
        yield
    except (Py4JJavaError, JavaException) as error:
        said = [_without_class(cause).partition("\nWas expecting")[0] for cause in causes(str(error))]
        why = next((text for text in reversed(said) if _PLACE.search(text)), said[-1])
        hint = None
        if statement and (place := _PLACE.search(why)):
            why, hint = why.replace(place[0], ""), _marked(statement, place)
        raise UserError(f"Flink refuses {name}: {why}", hint) from error


def _without_class(cause: str) -> str:
    return cause.partition(": ")[2] or cause


def _marked(statement: str, place: re.Match[str]) -> str:
    """The line where a place begins, and beneath it a mark from its first column to its last."""
    line, first = statement.splitlines()[int(place["line"]) - 1], int(place["column"])
    last = int(place["last"] or first) if place["last_line"] in (place["line"], None) else len(line)
    return f"{line}\n{' ' * (first - 1)}{'^' * (last - first + 1)}"
