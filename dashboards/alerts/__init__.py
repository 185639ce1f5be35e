"""Alerts as code: `alerts.yaml` and a statement each, made into Grafana's rules."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from dashboards.fields import Language, fields, text
from dashboards.query import PLUGIN, without_comments
from jobs.catalogue import Title

FOLDER = Path(__file__).parent
RUNBOOK = "docs/runbook.md"
GROUP, GRAFANA_FOLDER = "livepulse", "livepulse"
DATASOURCE_UID = "livepulse-clickhouse"
"""Rules name their data source outright; deploy/grafana provisions one of this uid."""

_EVERY_SECONDS = 30


class Alert(BaseModel):
    """When people are told, and what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: Title
    summary: Title
    severity: Literal["critical", "warning", "info"]
    above: float | Literal["catalogue"] | None = None
    below: float | None = None
    metric: str | None = None
    """The metric whose critical threshold is the limit, with `above: catalogue`."""
    lasting: str = Field(alias="for", pattern=r"^\d+[smh]$")
    """How long it must hold before anyone is told."""

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("either above or below")
        if (self.above == "catalogue") != (self.metric is not None):
            raise ValueError("above: catalogue goes with a metric")
        return self

    @property
    def limit(self) -> float:
        """What the value is compared with."""
        if self.metric is not None:
            thresholds = fields()[self.metric].thresholds
            if thresholds is None:
                raise ValueError(f"{self.metric} has no thresholds in the catalogue")
            return thresholds.critical
        limit = self.above if self.above is not None else self.below
        assert isinstance(limit, float)
        return limit

    @property
    def sql(self) -> str:
        """A row a subject, with `subject` and `value`."""
        return without_comments((FOLDER / f"{self.name}.sql").read_text(encoding="utf-8"))


@cache
def alerts() -> tuple[Alert, ...]:
    """All of them, in the order of the file."""
    found = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
    return tuple(Alert(name=name, **about) for name, about in found.items())


def rule(alert: Alert, language: Language) -> dict[str, Any]:
    """The alert as Grafana's rule: the statement, and a threshold over its rows."""
    summary = (
        text(alert.summary, language).replace("{subject}", "{{ $labels.subject }}").replace("{value}", "{{ $values.A.Value }}")
    )
    kind = "lt" if alert.below is not None else "gt"
    query = {"refId": "A", "editorType": "sql", "queryType": "table", "format": 1, "rawSql": alert.sql}
    threshold = {
        "refId": "B",
        "type": "threshold",
        "expression": "A",
        "conditions": [{"evaluator": {"type": kind, "params": [alert.limit]}}],
        "datasource": {"type": "__expr__", "uid": "__expr__"},
    }
    return {
        "uid": f"livepulse-{alert.name.replace('_', '-')}",
        "title": text(alert.title, language),
        "condition": "B",
        "data": [
            {
                "refId": "A",
                "relativeTimeRange": {"from": 3_600, "to": 0},
                "datasourceUid": DATASOURCE_UID,
                "model": query | {"datasource": {"type": PLUGIN, "uid": DATASOURCE_UID}},
            },
            {"refId": "B", "relativeTimeRange": {"from": 3_600, "to": 0}, "datasourceUid": "__expr__", "model": threshold},
        ],
        "for": alert.lasting,
        # No row is no subject to worry about; a statement that fails is.
        "noDataState": "OK",
        "execErrState": "Error",
        "annotations": {"summary": summary, "runbook_url": f"{RUNBOOK}#{alert.name.replace('_', '-')}"},
        "labels": {"severity": alert.severity, "product": "livepulse"},
    }


def provisioning(language: Language) -> dict[str, Any]:
    """All rules as a file of Grafana's provisioning."""
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": GROUP,
                "folder": GRAFANA_FOLDER,
                "interval": f"{_EVERY_SECONDS}s",
                "rules": [rule(alert, language) for alert in alerts()],
            }
        ],
    }


def api_form(alert: Alert, language: Language, folder_uid: str) -> dict[str, Any]:
    """One rule as Grafana's provisioning API takes it."""
    return rule(alert, language) | {"orgID": 1, "folderUID": folder_uid, "ruleGroup": GROUP}
