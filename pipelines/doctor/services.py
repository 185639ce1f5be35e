"""Whether the services answer."""

from __future__ import annotations

from collections.abc import Collection

from pipelines.doctor.finding import Finding, Level
from pipelines.settings import Settings
from pipelines.stack.health import Health, away


def judge(settings: Settings, health: Health) -> Finding:
    """A service that does not answer is a problem; the help says how to start it, or which setting names its address."""
    name = health.service
    if health.ok:
        return Finding(name, Level.OK, f"answers at {health.address}: {health.detail}")
    error = away(settings, name, health.detail)
    if health.task_slots is not None:  # the JobManager itself does answer
        help_ = "livepulse logs taskmanager" if settings.flink is None else (error.hint or "")
        return Finding(name, Level.PROBLEM, f"{health.detail} at {health.address}, so no job can run", help_)
    return Finding(name, Level.PROBLEM, f"does not answer at {health.address}: {health.detail}", error.hint or "")


def reachable(healths: Collection[Health]) -> set[str]:
    """The services that other checks can ask; a JobManager without TaskManagers is one."""
    return {health.service for health in healths if health.ok or health.task_slots is not None}
