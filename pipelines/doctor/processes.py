"""The local stack's processes: whether they stay up, and run with today's settings and parts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from pipelines.doctor.finding import Finding, Level
from pipelines.settings import Settings
from pipelines.stack import components, config, supervision
from pipelines.stack.layout import SERVICES, Layout, external_address
from pipelines.stack.logs import tail
from pipelines.stack.supervision import ProcessState

RECENT = timedelta(minutes=10)
OFTEN = 3
"""So many ends within `RECENT` are a process that cannot stay up."""

_LOG_LINES = 2_000
# Supervisord says `exited` where nobody asked for it, and `stopped` where somebody did.
_EXITED = re.compile(r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ \w+ exited: (?P<name>\S+) \(")


def look(settings: Settings) -> list[Finding]:
    """The supervised processes, from supervisord and its log."""
    layout = Layout.of(settings)
    local = [service for service in SERVICES if not external_address(settings, service)]
    supervisor = supervision.connect(layout)
    if not local:
        return []
    if supervisor is None:
        return [Finding("processes", Level.UNKNOWN, f"no local stack runs in {layout.home}", "livepulse up")]
    states = supervisor.states()
    exits = unexpected_exits(tail(layout.logs / "supervisord.log", _LOG_LINES), datetime.now())
    found = [judge_process(state, exits[state.name]) for state in states.values()]
    for service in local:
        found += _outdated(settings, service, [states[name] for name in SERVICES[service] if name in states])
    return found


def unexpected_exits(log: Iterable[str], now: datetime) -> Counter[str]:
    """Process -> how often it ended by itself within `RECENT` of now, from supervisord's log (in local time, as `now`)."""
    found: Counter[str] = Counter()
    for line in log:
        exited = _EXITED.match(line)
        if exited and now - datetime.strptime(exited["at"], "%Y-%m-%d %H:%M:%S") <= RECENT:
            found[exited["name"]] += 1
    return found


def judge_process(state: ProcessState, exits: int) -> Finding:
    """A process that is given up, or ends again and again, is a problem; one that ended lately is a warning."""
    check, logs = f"process {state.name}", f"livepulse logs {state.name}"
    minutes = int(RECENT.total_seconds() // 60)
    if state.state == "FATAL":
        return Finding(check, Level.PROBLEM, "ended at each start and is given up", f"{logs}    then: livepulse up")
    if state.state == "BACKOFF" or exits >= OFTEN:
        return Finding(check, Level.PROBLEM, f"ends again and again: {exits} times in {minutes} min, restarted each time", logs)
    if not state.is_running:
        return Finding(check, Level.WARNING, f"is {state.state.lower()}", "livepulse up")
    if exits:
        return Finding(check, Level.WARNING, f"ended by itself and was restarted {exits} times in {minutes} min", logs)
    return Finding(check, Level.OK, f"runs, pid {state.pid}, and did not end in the last {minutes} min")


def _outdated(settings: Settings, service: str, states: list[ProcessState]) -> list[Finding]:
    """Whether a running service was started with other settings, or before its parts were replaced."""
    running = [state for state in states if state.is_running]
    if not running:
        return []
    restart = f"livepulse down {service} && livepulse up {service}"
    found = []
    if any(config.differs(config.render(settings, state.name)) for state in running):
        found.append(Finding(f"settings of {service}", Level.WARNING, "runs with other settings than today's", restart))
    replaced = components.replaced_at(settings, service)
    if replaced is not None and any(state.started < replaced for state in running):
        found.append(Finding(f"parts of {service}", Level.WARNING, "started before its parts were installed anew", restart))
    return found
