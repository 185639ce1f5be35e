"""One dashboard as it is written here: panels from left to right, each a query and the columns that it gives.

What a column is called, its unit and its thresholds are not said here but follow from its name (`fields.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, Self

from grafana_foundation_sdk.builders import barchart, common, heatmap, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

from dashboards.fields import Language, fields, text
from dashboards.query import DATASOURCE, PLUGIN, ClickHouseQuery, Shape, read
from dashboards.texts import Field, PanelText, texts
from jobs.catalogue import Title

Kind = Literal["stat", "timeseries", "barchart", "table", "heatmap"]
Look = Literal["plain", "sparkline", "background", "gauge", "bars", "stacked"]
"""How a panel or a column is drawn: `sparkline` under a stat's number; `background` and `gauge` for a table's cells;
`bars` and `stacked` for series."""

TAG = "livepulse"
WIDTH = 24
"""Columns of Grafana's grid."""

_SHAPES: dict[Kind, Shape] = {"timeseries": "timeseries", "heatmap": "timeseries"}
_EVERY = "/.*/"
"""Grafana's stat shows only numbers unless told so."""

_COLORS = {"good": "green", "warning": "orange", "critical": "red"}


class _PanelBuilder(Protocol):
    """What the SDK's panel builders have in common."""

    def build(self) -> models.Panel: ...
    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def datasource(self, datasource: common_models.DataSourceRef) -> Self: ...
    def grid_pos(self, grid_pos: models.GridPos) -> Self: ...
    def with_target(self, target: Builder[Any]) -> Self: ...
    def override_by_name(self, name: str, properties: list[models.DynamicConfigValue]) -> Self: ...


class Page:
    """A dashboard under construction.

    Args:
        name: its module's name; queries are in `queries/<name>/`.
        language: of titles.
        refresh: Grafana's refresh interval, such as `5s`.
        time_from: start of the time range, such as `now-1h`.
        variables: pickers: `room` and `broadcast`, in this order.
    """

    def __init__(
        self,
        name: str,
        language: Language,
        refresh: str,
        time_from: str,
        variables: Sequence[Literal["room", "broadcast"]] = ("room",),
    ) -> None:
        self.name, self.language = name, language
        self._x = self._y = self._row_height = 0
        self._count = 0
        about = texts()[name]
        self.columns: dict[str, tuple[str, ...]] = {}
        """Query -> the columns that its panel shows."""
        self._dashboard = (
            builders.Dashboard(text(about.title, language))
            .uid(f"{TAG}-{name.replace('_', '-')}")
            .tags([TAG])
            .timezone("browser")
            .refresh(refresh)
            .time(time_from, "now")
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .link(_links(language))
            .with_variable(_datasource(language))
        )
        if about.description:
            self._dashboard.description(text(about.description, language))
        for variable in variables:
            self._dashboard.with_variable(_picker(variable, language))

    def panel(
        self,
        kind: Kind,
        query: str,
        columns: Sequence[str],
        width: int,
        height: int,
        look: Look = "plain",
        cells: dict[str, Look] | None = None,
    ) -> Self:
        """Add a panel to the right of the last one, or below where it does not fit.

        Args:
            kind: Grafana's panel type.
            query: name of a file in `queries/<dashboard>/`, without `.sql`.
            columns: what the query gives, in its order, but for `time`; names of `fields()`.
            width: in the grid's columns, 24 a row.
            height: in the grid's rows.
            look: how it is drawn.
            cells: how a table's columns are drawn, where not plainly.
        """
        shown = {name: fields()[name] for name in columns}
        builder = _builder(kind, look, shown)
        about = self._about(query, shown)
        builder.title(text(about.title, self.language))
        if about.description:
            builder.description(text(about.description, self.language))
        shape = "timeseries" if look == "sparkline" else _SHAPES.get(kind, "table")
        builder.datasource(DATASOURCE).with_target(ClickHouseQuery(read(self.name, query), shape))
        for name, field in shown.items():
            builder.override_by_name(name, _properties(field, self.language, (cells or {}).get(name, "plain")))
        builder.grid_pos(self._place(width, height))
        panel = builder.build()
        self._count += 1
        panel.id_val = self._count
        self._dashboard.with_panel(_Built(panel))
        self.columns[query] = tuple(columns)
        return self

    def build(self) -> models.Dashboard:
        """The dashboard."""
        return self._dashboard.build()

    def _about(self, query: str, shown: dict[str, Field]) -> PanelText:
        known = texts()[self.name].panels
        if query in known:
            return known[query]
        if len(shown) != 1:
            raise ValueError(f"dashboards/texts/{self.name}.yaml has no title for the panel {query}")
        [field] = shown.values()
        return PanelText(title=field.title, description=Title(en=field.description, zh=field.description))

    def _place(self, width: int, height: int) -> models.GridPos:
        if self._x + width > WIDTH:
            self._x, self._y, self._row_height = 0, self._y + self._row_height, 0
        place = models.GridPos(h=height, w=width, x=self._x, y=self._y)
        self._x += width
        self._row_height = max(self._row_height, height)
        return place


