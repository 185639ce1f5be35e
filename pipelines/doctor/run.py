"""All checks in one go. One that cannot be made says so; none keeps the others from being made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from pipelines.clickhouse import in_one_line
from pipelines.doctor import applications, database, disks, inserts, letters, parts, processes, readers, services, tables, verified
from pipelines.doctor.finding import Finding, Level, one_line, worst_first
from pipelines.errors import UserError
from pipelines.quiet import quiet
from pipelines.settings import Settings
from pipelines.stack.health import CHECKS, Health


@dataclass(frozen=True)
class Group:
    """Checks that are made together."""

    name: str
    look: Callable[[Settings], list[Finding]]
    needs: tuple[str, ...] = ()
    """Services that must answer."""
    needs_database: bool = False
    """Whether ours must be there in ClickHouse."""


_CLICKHOUSE = ("clickhouse",)

GROUPS = (
    Group("processes", processes.look),
    Group("installed parts", parts.look),
    Group("disk of LIVEPULSE_HOME", disks.look),
    Group("jobs and checkpoints", applications.look, ("flink",)),
    Group("topics and readers", readers.look, ("kafka",)),
    Group("lag of flink", readers.look_at_flink, _CLICKHOUSE, needs_database=True),
    Group("tables, queues and views", database.look, _CLICKHOUSE),
    Group("clickhouse's errors, parts and disks", tables.look, _CLICKHOUSE, needs_database=True),
    Group("clickhouse's settings", inserts.look, _CLICKHOUSE, needs_database=True),
    Group("dead letters and clocks", letters.look, _CLICKHOUSE, needs_database=True),
    Group("verify", verified.look, _CLICKHOUSE, needs_database=True),
)


def examine(settings: Settings, progress: Callable[[str], object] = lambda _: None) -> list[Finding]:
    """Every finding, the worst first. Nothing is changed.

    Args:
        progress: told what is still looked at.
    """
    progress("services")
    with quiet(), ThreadPoolExecutor(len(GROUPS)) as pool:
        healths = list(pool.map(lambda check: check(settings), CHECKS.values()))
        found = [services.judge(settings, health) for health in healths]
        found += _in_order(pool, settings, healths, progress)
    return worst_first(found)


def _in_order(
    pool: ThreadPoolExecutor, settings: Settings, healths: list[Health], progress: Callable[[str], object]
) -> Iterator[Finding]:
    up = services.reachable(healths)
    futures = {pool.submit(_look, group, settings, up): group.name for group in GROUPS}
    pending = list(futures.values())
    progress(", ".join(pending))
    for future in as_completed(futures):
        pending.remove(futures[future])
        progress(", ".join(pending))
    for future in futures:
        yield from future.result()


def _look(group: Group, settings: Settings, up: set[str]) -> list[Finding]:
    if missing := [service for service in group.needs if service not in up]:
        return [Finding(group.name, Level.UNKNOWN, f"needs {missing[0]}", f"livepulse up {missing[0]}")]
    try:
        if group.needs_database and not database.exists(settings):
            return [Finding(group.name, Level.UNKNOWN, "needs database", "livepulse migrate")]
        return group.look(settings)
    except Exception as error:
        # It went away meanwhile, refuses this, or answers what nobody expects: what else there is to find is worth finding.
        said = one_line(in_one_line(str(error)))
        if not isinstance(error, UserError):
            said = f"{type(error).__name__}: {said}"
        return [Finding(group.name, Level.UNKNOWN, f"could not be looked at: {said}", "livepulse status")]
