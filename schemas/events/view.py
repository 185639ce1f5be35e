from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.events.base import Event

Source = Literal["community", "follow", "feed", "search", "paid", "share", "other"]
"""How a person came to the room."""


class View(Event):
    """A person is watching: enters, is still there (every 10 s), leaves."""

    action: Literal["enter", "heartbeat", "leave"] = Field(description="A `leave` may be missing: clients die.")
    source: Source = Field(description="How the person came to the room, repeated on every event of the visit.")
