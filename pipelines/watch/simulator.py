"""`livepulse simulate` as a child process that ends with its parent."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipelines.errors import UserError
from pipelines.stack import launch

_STOP_SECONDS = 30.0
_STDERR_LINES = 8


class Simulator:
    """Runs from entering to leaving, or until its own `--duration` is over."""

    def __init__(self, log: Path, rate: float, rooms: int, seed: int, duration: float | None) -> None:
        """`log` gets what it says on the way."""
        self._log = log
        self._arguments = ["--rate", str(rate), "--rooms", str(rooms), "--seed", str(seed), "--json"]
        if duration is not None:
            self._arguments += ["--duration", str(duration)]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-c", "from pipelines.cli import main; main()", "simulate", *self._arguments]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                # The launcher has the kernel end it with us; a session of its own keeps our Ctrl-C from it.
                [sys.executable, launch.__file__, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    @property
    def running(self) -> bool:
        """Whether it still sends."""
        assert self._process is not None
        return self._process.poll() is None

    def stop(self) -> dict[str, Any]:
        """Have it stop if it still runs, wait until Kafka has all it sent, and return its summary.

        Raises:
            UserError: it failed.
        """
        assert self._process is not None
        if self.running:
            self._process.send_signal(signal.SIGINT)
        try:
            output, _ = self._process.communicate(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise UserError(f"The simulator did not stop within {_STOP_SECONDS:.0f} s.", f"What it said: {self._log}") from None
        if self._process.returncode:
            last = "".join(f"\n  {line}" for line in self._log.read_text(encoding="utf-8").splitlines()[-_STDERR_LINES:])
            raise UserError(f"The simulator ended with {self._process.returncode}:{last}", f"All it said: {self._log}")
        summary: dict[str, Any] = json.loads(output)
        return summary
