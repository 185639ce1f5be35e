"""Grafana's variables and macros in a statement of a dashboard, made into parameters of ClickHouse's driver.

The statement is the dashboard's own; what a user chooses is never part of its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pipelines.errors import UserError

Bound = Callable[[str, bool], str]
"""Makes `start` or `end`, in milliseconds or in seconds, a parameter, and returns the SQL that stands for it."""

_TOKEN = re.compile(
    r"\$__(?P<macro>\w+)(?:\((?P<argument>[^()]*)\))?"
    r"|\$\{(?P<name>\w+)(?::(?P<format>\w+))?\}"
    r"|\$(?P<bare>[A-Za-z_]\w*)"
)


class UnknownMacro(UserError):
    """A statement has something of Grafana's that is not understood, or a variable that is not quoted."""


@dataclass(frozen=True)
class Selection:
    """What a user looks at.

    Attributes:
        start, end: the time range, both included, as Grafana's data source has it.
        interval_seconds: how far apart points should be at least, at the width of the panel.
        variables: name -> chosen values; all of them where "All" is chosen.
    """

    start: datetime
    end: datetime
    interval_seconds: int = 10
    variables: Mapping[str, Sequence[str]] = field(default_factory=dict)


def bind(sql: str, selection: Selection) -> tuple[str, dict[str, object]]:
    """The statement and its parameters, for `clickhouse_driver.Client.execute`.

    Raises:
        UnknownMacro: it names what is not bound here.
    """
    parameters: dict[str, object] = {}

    def bound(end_of_range: str, in_ms: bool) -> str:
        moment: datetime = getattr(selection, end_of_range)
        name, unit, function = (
            (f"{end_of_range}_ms", timedelta(milliseconds=1), "fromUnixTimestamp64Milli")
            if in_ms
            else (end_of_range, timedelta(seconds=1), "toDateTime")
        )
        parameters[name] = (moment.astimezone(UTC) - datetime.fromtimestamp(0, UTC)) // unit
        return f"{function}(%({name})s)"

    def replace(match: re.Match[str]) -> str:
        if match["macro"]:
            return _macro(match, selection, bound)
        name = match["name"] or match["bare"]
        if match["format"] != "sqlstring":
            raise UnknownMacro(f"{match[0]} would be pasted as it is.", f"Write ${{{name}:sqlstring}}, which is quoted.")
        if name not in selection.variables:
            raise UnknownMacro(f"The variable {name} of {match[0]} has no value here.")
        # Nothing chosen is a list that matches nothing: IN () is no SQL.
        values = tuple(selection.variables[name]) or (None,)
        for number, value in enumerate(values):
            parameters[f"{name}_{number}"] = value
        return ", ".join(f"%({name}_{number})s" for number in range(len(values)))

    parts = []
    at = 0
    for match in _TOKEN.finditer(sql):
        parts += [sql[at : match.start()].replace("%", "%%"), replace(match)]
        at = match.end()
    parts.append(sql[at:].replace("%", "%%"))
    # The driver formats only statements that come with parameters.
    return ("".join(parts), parameters) if parameters else ("".join(parts).replace("%%", "%"), parameters)


def _macro(match: re.Match[str], selection: Selection, bound: Bound) -> str:
    argument = (match["argument"] or "").strip()
    in_ms = match["macro"].endswith("_ms")
    match match["macro"], bool(argument):
        case "timeFilter" | "timeFilter_ms", True:
            return f"{argument} >= {bound('start', in_ms)} AND {argument} <= {bound('end', in_ms)}"
        case "timeInterval", True:
            return f"toStartOfInterval(toDateTime({argument}), INTERVAL {selection.interval_seconds:d} second)"
        case "fromTime" | "fromTime_ms", False:
            return bound("start", in_ms)
        case "toTime" | "toTime_ms", False:
            return bound("end", in_ms)
        case "interval_s", False:
            return f"{selection.interval_seconds:d}"
        case _:
            raise UnknownMacro(
                f"{match[0]} is not understood.",
                "Known: $__timeFilter(c) $__timeInterval(c) $__fromTime $__toTime $__interval_s, and for DateTime64 "
                "$__timeFilter_ms(c) $__fromTime_ms $__toTime_ms",
            )
