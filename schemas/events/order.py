from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.events.base import Event, Id
from schemas.events.view import Source


class Order(Event):
    """An order changed its status. Money is an integer in the currency's minor unit."""

    order_id: Id = Field(description="The order; the same over all its statuses.")
    product_id: Id = Field(description="What was bought.")
    quantity: int = Field(ge=1, le=1_000_000, description="Units bought (refunded: units given back).")
    amount: int = Field(
        ge=0,
        le=1_000_000_000_000,
        description="Money in minor units: what the order costs, or for `refunded` what this refund gives back.",
    )
    currency: str = Field(pattern="^[A-Z]{3}$", description="ISO 4217 code.")
    status: Literal["created", "paid", "cancelled", "refunded"] = Field(
        description="What happened; an order may be refunded in several parts, each with its own `event_id`."
    )
    source: Source | None = Field(default=None, description="How the buyer came to the room, where known.")
    promotion_id: Id | None = Field(default=None, description="Promotion that the price belongs to, where there was one.")
