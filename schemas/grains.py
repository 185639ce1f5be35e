"""The grains that counters are kept at, from `grains.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field


class Grain(BaseModel):
    """A table of counters and its view."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    keys: dict[str, str] = Field(description="Key column -> ClickHouse type, in sorting order.")
    batch_keys: dict[str, str] = Field(default={}, description="The keys as SQL over event rows.")
    partition: str | None = None
    view_from: str | None = Field(default=None, alias="from", description="What the view reads, if not the storage table alone.")
    view_only: bool = Field(default=False, description="No storage of its own: sums over other tables.")

    @property
    def storage(self) -> str:
        """Name of the table that counters are merged in."""
        return f"{self.name}_counters"


@cache
def grains() -> dict[str, Grain]:
    """All grains by name."""
    raw = yaml.safe_load((Path(__file__).parent / "grains.yaml").read_text(encoding="utf-8"))
    return {name: Grain(name=name, **spec) for name, spec in raw.items()}
