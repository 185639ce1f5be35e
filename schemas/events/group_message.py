from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.events.base import AgeGroup, Event, Id


class GroupMessage(Event):
    """A message in a chat group that a host keeps between broadcasts."""

    room_id: Id | None = Field(default=None, description="Room that the group belongs to, where known.")  # type: ignore[assignment]
    group_id: Id = Field(description="The chat group.")
    text: str = Field(max_length=2_000, description="What was written; at most 2,000 Unicode code points.")
    role: Literal["member", "staff"] = Field(description="Who wrote: a member, or the host's staff.")
    age_group: AgeGroup | None = Field(default=None, description="Of who wrote, where known; `under_14`: the text is not stored.")
