"""The files that a new event or a new metric begins with: a small example that works, to be changed.

The folders `event` and `metric` hold templates in the places where their files go; NAME in a path is the new name.
What cannot be written down as a template, the examples of an event, is made here.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import schemas
from jobs.catalogue import jobs
from pipelines.errors import UserError
from schemas.events.base import MAX_EVENT_TIME
from schemas.grains import grains
from schemas.topics import topics

Kind = Literal["event", "metric"]

_TEMPLATES = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*")
_LONGEST = 32


@dataclass(frozen=True)
class Skeleton:
    """Files that belong together."""

    root: Path
    files: dict[str, str]
    """Path below the root -> content."""

    def write(self) -> None:
        """Writes all of them.

        Raises:
            UserError: one of them exists; then none is written.
        """
        if present := [path for path in self.files if (self.root / path).exists()]:
            raise UserError(f"There is already {', '.join(present)}.", "Nothing was written. Choose another name.")
        for path, text in self.files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, encoding="utf-8")


def checkout() -> Path:
    """The folder of the source checkout that this program runs from.

    Raises:
        UserError: it was installed without its sources.
    """
    root = Path(schemas.__file__).parent.parent
    if (root / "pyproject.toml").is_file() and (root / "tests").is_dir():
        return root
    raise UserError(
        "This livepulse was installed without its sources, so there is nothing to add files to.",
        "Clone the repository and install from there (make install), as CONTRIBUTING.md says.",
    )


def skeleton(kind: Kind, name: str) -> Skeleton:
    """The files of a new event or metric.

    Raises:
        UserError: the name cannot be one or is taken, or there is no source checkout.
    """
    root = checkout()
    _refuse(kind, name)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES / kind), undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    files = {
        template.removesuffix(".j2").replace("NAME", name): environment.get_template(template).render(
            name=name, class_name=_class_name(name)
        )
        for template in environment.list_templates(extensions=["j2"])
    }
    if kind == "event":
        files |= {f"schemas/examples/{name}/{path}.json": text for path, text in _examples()}
    return Skeleton(root, dict(sorted(files.items())))


def _class_name(name: str) -> str:
    """As :meth:`schemas.events.base.Event.topic` takes it apart again."""
    return "".join(word.capitalize() for word in name.split("_"))


def _means_something(kind: Kind, name: str) -> bool:
    """Whether the name is a word of Python or YAML, or the class's one of those that every event's file has."""
    words = {name, _class_name(name)}
    return (
        any(map(keyword.iskeyword, words)) or yaml.safe_load(name) != name or (kind == "event" and bool(words & {"Event", "Field"}))
    )


def _refuse(kind: Kind, name: str) -> None:
    if not _NAME.fullmatch(name) or _means_something(kind, name) or len(name) > _LONGEST:
        raise UserError(
            f"{name!r} cannot be the name of {'an event' if kind == 'event' else 'a metric'}.",
            f"Small letters and digits, words joined by _ that begin with a letter, at most {_LONGEST} characters: gift_sent.",
            exit_code=2,
        )
    if kind == "metric" and name.endswith(("_at", "_10s")):
        raise UserError(
            f"{name!r} ends like a time (_at) or a minute's slots (_10s), and would be taken for one.",
            "Choose another name.",
            exit_code=2,
        )
    counters = {counter for job in jobs().values() for counter in job.counters}
    outputs = {output for job in jobs().values() for output in job.outputs}
    rates = {column for job in jobs().values() for column in (*job.rates, *job.derived)}
    columns = {column for grain in grains().values() for column in grain.keys}
    for what, taken in {
        "an event": topics().keys(),
        "a job": jobs().keys(),
        "a table": grains().keys(),
        "a counter": counters,
        "a rate or another column of views": rates,
        "an output of a job": outputs,
        "a key of a table": columns,
    }.items():
        if name in taken:
            raise UserError(f"There is already {what} {name}.", "Choose another name, or change what is there.", exit_code=2)


def _examples() -> Iterator[tuple[str, str]]:
    """The examples of a new event: (path without its ending, content). What fails is named `<reason>-<what>`."""
    minimal: dict[str, Any] = {
        "event_id": "0195516e-5c40-7d0c-9a3c-6f1d2b8e4a10",
        "event_time": 1_772_380_680_000,
        "schema_version": 1,
        "platform": "douyin",
        "room_id": "room-7312",
        "user_id": "u-5f2c9a",
        "count": 3,
    }
    ids = ("event_id", "room_id", "stream_id", "user_id")
    least = {"event_time": 0, "schema_version": 1, "platform": "p", "count": 1} | {name: name[0] for name in ids}
    greatest = {"schema_version": 32_767, "platform": "p" * 32, "count": 10_000} | {name: name[0] * 64 for name in ids}
    valid = json.dumps(minimal)
    for path, text in {
        "pass/minimal": valid,
        "pass/full": json.dumps(minimal | {"stream_id": "live-20260301-7312"}),
        "pass/least_values": json.dumps(least),
        "pass/greatest_values": json.dumps(minimal | greatest),
        "fail/malformed_json-cut_off": valid[:-10],
        "fail/not_an_object-array": f"[{valid}]",
        "fail/missing_field-count": json.dumps({name: value for name, value in minimal.items() if name != "count"}),
        "fail/wrong_type-count_in_quotes": json.dumps(minimal | {"count": "3"}),
        "fail/out_of_range-count": json.dumps(minimal | {"count": 10_001}),
        "fail/out_of_range-count_of_zero": json.dumps(minimal | {"count": 0}),
        "fail/too_short-event_id": json.dumps(minimal | {"event_id": ""}),
        "fail/too_long-user_id": json.dumps(minimal | {"user_id": "u" * 65}),
        "fail/future_event_time-year_2099": json.dumps(minimal | {"event_time": MAX_EVENT_TIME - 1}),
    }.items():
        yield path, text + "\n"
