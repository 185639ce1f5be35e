"""Reads the golden cases: `<job>/<case>/input.jsonl` and `expect.yaml` (how to write one: README.md)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import yaml

from jobs.catalogue import jobs
from schemas.events import EVENTS
from tests.judge.tables import COUNTERS, Key, Rows, Tables, keys_of
from tests.realdata.record import Record, record

FOLDER = Path(__file__).parent
TIME_ZONE = "Asia/Shanghai"
"""The zone that the expected rows assume; lateness and future are the settings' defaults."""

PREFIXED = ("event_id", "reply_to", "room_id", "user_id", "group_id", "order_id")
"""Columns that get a case's prefix, so that cases which run side by side never meet."""

_DEFAULTS: dict[str, dict[str, Any]] = {
    "comment": {"text": "hello"},
    "like": {"count": 1},
    "order": {"product_id": "p1", "quantity": 1, "currency": "CNY"},
    "group_message": {"group_id": "group", "text": "hello", "role": "member"},
    "view": {"source": "feed"},
    "product": {"product_id": "p1"},
}
_OFFSET = re.compile(r"([+-])(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_OF_A_CASE = {"description", "tables", "rows", "late", "dead_letters"}


@dataclass(frozen=True)
class Case:
    """One case; everything it holds can be had under any prefix."""

    path: Path
    _expect: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Case:
        # Plain text, every scalar: times and keys are parsed here, not by YAML's idea of them.
        expect = yaml.load((path / "expect.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        unknown = expect.keys() - _OF_A_CASE
        if unknown:
            raise ValueError(f"{path}: expect.yaml may not hold {', '.join(sorted(unknown))}")
        return cls(path, expect)

    @property
    def id(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def job(self) -> str:
        return self.path.parent.name

    @property
    def description(self) -> str:
        return str(self._expect["description"])

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables whose rows the case spells out, all of them."""
        return tuple(self._expect["tables"])

    @property
    def late(self) -> int:
        """Events that are stored as late."""
        return int(self._expect.get("late", 0))

    @property
    def dead_letters(self) -> Counter[str]:
        """Dead letters by reason."""
        return Counter({reason: int(count) for reason, count in self._expect.get("dead_letters", {}).items()})

    @cached_property
    def _lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in (self.path / "input.jsonl").read_bytes().splitlines()]

    def records(self, prefix: str = "") -> list[Record]:
        """The input in log order."""
        return [_record(line, number, prefix) for number, line in enumerate(self._lines, start=1)]

    def expected(self, prefix: str = "") -> Tables:
        """Every row of the case's tables.

        Counters that a row does not list, of those that the judge or the case's own job has, are 0, unless it says `other: any`.
        """
        rows = self._expect.get("rows") or {}
        beyond = rows.keys() - set(self.tables)
        if beyond:
            raise ValueError(f"{self.path}: rows of {', '.join(sorted(beyond))}, which `tables` does not name")
        return {table: self._rows(table, rows.get(table) or [], prefix) for table in self.tables}

    def judged(self, prefix: str = "") -> Tables:
        """What is expected of the tables in which the judge knows every counter that the case lists."""
        return {
            table: rows
            for table, rows in self.expected(prefix).items()
            if {counter for row in rows.values() for counter in row} <= set(COUNTERS.get(table, ()))
        }

    def own(self, tables: Tables, prefix: str) -> Tables:
        """Of tables in which many cases have rows, those rows that this case expects something about."""
        return {
            table: {key: row for key, row in tables.get(table, {}).items() if str(key[0]).startswith(prefix)}
            for table in self.tables
        }

    def _rows(self, table: str, listed: list[dict[str, Any]], prefix: str) -> Rows:
        of_jobs = {job.name: set(job.tables[table].counters) for job in jobs().values() if table in job.tables}
        known = set(COUNTERS.get(table, ())).union(*of_jobs.values())
        zeros = dict.fromkeys((*COUNTERS.get(table, ()), *of_jobs.get(self.job, ())), 0)
        rows: Rows = {}
        for row in listed:
            columns = {"room_id": "room", "group_id": "group"} | row["key"]
            key: Key = tuple(_key_value(column, columns[column], prefix) for column in keys_of(table))
            counters = {name: _counter(name, value) for name, value in row.items() if name not in ("key", "other")}
            unknown = counters.keys() - known
            if unknown:
                raise ValueError(f"{self.path}: {table} has no counter {', '.join(sorted(unknown))}")
            if key in rows:
                raise ValueError(f"{self.path}: {table} lists {key} twice")
            rows[key] = counters if row.get("other") == "any" else zeros | counters
        return rows


def cases() -> list[Case]:
    """All cases, by name."""
    return [Case.read(found.parent) for found in sorted(FOLDER.glob("*/*/expect.yaml"))]


def _record(line: Mapping[str, Any], number: int, prefix: str) -> Record:
    topic = line["topic"]
    event_time = _milliseconds(line["at"])
    event: dict[str, Any] = {
        "event_id": f"line-{number}",
        "event_time": event_time,
        "schema_version": 1,
        "platform": "test",
        "room_id": line.get("room", "room"),
        "user_id": line["user"],
        **_DEFAULTS.get(topic, {}),
        **{name: value for name, value in line.items() if name not in ("topic", "at", "received", "room", "user", "note")},
    }
    unknown = event.keys() - EVENTS[topic].model_fields.keys()
    if unknown:
        raise ValueError(f"line {number}: {topic} has no field {', '.join(sorted(unknown))}")
    event = {name: value for name, value in event.items() if value is not None}
    event |= {name: prefix + event[name] for name in PREFIXED if name in event}
    return record(topic, event, event_time + _offset(line.get("received", "+0s")))


def _offset(text: str) -> int:
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no offset, for example +0.2s, -4m or +61m")
    return round(float(match[1] + match[2]) * _UNIT_MS[match[3]])


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1_000)


def _key_value(column: str, text: str, prefix: str) -> str | int:
    if column == "window_start":
        return _milliseconds(text) // 1_000
    return prefix + text if column in PREFIXED else text


def _counter(name: str, text: str) -> int:
    return _milliseconds(text) if name.endswith("_at") else int(text)
