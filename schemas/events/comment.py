from __future__ import annotations

from pydantic import Field

from schemas.events.base import AgeGroup, Event, Id


class Comment(Event):
    """A person wrote in a room's comment stream (danmaku)."""

    text: str = Field(max_length=500, description="What was written; at most 500 Unicode code points.")
    reply_to: Id | None = Field(default=None, description="`event_id` of the comment that this one answers.")
    age_group: AgeGroup | None = Field(default=None, description="Of who wrote, where known; `under_14`: the text is not stored.")
