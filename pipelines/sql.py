"""Settings filled into generated SQL."""

from __future__ import annotations

import re


def fill(sql: str, **values: str | int) -> str:
    """Fills the `${...}` of generated SQL, each of which stands inside a string literal or for a number.

    Raises:
        KeyError: the SQL asks for a value that is not given.
        ValueError: a value has a backslash, which Flink and ClickHouse read differently.
    """

    def literal(match: re.Match[str]) -> str:
        value = str(values[match[1]])
        if "\\" in value:
            raise ValueError(f"{match[1]} must not contain a backslash: {value}")
        return value.replace("'", "''")

    return re.sub(r"\$\{(\w+)\}", literal, sql)
