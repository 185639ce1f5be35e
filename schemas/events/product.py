from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.events.base import Event, Id


class Product(Event):
    """A product card was shown to a person, clicked, or put in the cart."""

    action: Literal["expose", "click", "cart"] = Field(description="What the person did with the card.")
    product_id: Id = Field(description="The product.")
