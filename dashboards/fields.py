"""What a column of a panel's query is called, in which unit, and when it needs attention: from the metric catalogue.

A query names its columns as the catalogue does. Columns that only dashboards have stand in `keys.yaml`, where several
dashboards show them, or with the texts of their dashboard.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from dashboards.texts import Field, texts
from jobs.catalogue import Title, jobs

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_GRAFANA_UNITS = {"currency": "locale"}
"""Queries divide money by the minor units of its currency, and show the currency in a column of its own."""
_DECIMALS = {"percentunit": 1, "currency": 0}
_DECIMALS_OF_AVERAGES = {"percentunit": 1, "currency": 2}


@cache
def fields() -> Mapping[str, Field]:
    """Every column that a panel may show, by name.

    Raises:
        ValueError: a column is defined twice.
    """
    found: dict[str, Field] = {}
    for job in jobs().values():
        for metrics, decimals in ((job.counters, _DECIMALS), (job.derived, _DECIMALS), (job.rates, _DECIMALS_OF_AVERAGES)):
            for name, metric in metrics.items():
                # Two jobs may count the same, one for rooms and one for buyers: the first one's words serve both.
                found.setdefault(
                    name,
                    Field(
                        title=metric.title,
                        unit=_GRAFANA_UNITS.get(metric.unit, metric.unit),
                        description=metric.description,
                        decimals=decimals.get(metric.unit),
                        thresholds=getattr(metric, "thresholds", None),
                    ),
                )
    keys = yaml.safe_load(Path(__file__).with_name("keys.yaml").read_text(encoding="utf-8"))
    for own in ({name: Field.model_validate(key) for name, key in keys.items()}, *(page.fields for page in texts().values())):
        if twice := found.keys() & own.keys():
            raise ValueError(f"defined twice: {', '.join(sorted(twice))}")
        found |= own
    return found


def text(title: Title, language: Language) -> str:
    """The title in a language."""
    return str(getattr(title, language))
