"""Two sets of tables, row by row and counter by counter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.judge.tables import FRESHNESS, Key, Rows, Tables, keys_of

SHOWN = 10
"""Differences of one table that a report spells out."""


@dataclass(frozen=True, slots=True)
class WrongCounter:
    key: Key
    counter: str
    expected: int
    actual: int | None
    """None: the row has no such column."""


@dataclass(slots=True)
class TableComparison:
    table: str
    compared: int = 0
    """Rows that both sides have."""
    missing: list[Key] = field(default_factory=list)
    extra: list[Key] = field(default_factory=list)
    wrong: list[WrongCounter] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not (self.missing or self.extra or self.wrong)

    def lines(self) -> list[str]:
        """What differs, for people: a heading and the first differences of each kind."""
        head = (
            f"{self.table}: {self.compared} rows on both sides, {len(self.missing)} missing, "
            f"{len(self.extra)} extra, {len(self.wrong)} wrong counters"
        )
        shown = (
            [f"missing  {legible(self.table, key)}" for key in self.missing[:SHOWN]]
            + [f"extra    {legible(self.table, key)}" for key in self.extra[:SHOWN]]
            + [
                f"wrong    {legible(self.table, wrong.key)} {wrong.counter}: expected {wrong.expected}, "
                f"found {'no such column' if wrong.actual is None else wrong.actual}"
                for wrong in self.wrong[:SHOWN]
            ]
        )
        return [head, *(f"  {line}" for line in shown)]


@dataclass(slots=True)
class Comparison:
    tables: list[TableComparison]

    @property
    def ok(self) -> bool:
        return all(table.ok for table in self.tables)

    @property
    def compared(self) -> int:
        return sum(table.compared for table in self.tables)

    def __str__(self) -> str:
        return "\n".join(line for table in self.tables for line in table.lines())


def compare(expected: Tables, actual: Tables, tables: Iterable[str] | None = None) -> Comparison:
    """Hold `actual` against `expected` in `tables` (default: all that `expected` names).

    Every counter of an expected row is compared, but `last_record_at`; what an actual row has beyond
    them is not looked at. Rows in which nothing was counted are to be left out by both sides.
    """
    names = list(expected) if tables is None else list(tables)
    return Comparison([_compare_table(name, expected.get(name, {}), actual.get(name, {})) for name in names])


def _compare_table(table: str, expected: Rows, actual: Rows) -> TableComparison:
    result = TableComparison(table)
    for key in sorted(expected):
        if key not in actual:
            result.missing.append(key)
            continue
        result.compared += 1
        for counter, value in expected[key].items():
            if counter != FRESHNESS and actual[key].get(counter) != value:
                result.wrong.append(WrongCounter(key, counter, value, actual[key].get(counter)))
    result.extra = sorted(key for key in actual if key not in expected)
    return result


def legible(table: str, key: Key) -> str:
    """A key with its columns' names, times as times."""

    def show(column: str, value: str | int) -> str:
        if column == "window_start" and isinstance(value, int):
            return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return repr(value)

    return " ".join(f"{column}={show(column, value)}" for column, value in zip(keys_of(table), key, strict=True))
