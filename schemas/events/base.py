"""What every event carries, and the field types that the three validators understand.

Bounds are written once, as pydantic constraints on the fields; `schemas.rules` reads them from the
models and writes the same rules for Flink and ClickHouse.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_EVENT_TIME = 4_102_444_800_000
"""2100-01-01T00:00:00Z in milliseconds: inside the range of every date type on the way."""

MAX_ID_LENGTH = 64

Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)]
"""An opaque identifier; compared byte by byte, never parsed."""

USER = "user_id"
"""The field, and in tables the column, that says who it was."""

AgeGroup = Literal["under_14", "14_17", "adult"]
"""How old the person is, as far as the producer knows. An event that has a field `age_group` of it and text that the person
wrote: of those under 14 the text is not stored."""

Time = Annotated[int, Field(ge=0, lt=MAX_EVENT_TIME)]
"""Milliseconds since 1970-01-01T00:00:00Z."""


class Event(BaseModel):
    """One fact that a producer saw happen.

    Types are strict: a number in quotes is not a number. An optional field may be left out or be
    null. Fields that a model does not name are kept in Kafka but not in tables.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    event_id: Id = Field(description="Unique for one fact; a redelivery carries the same id.")
    event_time: Time = Field(description="When it happened at its source, ms since the epoch, UTC.")
    schema_version: int = Field(ge=1, le=32_767, description="Version of this event's schema that the producer wrote.")
    platform: str = Field(min_length=1, max_length=32, description="Where the room lives, for example the app's name.")
    room_id: Id = Field(description="The room; lasts over broadcasts.")
    stream_id: Id | None = Field(
        default=None,
        description="One broadcast. When absent, the event belongs to the room's day in the configured time zone.",
    )
    user_id: Id = Field(description="Pseudonymous person; the same in every topic of a platform.")

    @classmethod
    def topic(cls) -> str:
        """The Kafka topic that carries this event: the class name in snake case."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
