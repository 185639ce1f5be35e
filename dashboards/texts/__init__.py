"""What dashboards and their panels are called: `<dashboard>.yaml`, in each language.

A panel of one column needs no text: it is called as its column is. `fields` are columns that no metric of the catalogue is, such as
comparisons and the state of the pipeline; any dashboard may show them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from jobs.catalogue import Thresholds, Title


class PanelText(BaseModel):
    """Title and description of a panel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Title
    description: Title | None = None
    may_be_empty: bool = False
    """Whether a healthy system may have nothing to show here."""


class Field(BaseModel):
    """A column of panels."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Title
    unit: str
    """Grafana's name of the unit."""
    description: str = ""
    decimals: int | None = None
    thresholds: Thresholds | None = None
    mapping: dict[str, Title] = {}
    """Texts to show for values."""


class PageText(PanelText):
    """Title and description of a dashboard, of its panels by the name of their query, and of its own columns."""

    panels: dict[str, PanelText] = {}
    fields: dict[str, Field] = {}


@cache
def texts() -> dict[str, PageText]:
    """Dashboard -> its texts."""
    return {
        path.stem: PageText.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(Path(__file__).parent.glob("*.yaml"))
    }
