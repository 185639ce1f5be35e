"""Whether every panel and alert answers, rightly named and in time, whatever is chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboards import DASHBOARDS
from dashboards.alerts import alerts
from dashboards.build import page
from dashboards.query import read
from dashboards.texts import texts
from pipelines.errors import UserError
from pipelines.grafana.macros import Selection, bind
from pipelines.grafana.reader import Reader, Result
from pipelines.settings import Settings

LIMIT_MS = 200
HOSTILE = "o'clock \\ \" %s ${room}"
"""A room that someone might really create."""
_TRIES = 3
_TIME = "time"
_ALERTS = "alerts"


@dataclass(frozen=True)
class Finding:
    """What one statement did with one choice."""

    dashboard: str
    panel: str
    chosen: str
    """`one`, `several`, `all` or `hostile`."""
    rows: int = 0
    read_rows: int = 0
    milliseconds: float = 0.0
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def run(settings: Settings, hours: float, dashboards: Iterable[str] = DASHBOARDS) -> list[Finding]:
    """Runs every panel's statement with each choice of rooms and broadcasts, and every alert's.

    Args:
        hours: the time range, until now.
    """
    reader = Reader(settings)
    end = datetime.now(UTC)
    choices = dict(_choices(reader, end - timedelta(hours=hours), end))
    panels = [
        finding
        for name in dashboards
        for panel, columns in page(name, "en").columns.items()
        for finding in _panel(reader, name, panel, read(name, panel), columns, choices)
    ]
    # Alerts choose nothing, and no row is what they have to say when all is well.
    nothing = {"all": [Selection(end - timedelta(hours=hours), end)]}
    return panels + [
        finding for alert in alerts() for finding in _panel(reader, _ALERTS, alert.name, alert.sql, ("subject", "value"), nothing)
    ]


def _choices(reader: Reader, start: datetime, end: datetime) -> Iterator[tuple[str, list[Selection]]]:
    """What people may choose, by name: `one` is any of the rooms, as one alone may have sold nothing yet."""
    interval = max(10, int((end - start).total_seconds() / 300 / 10) * 10)

    def selection(rooms: list[str], broadcasts: list[str]) -> Selection:
        return Selection(start, end, interval, {"room": rooms, "broadcast": broadcasts})

    def options(variable: str, rooms: list[str]) -> list[str]:
        return [str(row[0]) for row in reader.run(*bind(read("variables", variable), selection(rooms, []))).rows]

    rooms = options("room", [])
    if not rooms:
        raise UserError("ClickHouse holds no room of this time range.", "Send some events first: livepulse simulate --duration 60")
    yield "one", [selection([room], options("broadcast", [room])[:1] or [HOSTILE]) for room in rooms]
    for name, chosen in (("several", rooms[:3]), ("all", rooms), ("hostile", [HOSTILE])):
        yield name, [selection(chosen, options("broadcast", chosen) or [HOSTILE])]


def _panel(
    reader: Reader, dashboard: str, panel: str, sql: str, columns: tuple[str, ...], choices: dict[str, list[Selection]]
) -> Iterator[Finding]:
    about = texts()[dashboard].panels.get(panel) if dashboard != _ALERTS else None
    may_be_empty = dashboard == _ALERTS or (about is not None and about.may_be_empty)
    for chosen, selections in choices.items():
        try:
            result = _ask(reader, sql, selections)
        except UserError as error:
            yield Finding(dashboard, panel, chosen, problem=" ".join((error.message, error.hint or "")).strip())
            continue
        yield Finding(
            dashboard,
            panel,
            chosen,
            len(result.rows),
            result.read_rows,
            result.milliseconds,
            _problem(result, columns, may_be_empty or chosen == "hostile"),
        )


def _ask(reader: Reader, sql: str, selections: list[Selection]) -> Result:
    """The first selection's result that has rows, or else the last one's; of some tries the fastest."""
    for selection in selections:
        bound = bind(sql, selection)
        result = reader.run(*bound)
        if result.rows:
            break
    return min((result, *(reader.run(*bound) for _ in range(_TRIES - 1))), key=lambda one: one.milliseconds)


def _problem(result: Result, columns: tuple[str, ...], may_be_empty: bool) -> str:
    given = tuple(column.name for column in result.columns if column.name != _TIME)
    if given != columns:
        return f"gives {', '.join(given)} instead of {', '.join(columns)}"
    if not result.rows and not may_be_empty:
        return "is empty"
    if result.milliseconds > LIMIT_MS:
        return f"takes over {LIMIT_MS} ms"
    return ""
