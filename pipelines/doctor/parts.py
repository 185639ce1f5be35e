"""Whether what `livepulse install` got is there and made from this version's inputs."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.doctor.finding import Finding, Level
from pipelines.settings import Settings
from pipelines.stack import components


def look(settings: Settings) -> list[Finding]:
    """The jars, ClickHouse's engine and the board's charts, by the stamps that installing leaves."""
    wanted = [part.title for part in components.parts(settings)]
    return [judge(wanted, [part.title for part in components.outdated(settings)])]


def judge(wanted: Sequence[str], outdated: Sequence[str]) -> Finding:
    """A part that is missing, or of another version of livepulse, is a problem: services run with it all the same."""
    if outdated:
        seen = f"missing, or of another version of livepulse: {', '.join(outdated)}"
        return Finding("installed parts", Level.PROBLEM, seen, "livepulse install    then: livepulse down && livepulse up")
    return Finding("installed parts", Level.OK, f"all {len(wanted)} are this version's")
