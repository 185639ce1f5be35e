"""A panel's query as Grafana's ClickHouse data source wants it; the foundation SDK has no type for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models.common import DataSourceRef

from dashboards.currencies import MINOR_UNITS

Shape = Literal["table", "timeseries"]

PLUGIN = "grafana-clickhouse-datasource"
DATASOURCE = DataSourceRef(type_val=PLUGIN, uid="${datasource}")
QUERIES = Path(__file__).parent / "queries"

_FRAGMENT = re.compile(r"\{\{(\w+)\}\}")
_FORMATS: dict[Shape, int] = {"timeseries": 0, "table": 1}


class ClickHouseQuery(variants.Dataquery, builder.Builder["ClickHouseQuery"]):
    """One statement. `timeseries` wants a column `time`, sorted; text columns beside it name the series."""

    def __init__(self, sql: str, shape: Shape, ref_id: str = "A") -> None:
        self.sql, self.shape, self.ref_id = sql, shape, ref_id

    def build(self) -> ClickHouseQuery:
        """Itself: it is its own builder."""
        return self

    def to_json(self) -> dict[str, Any]:
        """As it stands in a dashboard's JSON."""
        return {
            "refId": self.ref_id,
            "datasource": DATASOURCE,
            "editorType": "sql",
            "queryType": self.shape,
            "format": _FORMATS[self.shape],
            "rawSql": self.sql,
        }


def read(dashboard: str, name: str) -> str:
    """The SQL of `queries/<dashboard>/<name>.sql` without comments, with `queries/fragments/<x>.sql` where `{{x}}` stands.

    `{{minor_units}}` stands for what `currencies.py` says of the column `currency`.
    """
    sql = without_comments((QUERIES / dashboard / f"{name}.sql").read_text(encoding="utf-8"))
    return _FRAGMENT.sub(lambda found: MINOR_UNITS if found[1] == "minor_units" else read("fragments", found[1]), sql)


def without_comments(sql: str) -> str:
    """The statement without the comment lines at its head or inside: Grafana expands macros in comments too."""
    return "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--")).strip()
