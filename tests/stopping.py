"""How a long run that started processes of its own ends when it is asked to."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def stop_in_order() -> None:
    """Has SIGTERM end this process as `sys.exit(143)` does: what it started is stopped too.

    A second signal does not break that off: `timeout` sends two.
    """
    signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)
