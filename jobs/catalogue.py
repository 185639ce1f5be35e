"""The jobs and what they mean, from their folders."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from schemas.grains import Grain, grains
from schemas.topics import topics

Kind = Literal["string", "integer", "seconds", "date", "time", "integers"]

FRESHNESS = "last_record_at"
"""In every output and table: the newest Kafka timestamp of a record that the row has counted."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Title(_Strict):
    """A short name for people, in each language that dashboards are built in."""

    en: str
    zh: str


class Thresholds(_Strict):
    """From where on a value needs attention, and from where on action."""

    worse: Literal["higher", "lower"]
    warning: float
    critical: float


class Counter(_Strict):
    """A number that only grows (or a first time, which only shrinks)."""

    title: Title
    description: str
    unit: str = Field(description="Grafana's name of the unit.")
    merge: Literal["max", "min"] = "max"
    batch: str | dict[str, str] = Field(
        description="ClickHouse aggregate over the batch rows; one for each kind of batch rows where they differ."
    )

    def batch_over(self, rows: str) -> str:
        """The aggregate over the named batch rows."""
        return self.batch if isinstance(self.batch, str) else self.batch[rows]


class Output(_Strict):
    """A sink of the job: a Kafka topic with upserts, and the tables that its rows go to."""

    keys: dict[str, Kind]
    values: list[str]
    into: dict[str, str] = Field(description="Table -> SELECT over `{queue}`, the topic's rows.")

    def columns(self) -> dict[str, Kind]:
        """Every column in order. Values are integers, but for times (`_at`) and a minute's slots (`_10s`)."""
        return self.keys | {name: _kind(name) for name in (*self.values, FRESHNESS)}


def _kind(value: str) -> Kind:
    if value.endswith("_at"):
        return "time"
    return "integers" if value.endswith("_10s") else "integer"


class TableCounters(_Strict):
    """What a job adds to a table."""

    batch: str = Field(description="Name of the batch rows.")
    counters: list[str]


class Derived(_Strict):
    """A column that views add."""

    title: Title
    sql: dict[str, str] = Field(description="Table -> SQL over the table's counters and the derived columns before.")
    unit: str
    description: str


class Rate(_Strict):
    """A quotient that views add, NULL where its denominator is 0."""

    title: Title
    numerator: str
    denominator: str
    unit: str
    description: str
    tables: list[str]
    thresholds: Thresholds | None = None


class Job(_Strict):
    """One folder of `jobs/`."""

    name: str
    description: str
    topics: list[str]
    state: Literal["window", "forever"] = Field(
        default="window", description="Whether what the job remembers may expire once its windows are over."
    )
    batch: dict[str, str] = Field(description="Named batch rows: SQL over the event tables.")
    counters: dict[str, Counter]
    outputs: dict[str, Output]
    tables: dict[str, TableCounters]
    derived: dict[str, Derived] = {}
    rates: dict[str, Rate] = {}

    @property
    def sql(self) -> str:
        """The job's SQL."""
        return (Path(__file__).parent / self.name / "job.sql").read_text(encoding="utf-8")


def metric_topic(output: str) -> str:
    """The Kafka topic of an output."""
    return f"metric_{output}"


@cache
def jobs() -> dict[str, Job]:
    """All jobs by name.

    Raises:
        ValueError: a job names a topic, table, counter or batch that does not exist.
    """
    found = {
        path.parent.name: Job(name=path.parent.name, **yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(Path(__file__).parent.glob("*/metadata.yaml"))
    }
    for job in found.values():
        unknown = (
            {f"topic {t}" for t in job.topics if t not in topics()}
            | {f"table {t}" for o in job.outputs.values() for t in o.into if t not in grains()}
            | {f"table {t}" for t in job.tables if t not in grains()}
            | {f"counter {c}" for t in job.tables.values() for c in t.counters if c not in job.counters}
            | {f"batch {t.batch}" for t in job.tables.values() if t.batch not in job.batch}
            | {f"table {t}" for r in job.rates.values() for t in r.tables if t not in grains()}
        )
        if unknown:
            raise ValueError(f"jobs/{job.name}/metadata.yaml: unknown {', '.join(sorted(unknown))}")
    return found


def counters_of(grain: Grain) -> Iterator[tuple[str, Job, Counter]]:
    """The counters of a table as (column, job, counter), job by job.

    Raises:
        ValueError: two jobs write the same counter of a table.
    """
    seen: dict[str, str] = {}
    for job in jobs().values():
        for name in job.tables[grain.name].counters if grain.name in job.tables else ():
            if name in seen:
                raise ValueError(f"{grain.name}.{name} is written by {seen[name]} and {job.name}")
            seen[name] = job.name
            yield name, job, job.counters[name]
