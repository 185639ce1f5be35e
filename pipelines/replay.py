"""Sending a recording again: at its own pace or faster, with its times moved to now or kept, resumable."""

from __future__ import annotations

import gzip
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.aside import write_whole
from pipelines.errors import UserError
from pipelines.privacy.pseudonym import pseudonymised
from pipelines.produce import Stopped
from pipelines.recording import STDIN, Reader, Record, RecordingError, event_time_of, parse

Times = Literal["now", "keep"]

CHECKPOINT_SECONDS = 5.0
_TICK_EVERY = 500


class Position(BaseModel):
    """How far a replay has come: everything up to this line has been delivered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[str, ...]
    times: Times
    shift_ms: int
    """The same after resuming: a line that is sent twice must carry the same times both times."""
    file: int = 0
    """Index in `files`."""
    line: int = 0
    done: bool = False

    def save(self, path: Path) -> None:
        """Write it so that a crash leaves the old one or the new one."""
        write_whole(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Position | None:
        """The position kept there, or None when there is none.

        Raises:
            UserError: the file is not a position, or cannot be read.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UserError(f"Cannot read {path}: {error.strerror}.", "Name another one with --checkpoint.", exit_code=2) from None
        except ValidationError:
            raise UserError(
                f"{path} is not the position of a replay.", "Name another one with --checkpoint.", exit_code=2
            ) from None


class Target(Protocol):
    """What a replay needs of a :class:`pipelines.produce.Sender`."""

    failed: int

    def send(self, topic: str, key: str | None, value: bytes, timestamp_ms: int) -> None: ...
    def poll(self) -> None: ...
    def flush(self) -> None: ...


def shifted(record: Record, shift_ms: int) -> Record:
    """The record with its timestamp and its event's time moved. What is no event, or has no possible time, keeps its bytes."""
    value = record.value
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError:
        event = None
    happened = event_time_of(event)
    if happened is not None:
        event["event_time"] = happened + shift_ms
        value = orjson.dumps(event)
    return record._replace(timestamp_ms=record.timestamp_ms + shift_ms, value=value)


def shift_to_now(now_ms: int, first_ms: int, last_ms: int | None, speed: float) -> int:
    """By how much to move the times so that they are those of now.

    At its own pace or slower the first record gets the time of now. Faster than that, times would run ahead of the
    clock, and Kafka refuses records from the future: so the last one gets the moment at which it will be sent, unless
    the end is not known.
    """
    if speed <= 1 or last_ms is None:
        return now_ms - first_ms
    return now_ms + round((last_ms - first_ms) / speed) - max(first_ms, last_ms)


def last_timestamp(path: Path, topic: str | None = None) -> int | None:
    """Timestamp of a file's last record, or None when it is empty or ends in something else."""
    last = b""
    if path.suffix == ".gz":
        try:
            with gzip.open(path) as lines:
                for line in lines:
                    last = line if line.strip() else last
        except (EOFError, OSError):
            return None  # reading it will say where it breaks off
    else:
        with path.open("rb") as file:
            end, tail = file.seek(0, os.SEEK_END), b""
            while end and b"\n" not in tail.strip():
                begin = max(0, end - 65_536)
                file.seek(begin)
                tail, end = file.read(end - begin) + tail, begin
        last = tail.strip().rpartition(b"\n")[2]
    try:
        return parse(last, topic=topic).timestamp_ms if last else None
    except ValueError:
        return None


