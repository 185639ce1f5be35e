"""The SQL of an application: sources once, then each job's sinks, views and INSERTs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.catalogue import Job
from jobs.flink import sink_sql
from pipelines.kafka import flink_table
from pipelines.settings import Settings
from pipelines.sql import fill
from schemas.generate.flink import source_sql
from schemas.topics import topics

_SERVERS = re.compile(r"'properties\.bootstrap\.servers' = '[^']*'")


@dataclass(frozen=True)
class Script:
    """Statements in order: definitions first, then the INSERTs, which make one application together."""

    definitions: list[str]
    inserts: list[str]


def script(jobs: Sequence[Job], settings: Settings, group: str) -> Script:
    """The application of the given jobs. Each topic is read once, whichever jobs need it."""
    parts = [source_sql(topics()[name]) for name in sorted({name for job in jobs for name in job.topics})]
    for job in jobs:
        parts += [sink_sql(name, output) for name, output in job.outputs.items()]
        parts.append(job.sql)
    found = [_logging_in(statement, settings) for part in parts for statement in filled(part, settings, group)]
    return Script(
        definitions=[s for s in found if not s.startswith("INSERT")],
        inserts=[s for s in found if s.startswith("INSERT")],
    )


def filled(sql: str, settings: Settings, group: str) -> list[str]:
    """The statements of generated SQL with the settings and Kafka's consumer group filled in."""
    values = {
        "kafka": settings.kafka_address,
        "group": group,
        "lateness": _interval(settings.lateness_seconds),
        "future": _interval(settings.future_seconds),
    }
    return [fill(statement, **values) for statement in statements(sql)]


def statements(sql: str) -> list[str]:
    """Splits SQL at the semicolons that end a line, without its comment lines."""
    plain = re.sub(r"^\s*--.*\n", "", sql, flags=re.MULTILINE)
    return [statement.strip() for statement in re.split(r";\s*$", plain, flags=re.MULTILINE) if statement.strip()]


def _logging_in(statement: str, settings: Settings) -> str:
    """The statement with what Kafka's clients need to log in, wherever it says where Kafka is."""
    options = "".join(f",\n  '{name}' = '{value}'" for name, value in flink_table(settings).items())
    return _SERVERS.sub(lambda found: found[0] + options, statement)


def _interval(seconds: int) -> str:
    """Seconds as the text of an INTERVAL DAY TO SECOND, for example 0 01:00:00."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days} {hours:02d}:{minutes:02d}:{seconds:02d}"
