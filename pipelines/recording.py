"""Records as JSON Lines: what `simulate --out` writes and `replay` reads.

One record a line, `.gz` or not:

    {"topic": "comment", "key": "room-01", "timestamp": 1767225600000, "value": {…the event…}}
    {"topic": "comment", "key": "room-01", "timestamp": 1767225600000, "raw": "bm90IEpTT04="}

`timestamp` is the record's Kafka timestamp in milliseconds. A record whose bytes are not exactly what orjson writes for
a JSON object (broken JSON, an array, other white space) is kept as base64 in `raw`, so what was sent comes back byte by
byte. `fault` names the reason for which a record is expected to be refused, where the simulator broke it on purpose.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

import orjson

from pipelines.errors import UserError
from schemas.events import EVENTS
from schemas.events.base import MAX_EVENT_TIME
from schemas.topics import topics

STDIN = Path("-")
"""Stands for standard input wherever a recording's path is expected."""


class Record(NamedTuple):
    """One Kafka record. `fault` is what the simulator knows about it and is never sent."""

    topic: str
    key: str | None
    timestamp_ms: int
    value: bytes
    fault: str | None = None


class RecordingError(ValueError):
    """A line that is no record, with the place where it stands."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        self.path, self.line = path, line
        super().__init__(f"{'standard input' if path == STDIN else path}:{line}: {message}")


def parse(line: bytes, *, topic: str | None = None, default_ms: int | None = None) -> Record:
    """The record that one line holds; raises ValueError with the reason if it holds none.

    With `topic`, a line that is not a record is taken as the event itself, keyed by the field that the topic is keyed by.
    A record without a timestamp gets its event time, or if it has none either `default_ms`, or now.
    """
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(entry, dict):
        raise ValueError("not a JSON object")
    if "topic" not in entry or ("value" not in entry and "raw" not in entry):
        if topic is None:
            raise ValueError("no `topic` with a `value` or `raw`; for lines that are bare events say --topic")
        return Record(topic, _key(topic, entry), _event_time(entry, default_ms), line.strip())

    name = entry["topic"]
    if not (isinstance(name, str) and name in EVENTS):
        raise ValueError(f"unknown topic {name!r}; known are {', '.join(EVENTS)}")
    event: object = None
    if "raw" in entry:
        try:
            value = base64.b64decode(entry["raw"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise ValueError("`raw` is not base64") from None
    elif isinstance(event := entry["value"], dict):
        value = orjson.dumps(event)
    else:
        raise ValueError("`value` is not a JSON object (bytes of any other kind belong into `raw`, as base64)")
    key = entry["key"] if "key" in entry else _key(name, event)
    if not (key is None or isinstance(key, str)):
        raise ValueError("`key` is not a string")
    timestamp = entry.get("timestamp")
    if timestamp is None:
        timestamp = _event_time(event, default_ms)
    if type(timestamp) is not int or timestamp < 0:
        raise ValueError("`timestamp` is not a number of milliseconds")
    fault = entry.get("fault")
    return Record(name, key, timestamp, value, fault if isinstance(fault, str) else None)


def to_line(record: Record) -> bytes:
    """The line, with its line feed, that :func:`parse` turns back into the same record."""
    head = orjson.dumps({"topic": record.topic, "key": record.key, "timestamp": record.timestamp_ms})[:-1]
    tail = b"}\n" if record.fault is None else b',"fault":' + orjson.dumps(record.fault) + b"}\n"
    if _is_canonical(record.value):
        return head + b',"value":' + record.value + tail
    return head + b',"raw":"' + base64.b64encode(record.value) + b'"' + tail


class Reader:
    """Reads one recording and knows its place: `line` is the number of lines read so far."""

    def __init__(self, path: Path, *, topic: str | None = None, skip: int = 0) -> None:
        self.path, self.line = path, 0
        self._topic, self._skip = topic, skip
        self._file: IO[bytes] = sys.stdin.buffer if path == STDIN else path.open("rb")
        self.size = None if path == STDIN else path.stat().st_size
        self._lines: IO[bytes] = self._file
        if path.suffix == ".gz":
            # A big buffer around it: gzip's own readline is written in Python.
            self._lines = io.BufferedReader(gzip.GzipFile(fileobj=self._file), 1 << 18)

    @property
    def position(self) -> int:
        """Bytes of the file read so far, compressed ones where it is compressed: for progress, not for seeking."""
        return 0 if self.size is None else self._file.tell()

    def __iter__(self) -> Iterator[Record]:
        last: int | None = None
        try:
            for line in self._lines:
                self.line += 1
                if self.line <= self._skip or line.isspace():
                    continue
                try:
                    record = parse(line, topic=self._topic, default_ms=last)
                except ValueError as error:
                    raise RecordingError(self.path, self.line, str(error)) from None
                last = record.timestamp_ms
                yield record
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise RecordingError(self.path, self.line + 1, f"broken gzip data: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self.path != STDIN:
            self._lines.close()
            self._file.close()


class Writer:
    """Writes a recording, compressed when its name ends in `.gz`. The same records give the same file, byte for byte.

    Raises:
        UserError: there cannot be such a file, or the disk is full; when it is finished at the latest.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file: IO[bytes] = path.open("wb")
        except OSError as error:
            raise self._cannot(error) from error
        self._out: IO[bytes] | gzip.GzipFile = self._file
        if path.suffix == ".gz":
            self._out = gzip.GzipFile(filename="", mode="wb", fileobj=self._file, compresslevel=3, mtime=0)

    def write(self, record: Record) -> None:
        """Append one record."""
        try:
            self._out.write(to_line(record))
        except OSError as error:
            raise self._cannot(error) from error

    def close(self) -> None:
        """Finish the file."""
        try:
            try:
                self._out.close()
            finally:
                self._file.close()
        except OSError as error:
            raise self._cannot(error) from error

    def _cannot(self, error: OSError) -> UserError:
        return UserError(f"Cannot write {self.path}: {error.strerror}.", exit_code=2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def event_time_of(event: object) -> int | None:
    """An event's time, if it is an object that has a possible one."""
    if isinstance(event, dict):
        value = event.get("event_time")
        if type(value) is int and 0 <= value < MAX_EVENT_TIME:
            return value
    return None


def _event_time(event: object, default_ms: int | None) -> int:
    found = event_time_of(event)
    if found is None:
        found = default_ms
    return int(time.time() * 1_000) if found is None else found


def _key(topic: str, event: Any) -> str | None:
    key = event.get(topics()[topic].key) if isinstance(event, dict) else None
    return key if isinstance(key, str) else None


def _is_canonical(value: bytes) -> bool:
    if not value.startswith(b"{"):
        return False
    try:
        return bool(orjson.dumps(orjson.loads(value)) == value)
    except orjson.JSONDecodeError:
        return False
