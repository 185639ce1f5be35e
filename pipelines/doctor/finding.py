"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is, the worst first."""

    PROBLEM = "problem"
    """Numbers are missing, wrong or standing still, or soon will be."""
    WARNING = "warning"
    UNKNOWN = "unknown"
    """It could not be looked at."""
    OK = "ok"


@dataclass(frozen=True)
class Finding:
    """One check's answer."""

    check: str
    """What was looked at, in a few words that stay the same."""
    level: Level
    seen: str
    """One sentence with figures."""
    help: str = ""
    """The command that helps, or what to do; empty where nothing is to be done."""


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted by level; findings of one level stay in their order."""
    levels = list(Level)
    return sorted(findings, key=lambda finding: levels.index(finding.level))


def span(seconds: float) -> str:
    """For people: 0.4 s, 12 s, 5 min, 3 h, 2 days."""
    for limit, unit, name in ((1, 1, "s"), (120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit:
            return f"{seconds:.1f} {name}" if limit == 1 else f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86_400:.0f} days"


def one_line(text: str) -> str:
    """What a service says, in one line of at most 200 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 200 else f"{line[:200]} …"
