"""The stack under test: its processes, to be killed, stopped and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from pipelines.errors import UserError
from pipelines.flink import rest
from pipelines.flink.rest import Application
from pipelines.settings import Settings
from pipelines.stack import supervision
from pipelines.stack.layout import Layout
from tests.conftest import run_cli, settings_of, stack_environment, start_everything
from tests.e2e.pipeline import wait_for

APPLICATION = "livepulse"


@dataclass(frozen=True)
class Stack:
    """A local stack with every job running."""

    settings: Settings
    environment: dict[str, str]

    @property
    def layout(self) -> Layout:
        return Layout.of(self.settings)

    @property
    def supervisor(self) -> supervision.Supervisor:
        found = supervision.connect(self.layout)
        assert found is not None, "no supervisor answers"
        return found

    def pid(self, process: str) -> int:
        """The pid of a process, as soon as it has one."""
        return int(wait_for(lambda: self.supervisor.states()[process].pid or 0, f"{process} has a pid"))

    def kill(self, *processes: str) -> None:
        """End processes as the kernel does when memory is short."""
        for pid in [self.pid(process) for process in processes]:
            os.kill(pid, signal.SIGKILL)

    def kill_everything(self) -> None:
        """End every process of the stack, the supervisor first: nobody brings anything back."""
        supervisor = self.supervisor
        pids = [supervisor.pid(), *(state.pid for state in supervisor.states().values() if state.pid)]
        processes = [psutil.Process(pid) for pid in pids]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=30)

    def stop(self, process: str) -> None:
        """Stop a process in order; it stays away until `start`."""
        self.supervisor.stop(process)
        wait_for(lambda: not self.supervisor.states()[process].pid, f"{process} has stopped", 60)

    def start(self, process: str) -> None:
        """Start what was stopped."""
        self.supervisor.start(process)

    def livepulse(self, *arguments: str, **overrides: str) -> subprocess.CompletedProcess[str]:
        """Run a command as its user would; it must succeed."""
        done = run_cli(self.environment | overrides, *arguments)
        assert done.returncode == 0, f"livepulse {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done

    def application(self) -> Application:
        """The application that runs every job."""
        [found] = self._applications()
        return found

    def _applications(self) -> list[Application]:
        return [a for a in rest.overview(self.settings) if a.running and a.name == APPLICATION]

    def is_computing(self) -> bool:
        """Whether the JobManager answers and says that the application runs, with all its tasks."""
        try:
            found = self._applications()
            return bool(found) and rest.is_running(self.settings, found[0].id)
        except UserError:
            return False

    def await_checkpoint(self) -> None:
        """Return when a checkpoint has been completed that began after this call."""
        before = rest.checkpoints(self.settings, self.application()).completed
        wait_for(lambda: rest.checkpoints(self.settings, self.application()).completed > before + 1, "a checkpoint", 120)

    def checkpoint_folder(self) -> Path:
        """Where Flink writes checkpoints."""
        return self.layout.flink / "checkpoints"


@contextmanager
def own_stack(**overrides: str) -> Iterator[Stack]:
    """A stack with every job running; stopped and wiped also after an error."""
    with tempfile.TemporaryDirectory(prefix="livepulse-", ignore_cleanup_errors=True) as folder:
        environment = stack_environment(Path(folder) / "home") | overrides
        stack = Stack(settings_of(environment), environment)
        try:
            start_everything(environment)
            yield stack
        finally:
            run_cli(environment, "down")


def pause(seconds: float) -> None:
    """Let a fault last: here time is what is tested."""
    time.sleep(seconds)