@dataclass
class Replay:
    """One replay of some files. Calls `tick` often enough to draw progress, and asks `stopped` whether to go on."""

    files: list[Path]
    target: Target
    speed: float = 1.0
    """Times its own pace; infinite for as fast as possible."""
    times: Times = "now"
    topic: str | None = None
    pseudonym_key: str = ""
    """Key for pseudonyms of the user ids; empty: they are sent as they are."""
    check: Callable[[str, int], None] = lambda topic, timestamp_ms: None
    """Called with topic and timestamp before each record is sent; may raise."""
    save: Callable[[Position], None] = lambda position: None
    """Called with the position each few seconds, and at the end."""
    tick: Callable[[], None] = lambda: None
    stopped: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    sent: Counter[str] = field(default_factory=Counter)
    """Records sent by topic."""
    done: bool = False
    """Whether everything has been sent and delivered."""
    _reader: Reader | None = None
    _finished_bytes: int = 0

    @property
    def read_bytes(self) -> int:
        """How much of the files has been read, as they are on disk."""
        return self._finished_bytes + (self._reader.position if self._reader else 0)

    def run(self, start: Position | None = None) -> None:
        """Send everything, from `start` on if there is one. Returns early when `stopped`.

        Raises:
            RecordingError: a line is no record; what stands before it has been sent.
        """
        if self.times == "keep" and start is None:
            self._check_all()
        position, reached = start, (start.file, start.line) if start else (0, 0)
        began, first_ms, complete = self.clock(), None, True
        next_save = began + CHECKPOINT_SECONDS
        try:
            for file, line, record in self._records(*reached):
                if first_ms is None:
                    began, first_ms = self.clock(), record.timestamp_ms
                    if position is None:
                        position = self._beginning(first_ms)
                        self.save(position)  # its shift, from the first record on
                if not self._wait(began + (record.timestamp_ms - first_ms) / 1_000 / self.speed):
                    complete = False
                    break
                if position and position.shift_ms:
                    record = shifted(record, position.shift_ms)
                if self.pseudonym_key:
                    record = pseudonymised(record, self.pseudonym_key)
                self.check(record.topic, record.timestamp_ms)
                self.target.send(record.topic, record.key, record.value, record.timestamp_ms)
                self.sent[record.topic] += 1
                reached = file, line
                if not line % _TICK_EVERY:
                    self.tick()
                if self.clock() >= next_save:
                    self._confirm(position, reached)
                    next_save = self.clock() + CHECKPOINT_SECONDS
        except Stopped:
            complete = False
        except (RecordingError, UserError):
            self._confirm(position, reached)
            raise
        self._confirm(position, reached, done=complete)

    def _records(self, first_file: int, skip: int) -> Iterator[tuple[int, int, Record]]:
        for number, path in enumerate(self.files):
            if number < first_file:
                self._finished_bytes += path.stat().st_size
                continue
            with Reader(path, topic=self.topic, skip=skip) as self._reader:
                for record in self._reader:
                    yield number, self._reader.line, record
                if self._reader.line < skip:
                    raise UserError(f"{path} has {self._reader.line} lines; the position to resume from is line {skip}.")
                self._finished_bytes += self._reader.size or 0
            self._reader, skip = None, 0

    def _wait(self, moment: float) -> bool:
        """Wait until then; False when stopped."""
        while (left := moment - self.clock()) > 0:
            if self.stopped():
                return False
            self.target.poll()
            self.tick()
            self.sleep(min(max(left, 0.002), 0.1))
        return not self.stopped()

    def _beginning(self, first_ms: int) -> Position:
        shift = 0
        if self.times == "now":
            ends = [] if STDIN in self.files or self.speed <= 1 else [last_timestamp(path, self.topic) for path in self.files]
            last_ms = max((end for end in ends if end is not None), default=None)
            shift = shift_to_now(int(time.time() * 1_000), first_ms, last_ms, self.speed)
        return Position(files=tuple(map(str, self.files)), times=self.times, shift_ms=shift)

    def _check_all(self) -> None:
        """Check the oldest record of each topic before the first one is sent."""
        oldest: dict[str, int] = {}
        for path in self.files:
            if path == STDIN:
                continue
            with Reader(path, topic=self.topic) as reader:
                for record in reader:
                    if record.timestamp_ms < oldest.get(record.topic, record.timestamp_ms + 1):
                        oldest[record.topic] = record.timestamp_ms
                    if self.stopped():
                        return
        for topic, timestamp_ms in oldest.items():
            self.check(topic, timestamp_ms)

    def _confirm(self, position: Position | None, reached: tuple[int, int], *, done: bool = False) -> None:
        """Make sure of everything sent so far, and keep that as the position. What failed stops it from moving on."""
        self.target.flush()
        if self.target.failed:
            return
        self.done = done
        if position:
            self.save(position.model_copy(update={"file": reached[0], "line": reached[1], "done": done}))
