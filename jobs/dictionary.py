"""The data dictionary: what every event field, table and column means, for people who write SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import schemas
from jobs.catalogue import FRESHNESS, counters_of, jobs
from jobs.clickhouse import UNREADABLE, counter_table
from schemas.events import EVENTS
from schemas.grains import Grain, grains
from schemas.rules import FieldRule, Reason, field_rules
from schemas.storage import (
    StorageTable,
    dead_letter_replay_table,
    dead_letter_table,
    event_table,
    flink_metric_table,
    forgotten_user_table,
    freshness_histogram_table,
    freshness_table,
    retention_change_table,
    verify_table,
)
from schemas.topics import topics

_UNITS = {
    "short": "number",
    "percentunit": "ratio, 1 = 100 %",
    "s": "seconds",
    "currency": "minor units of `currency`",
    "dateTimeAsIso": "time, UTC",
    "string": "text",
}

_KEYS = {
    "window_start": "Start of the window, UTC. It holds the events with start <= `event_time` < end.",
    "period": "Days that end today: `all`, `90d` or `30d`.",
}

_JOINED = {
    "active_minutes": ("short", "Distinct users and minutes in which they were active: the sum over `broadcast_1m`."),
}
"""Columns that a view takes from another table; unit and definition."""

_REASONS = {
    Reason.MALFORMED_JSON: "No JSON in UTF-8 by RFC 8259, or beyond what every reader can hold (docs/adr/0003-strict-json.md).",
    Reason.NOT_AN_OBJECT: "JSON, but not an object.",
    Reason.MISSING_FIELD: "A required field is absent or null.",
    Reason.WRONG_TYPE: "A number where text should be, text where an integer should be, 1.0 for 1, …",
    Reason.TOO_SHORT: "Text of fewer code points than the field needs.",
    Reason.TOO_LONG: "Text of more code points than the field may have.",
    Reason.BAD_FORMAT: "Text that does not match the field's pattern.",
    Reason.UNKNOWN_VALUE: "Text that is none of the field's values.",
    Reason.OUT_OF_RANGE: "An integer below the field's least or above its greatest value.",
    Reason.FUTURE_EVENT_TIME: "`event_time` is more than 300 s (`LIVEPULSE_FUTURE_SECONDS`) after the record's Kafka timestamp.",
}

_INTRODUCTION = """\
# Data dictionary

What every number means, generated from the models and the jobs' metadata: it cannot disagree with what runs. To cite a
number, name its view and column, for example *livepulse, `room_1m.interaction_rate`*: a definition never changes under its name.

## How to read the tables

- **Read the views** (`room_1m`, `broadcast`, …). The tables behind them, `<view>_counters`, hold rows that are not merged yet.
- **`window_start`** is the start of a window of 10 s or 1 min, in UTC. An event belongs to the window that its `event_time`
  falls in, whenever it arrived.
- **`broadcast_id`** is the event's `stream_id`; where that is absent it is `day:YYYY-MM-DD`, the room's day in the configured
  time zone (`LIVEPULSE_TIME_ZONE`, UTC unless set). `day` is in that time zone too.
- **Late**: an event whose Kafka timestamp is more than 3,600 s (`LIVEPULSE_LATENESS_SECONDS`) after its `event_time`. It is
  stored in its event table with `is_late`, and is in no counter, so nothing that arrives an hour after a window's end changes it.
- **Counted once**: comments, likes, group messages and orders that were delivered twice count once. `<topic>_counted` are the
  events that count; `<topic>_event` holds all that arrived.
- **Counters only grow** while a window fills. Columns that may shrink are differences of two counters, and say so.
- **Distinct users do not add up.** A user who commented in two minutes is one of each minute's `commenters` and one of the
  broadcast's: read the broadcast's own row instead of adding its minutes. Counts (`comments`, `orders_paid`, `gmv_paid`) do add up.
- **`audience`**, the denominator of every rate by viewers, has a basis that `viewers_basis` names. `exact`: view events
  arrived, and it is `viewers`. `inferred`: none did, and it is `active_users`, those who commented, liked, wrote in a group of
  the room or ordered. Inferred audiences leave out who only watched, so they are lower bounds and the rates over them are too
  high to be compared with exact ones.
- **Rates** are `numerator / denominator`, both beside it in the row, and NULL where the denominator is 0. To combine rows, add
  numerators and denominators (where they add up) and divide again; never average rates.
- **Money** is an integer in the minor unit of `currency` (cents, fen). Paid and refunded money are kept apart, each in the
  window of its own event; `gmv_net` subtracts. `sales_by_payment_day` has refunds on the day of their payment instead.
