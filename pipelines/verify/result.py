"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass
class Check:
    """One topic's records, or one table's counters.

    `lost`, `extra` and `wrong` are differences; `examples` says what the first of them are.
    """

    promise: Literal["records", "counters"]
    subject: str
    compared: int = 0
    left_out: int = 0
    lost: int = 0
    extra: int = 0
    wrong: int = 0
    seconds: float = 0.0
    examples: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether no difference was found."""
        return self.lost == self.extra == self.wrong == 0
