from __future__ import annotations

from pydantic import Field

from schemas.events.base import Event


class Like(Event):
    """A person tapped the heart; clients send taps in batches."""

    count: int = Field(ge=1, le=10_000, description="Taps in this batch.")