- **`last_record_at`** tells how fresh a row is. A name in brackets, as in [dwell], is the job that counts the column.
"""


@dataclass(frozen=True)
class Column:
    """A column of a view."""

    name: str
    type: str
    unit: str
    definition: str


def view_columns(grain: Grain) -> list[Column]:
    """The columns of a grain's view, in its order."""
    columns = [Column(name, kind, "", _key(name)) for name, kind in grain.keys.items()]
    columns += _counters(grain)
    columns.append(
        Column(FRESHNESS, "DateTime64(3, 'UTC')", "dateTimeAsIso", "Newest Kafka timestamp of a record that the row has counted.")
    )
    columns += _joined(grain)
    types = {column.name: column.type for column in columns}
    for job in jobs().values():
        for name, derived in job.derived.items():
            if grain.name in derived.sql:
                sql = derived.sql[grain.name]
                types[name] = _derived_type(derived.unit, sql, types)
                columns.append(Column(name, types[name], derived.unit, f"{derived.description} `{sql}`"))
    for job in jobs().values():
        columns += [
            Column(name, "Nullable(Float64)", rate.unit, f"{rate.description} {_quotient(rate.numerator, rate.denominator)}")
            for name, rate in job.rates.items()
            if grain.name in rate.tables
        ]
    return columns


def _key(name: str) -> str:
    if name in _KEYS:
        return _KEYS[name]
    return next((table.comments[name] for table in map(event_table, EVENTS) if name in table.comments), "")


def _counters(grain: Grain) -> list[Column]:
    if not grain.view_only:
        types = counter_table(grain).columns
        return [Column(name, _inner(types[name]), c.unit, f"{c.description} [{job.name}]") for name, job, c in counters_of(grain)]
    # Sums over another table's counters, which its SQL names.
    return [_counter(name) for name in re.findall(r"\bsum\((\w+)\) AS \1\b", grain.view_from or "")]


def _counter(name: str) -> Column:
    job = next(job for job in jobs().values() if name in job.counters)
    return Column(name, "UInt64", job.counters[name].unit, f"{job.counters[name].description} [{job.name}]")


def _joined(grain: Grain) -> Iterator[Column]:
    """Columns that the view takes from other tables, in the order in which it does."""
    source = grain.view_from or ""
    yield from (_counter(name) for name in ("viewer_slots", "peak_concurrency") if name in source)
    for name, (unit, definition) in _JOINED.items():
        if name in source:
            yield Column(name, "UInt64", unit, definition)
    if "audience" in source:
        derived = next(job.derived["audience"] for job in jobs().values() if "audience" in job.derived)
        yield Column("audience", "UInt64", derived.unit, derived.description)


def _inner(column_type: str) -> str:
    """The type that a query sees: SimpleAggregateFunction(max, UInt64) is a UInt64."""
    match = re.fullmatch(r"SimpleAggregateFunction\(\w+, (.+)\)", column_type)
    return match[1] if match else column_type


def _derived_type(unit: str, sql: str, types: dict[str, str]) -> str:
    if unit == "string":
        return "String"
    signed = "toInt64(" in sql or any(types.get(name) == "Int64" for name in re.findall(r"\w+", sql))
    return "Int64" if signed else "UInt64"


def _quotient(numerator: str, denominator: str) -> str:
    return f"`{f'({numerator})' if ' ' in numerator else numerator} / {denominator}`"


# The page


def page() -> str:
    """The whole dictionary, in Markdown."""
    sections = [
        _INTRODUCTION,
        "## Rates\n\n" + _rates(),
        "## Views of the live counters\n\nSeconds old while a window fills.\n\n" + "\n".join(map(_view, grains().values())),
        "## Views for analysis\n\nComputed when they are read, from stored events or from `buyer_day`.\n\n"
        + "\n".join(_analysis_views()),
        "## Events\n\nAs they come in on Kafka, one topic each, and as rows of `<topic>_event`. Every event table also has:\n\n"
        + "\n".join((_every_event(), *map(_event, topics()))),
        "## Records that are no event\n\n"
        + _storage(dead_letter_table())
        + "\n"
        + _reasons()
        + "\n"
        + _storage(dead_letter_replay_table()),
        "## What verify found\n\n" + _storage(verify_table()),
        "## People who were forgotten\n\n" + _storage(forgotten_user_table()),
        "## Retentions that were changed\n\n" + _storage(retention_change_table()),
        "## The pipeline itself\n\n"
        + _storage(freshness_table())
        + "\n"
        + _storage(freshness_histogram_table())
        + "\n"
        + _storage(flink_metric_table()),
    ]
    return "\n".join(sections)