class _Built(Builder[models.Panel]):
    """A panel that is built already."""

    def __init__(self, panel: models.Panel) -> None:
        self._panel = panel

    def build(self) -> models.Panel:
        return self._panel


def _builder(kind: Kind, look: Look, shown: dict[str, Field]) -> _PanelBuilder:
    match kind:
        case "stat":
            has_text = any(field.unit == "string" for field in shown.values())
            return (
                stat.Panel()
                .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields(_EVERY if has_text else ""))
                .graph_mode(common_models.BigValueGraphMode.AREA if look == "sparkline" else common_models.BigValueGraphMode.NONE)
                .color_mode(
                    common_models.BigValueColorMode.BACKGROUND if look == "background" else common_models.BigValueColorMode.VALUE
                )
                .text_mode(
                    common_models.BigValueTextMode.VALUE_AND_NAME if len(shown) > 1 else common_models.BigValueTextMode.VALUE
                )
                .no_value("–")
            )
        case "timeseries":
            panel = (
                timeseries.Panel()
                .legend(
                    common.VizLegendOptions()
                    .show_legend(True)
                    .display_mode(common_models.LegendDisplayMode.LIST)
                    .placement(common_models.LegendPlacement.BOTTOM)
                )
                .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
                .show_points(common_models.VisibilityMode.NEVER)
                .axis_soft_min(0)
                .line_width(2)
            )
            if look in ("bars", "stacked"):
                panel.draw_style(common_models.GraphDrawStyle.BARS).fill_opacity(60)
            if look == "stacked":
                panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
            return panel
        case "barchart":
            return (
                barchart.Panel()
                .orientation(common_models.VizOrientation.HORIZONTAL)
                .legend(common.VizLegendOptions().show_legend(len(shown) > 2))
            )
        case "table":
            return table.Panel().cell_height(common_models.TableCellHeight.SM).no_value("–")
        case "heatmap":
            return heatmap.Panel().calculate(False)


def _properties(field: Field, language: Language, look: Look) -> list[models.DynamicConfigValue]:
    value = models.DynamicConfigValue
    properties = [value("displayName", text(field.title, language)), value("unit", field.unit)]
    if field.decimals is not None:
        properties.append(value("decimals", field.decimals))
    if field.thresholds:
        properties += [value("thresholds", _thresholds(field)), value("color", {"mode": "thresholds"})]
    if field.mapping:
        options = {key: {"text": text(title, language), "index": i} for i, (key, title) in enumerate(field.mapping.items())}
        properties.append(value("mappings", [{"type": "value", "options": options}]))
    if look == "background":
        properties.append(value("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    elif look == "gauge":
        properties.append(value("custom.cellOptions", {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}))
    return properties


def _thresholds(field: Field) -> dict[str, Any]:
    limits = field.thresholds
    assert limits is not None
    if limits.worse == "higher":
        steps = [("good", None), ("warning", limits.warning), ("critical", limits.critical)]
    else:
        steps = [("critical", None), ("warning", limits.critical), ("good", limits.warning)]
    return {"mode": "absolute", "steps": [{"color": _COLORS[name], "value": at} for name, at in steps]}


def _links(language: Language) -> builders.DashboardLink:
    title = {"en": "Dashboards", "zh": "看板"}[language]
    return builders.DashboardLink(title).type(models.DashboardLinkType.DASHBOARDS).tags([TAG]).keep_time(True).include_vars(True)


def _datasource(language: Language) -> builders.DatasourceVariable:
    label = {"en": "Data source", "zh": "数据源"}[language]
    return builders.DatasourceVariable("datasource").label(label).type(PLUGIN)


def _picker(name: str, language: Language) -> builders.QueryVariable:
    sql = read("variables", name)
    return (
        builders.QueryVariable(name)
        .label(text(fields()[f"{name}_id"].title, language))
        .datasource(DATASOURCE)
        .query(sql)
        .definition(sql)
        .multi(True)
        .include_all(True)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    )
