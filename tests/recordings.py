"""Recordings as a whole, where a test wants one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pipelines.recording import Reader, Record, Writer


def read(paths: Iterable[Path], *, topic: str | None = None) -> Iterator[Record]:
    """Every record of the files, in order; RecordingError at the first line that is none."""
    for path in paths:
        with Reader(path, topic=topic) as reader:
            yield from reader


def write(path: Path, records: Iterable[Record]) -> int:
    """Write a recording and return how many records it has."""
    count = 0
    with Writer(path) as writer:
        for record in records:
            writer.write(record)
            count += 1
    return count