def _rates() -> str:
    rows = [
        (f"`{name}`", rate.description, _quotient(rate.numerator, rate.denominator), _unit(rate.unit), _codes(rate.tables))
        for name, rate in sorted((item for job in jobs().values() for item in job.rates.items()), key=lambda item: item[0])
    ]
    return _table(("rate", "meaning", "definition", "unit", "in"), rows)


def _view(grain: Grain) -> str:
    rows = [(f"`{c.name}`", c.type, _unit(c.unit), c.definition) for c in view_columns(grain)]
    table = _table(("column", "type", "unit", "definition"), rows)
    return f"### {grain.name}\n\n{grain.description} One row for each {_codes(grain.keys)}.\n\n{table}"


def _analysis_views() -> Iterator[str]:
    views = {
        path.stem: re.sub(r"\$\{(\w+)\}", lambda match: f"LIVEPULSE_{match[1].upper()}", path.read_text(encoding="utf-8"))
        for path in sorted((Path(schemas.__file__).parent / "clickhouse" / "views").glob("*.sql"))
    }
    for name, sql in views.items():
        comment, _, statement = sql.partition("CREATE ")
        about = " ".join(line.removeprefix("--").strip() for line in comment.splitlines()).partition(": ")[2]
        if same := re.search(r"SELECT \* FROM (\w+)\(", statement):
            statement = views[same[1]]
        yield f"### {name}\n\n{about[:1].upper()}{about[1:]}\n\n{_table(('column', 'definition'), _selected(statement))}"


def _selected(statement: str) -> list[tuple[str, str]]:
    """Columns of a view and what they are, from its outermost SELECT: one to a line, as the views are written."""
    rows = []
    selected = statement.partition("SELECT\n")[2].partition("\nFROM ")[0]
    for line in re.sub(r"\n\s+--.*", "", "\n" + selected).strip().split(",\n"):
        expression, _, name = line.strip().rpartition(" AS ")
        is_key = expression.rpartition(".")[2] in ("", name)
        rows.append((f"`{name}`", _key(name) if is_key else f"`{expression}`"))
    return rows


def _every_event() -> str:
    """The columns that event tables have beside their events' fields."""
    topic = next(iter(EVENTS))
    table = event_table(topic)
    fields = {rule.name for rule in field_rules(EVENTS[topic])}
    return _described(table, [name for name in table.columns if name not in fields])


def _event(topic: str) -> str:
    about = topics()[topic]
    table = event_table(topic)
    fields = [(f"`{r.name}`", _wire_type(r), table.columns[r.name], r.description) for r in field_rules(EVENTS[topic])]
    return (
        f"### {topic}\n\n{(EVENTS[topic].__doc__ or '').strip()} Sent by {', '.join(about.producers)}; answered for by"
        f" {about.owner}. Kept {about.retention_hours} h in Kafka, keyed by `{about.key}`.\n\n"
        + _table(("field", "in JSON", f"in `{table.name}`", "meaning"), fields)
    )


def _wire_type(rule: FieldRule) -> str:
    """A field's type and bounds, in words."""
    if rule.values:
        kind = " / ".join(rule.values)
    elif rule.kind == "integer":
        kind = f"integer, {rule.minimum:,} to {rule.maximum:,}"
    elif rule.pattern:
        kind = f"text like `{rule.pattern}`"
    else:
        kind = f"text, {rule.min_length or 0} to {rule.max_length} code points"
    return kind if rule.required else f"{kind}; may be absent (in the table: empty)"


def _storage(table: StorageTable) -> str:
    return f"### {table.name}\n\n{table.comment}\n\n" + _described(table, table.columns)


def _described(table: StorageTable, columns: Iterable[str]) -> str:
    rows = [(f"`{name}`", table.columns[name].partition(" DEFAULT ")[0], table.comments[name]) for name in columns]
    return _table(("column", "type", "meaning"), rows)


def _reasons() -> str:
    rows = [(f"`{reason}`", meaning) for reason, meaning in _REASONS.items()]
    rows.append((f"`{UNREADABLE}`", "A record on a metric topic that no job of ours wrote."))
    order = "The reason is that of the first field that fails, in the order of its event's fields."
    return f"{order}\n\n{_table(('reason', 'meaning'), rows)}"


def _unit(unit: str) -> str:
    return _UNITS[unit] if unit else ""


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def files() -> dict[str, str]:
    """Path below `schemas/generated` -> content."""
    return {"data_dictionary.md": page()}
