"""The dashboards and alerts as files that Grafana provisions and the board shows.

`generated/<language>/<dashboard>.json`, and `generated/<language>/alerts/rules.yaml`.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import DASHBOARDS
from dashboards.alerts import provisioning
from dashboards.fields import LANGUAGES, Language
from dashboards.page import Page


def page(name: str, language: Language) -> Page:
    """The dashboard of a module."""
    made: Page = import_module(f"dashboards.{name}").build(language)
    return made


def as_json(name: str, language: Language) -> dict[str, Any]:
    """The dashboard in Grafana's JSON, its SQL being that of `queries/`."""
    model: dict[str, Any] = json.loads(json.dumps(page(name, language).build(), cls=JSONEncoder))
    return model


def files() -> dict[str, str]:
    """Path below `generated/` -> content."""
    made = {}
    for language in LANGUAGES:
        for name in DASHBOARDS:
            made[f"{language}/{name}.json"] = json.dumps(as_json(name, language), indent=2, ensure_ascii=False) + "\n"
        made[f"{language}/alerts/rules.yaml"] = yaml.safe_dump(
            provisioning(language), allow_unicode=True, sort_keys=False, width=132
        )
    return made
