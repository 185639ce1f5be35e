"""What a simulation is made from. The same settings give the same records, byte for byte."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.events.base import MAX_EVENT_TIME

MAX_CLOCK_SKEW_SECONDS = 290
"""A clock further ahead makes dead letters, and those are what `malformed` is for."""

Share = Annotated[float, Field(ge=0, le=0.5)]


class SimulationSettings(BaseModel):
    """Times are milliseconds since the epoch, as in the events."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_ms: int = Field(ge=86_400_000, lt=MAX_EVENT_TIME, description="When the simulated time begins.")
    seed: int = 1
    rate: float = Field(default=500, ge=1, le=1_000_000, description="Records per second, in the mean over minutes.")
    rooms: int = Field(default=8, ge=1, le=5_000)
    room_prefix: str = Field(
        default="room",
        pattern=r"^[A-Za-z0-9_-]{1,24}$",
        description="Rooms are called <prefix>-01 and so on, so that runs need not mix.",
    )
    duration_seconds: float | None = Field(default=None, gt=0, description="Simulated time after which to stop; None: never.")
    events: int | None = Field(default=None, ge=1, description="Stop after this many records; None: never.")
    broadcast_minutes: float = Field(default=45, ge=1, le=1_440, description="Mean length of a broadcast.")

    duplicates: Share = Field(default=0.02, description="Share of events sent again: at once, within 30 s, or within minutes.")
    disorder: Share = Field(default=0.05, description="Share of events sent up to 30 s after they happened.")
    late: Share = Field(default=0.01, description="Share of events sent when they are older than the allowed lateness.")
    malformed: Share = Field(default=0.005, description="Share of events broken so that they must become dead letters.")
    clock_skew_seconds: float = Field(
        default=0, ge=0, le=MAX_CLOCK_SKEW_SECONDS, description="Clocks of some users are off by up to this, either way."
    )

    lateness_seconds: int = Field(default=3_600, ge=1, description="Allowed lateness of the pipeline that receives this.")
    future_seconds: int = Field(default=300, ge=1, description="How far ahead of its record that pipeline lets an event be.")
    refunds_until_ms: int | None = Field(
        default=None,
        description="After the duration, send the refunds that fall due until then, each at its own time; None: leave them out.",
    )

    @model_validator(mode="after")
    def _check(self) -> SimulationSettings:
        if self.late + self.disorder + self.malformed > 1:
            raise ValueError("late, disorder and malformed together are more than all events")
        if self.clock_skew_seconds >= self.future_seconds:
            raise ValueError("a clock skew beyond future_seconds would make dead letters")
        return self
