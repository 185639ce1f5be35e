"""What a Java stack trace says."""

from __future__ import annotations

import re

_CAUSE = re.compile(r"(?:^|\n)(?:: |Caused by: )?(?P<said>(?:[a-z_]\w*\.)+[\w$]+(?:: .*?)?)(?=\n\t|\nCaused by: |\s*\Z)", re.DOTALL)


def causes(trace: str) -> list[str]:
    """The errors that wrap each other, each as class and message, the one that began it last; a text without any is its own."""
    return [found["said"] for found in _CAUSE.finditer(trace)] or [trace]


def began(trace: str) -> str:
    """The error that began it, on one line."""
    return " ".join(causes(trace)[-1].split())
