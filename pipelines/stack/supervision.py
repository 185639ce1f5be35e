"""Talking to supervisord: one per stack, reached by a Unix socket."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
import xmlrpc.client
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from pipelines.errors import UserError
from pipelines.stack.layout import Layout

RUNNING = frozenset({"RUNNING", "STARTING", "BACKOFF"})


@dataclass(frozen=True)
class ProcessState:
    """What supervisord says of a process."""

    name: str
    state: str
    pid: int | None
    started: int
    detail: str

    @property
    def is_running(self) -> bool:
        return self.state in RUNNING


class Supervisor:
    """A supervisord that answers."""

    def __init__(self, layout: Layout) -> None:
        from supervisor.xmlrpc import SupervisorTransport

        self._layout = layout
        transport = SupervisorTransport(None, None, f"unix://{layout.socket}")
        self._proxy: Any = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def answers(self) -> bool:
        """Whether it is there and not about to end."""
        try:
            return bool(self._proxy.getState()["statename"] == "RUNNING")
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False

    def pid(self) -> int:
        """The pid of supervisord itself."""
        return int(self._proxy.getPID())

    def states(self) -> dict[str, ProcessState]:
        """All processes it knows, by name."""
        return {
            info["name"]: ProcessState(info["name"], info["statename"], info["pid"] or None, info["start"], info["spawnerr"])
            for info in self._proxy.getAllProcessInfo()
        }

    def reload(self) -> None:
        """Read the configuration again; processes that run keep the old one."""
        ((added, changed, removed),) = self._proxy.reloadConfig()
        states = self.states()
        for name in (*changed, *removed):
            if states[name].is_running:
                continue
            self._proxy.removeProcessGroup(name)
            if name in changed:
                self._proxy.addProcessGroup(name)
        for name in added:
            self._proxy.addProcessGroup(name)

    def start(self, process: str) -> None:
        """Start a process and come back at once."""
        self._proxy.startProcess(process, False)

    def stop(self, process: str) -> None:
        """Ask a process to stop and come back at once."""
        self._proxy.stopProcess(process, False)

    def shutdown(self) -> None:
        """End supervisord, which first stops what still runs."""
        self._proxy.shutdown()


def connect(layout: Layout) -> Supervisor | None:
    """The supervisor of this stack, if one answers."""
    if not layout.socket.exists():
        return None
    supervisor = Supervisor(layout)
    return supervisor if supervisor.answers() else None


def start(layout: Layout) -> Supervisor:
    """Start supervisord, which goes on in the background, and wait until it answers."""
    if find_spec("supervisor") is None:
        raise UserError("The package supervisor is not installed.", "Install it: pip install 'livepulse[flink,local]'")
    command = [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(layout.supervisord_conf)]
    result = subprocess.run(command, cwd=layout.home, capture_output=True, text=True, check=False)
    deadline = time.monotonic() + 15
    while result.returncode == 0 and time.monotonic() < deadline:
        if supervisor := connect(layout):
            return supervisor
        time.sleep(0.05)
    said = (result.stdout + result.stderr).strip() or "it does not answer"
    raise UserError(f"The supervisor did not start: {said}", f"Look into {layout.logs / 'supervisord.log'}.")


def running_pid(layout: Layout) -> int | None:
    """The pid of this stack's supervisord, also when it does not answer: found by its command line."""
    import psutil

    for process in psutil.process_iter(["pid", "cmdline"]):
        command = process.info["cmdline"] or []
        if str(layout.supervisord_conf) in command and "supervisor.supervisord" in command:
            return int(process.info["pid"])
    return None
