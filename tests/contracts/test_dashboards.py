"""The dashboards' files: nothing is lost on the way through the SDK, and everything that they name exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog import plugins, runtime
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

import deploy
from dashboards import DASHBOARDS, GENERATED
from dashboards.alerts import DATASOURCE_UID, GRAFANA_FOLDER
from dashboards.build import as_json, files, page
from dashboards.fields import LANGUAGES, Language, fields
from dashboards.query import PLUGIN, QUERIES, ClickHouseQuery
from dashboards.texts import texts
from pipelines.grafana.push import FOLDER_UID

PROVISIONING = Path(deploy.__file__).parent / "grafana" / "provisioning"
EVERY = [(name, language) for name in DASHBOARDS for language in LANGUAGES]


def query(data: dict[str, Any]) -> ClickHouseQuery:
    """What the SDK, which has no type for it, reads back."""
    return ClickHouseQuery(data["rawSql"], data["queryType"], data["refId"])


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_a_dashboard_comes_back_from_json_as_it_was(name: str, language: Language) -> None:
    plugins.register_default_plugins()
    runtime.register_dataquery_variant(runtime.DataqueryConfig(identifier=PLUGIN, from_json_hook=query))
    model = as_json(name, language)
    again: dict[str, Any] = json.loads(json.dumps(Dashboard.from_json(model), cls=JSONEncoder))
    assert again == model


def test_the_files_are_up_to_date() -> None:
    assert {str(path.relative_to(GENERATED)) for path in GENERATED.rglob("*.*")} == files().keys()
    for path, text in files().items():
        assert (GENERATED / path).read_text(encoding="utf-8") == text, f"{path}: run livepulse dashboards build"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_query_has_a_panel_and_every_text_a_query(name: str) -> None:
    queries = {path.stem for path in (QUERIES / name).glob("*.sql")}
    assert page(name, "en").columns.keys() == queries
    assert texts()[name].panels.keys() <= queries


def test_every_text_belongs_to_a_dashboard() -> None:
    assert texts().keys() == set(DASHBOARDS)


def test_every_column_of_its_own_is_shown_somewhere() -> None:
    shown = {column for name in DASHBOARDS for columns in page(name, "en").columns.values() for column in columns}
    own = {field for about in texts().values() for field in about.fields}
    assert own <= shown
    assert shown <= fields().keys()


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_panels_say_what_they_are_and_do_not_overlap(name: str, language: Language) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in as_json(name, language)["panels"]:
        assert panel["title"] and panel.get("description"), panel["title"]
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


def test_languages_differ_in_words_only() -> None:
    for name in DASHBOARDS:
        english, chinese = as_json(name, "en"), as_json(name, "zh")
        assert [p["gridPos"] for p in english["panels"]] == [p["gridPos"] for p in chinese["panels"]]
        assert [p["targets"] for p in english["panels"]] == [p["targets"] for p in chinese["panels"]]
        assert all(e["title"] != c["title"] for e, c in zip(english["panels"], chinese["panels"], strict=True))


def test_grafanas_provisioning_fits_the_generated_files_and_holds_no_secret() -> None:
    found = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in PROVISIONING.rglob("*.yaml")}
    assert found.keys() == {"clickhouse", "livepulse", "contact"}
    [source] = found["clickhouse"]["datasources"]
    assert (source["uid"], source["type"]) == (DATASOURCE_UID, PLUGIN)
    assert re.fullmatch(r"\$\{\w+\}", source["secureJsonData"]["password"])
    [provider] = found["livepulse"]["providers"]
    assert (provider["folder"], provider["folderUid"]) == (GRAFANA_FOLDER, FOLDER_UID)
    assert [point["name"] for point in found["contact"]["contactPoints"]] == [found["contact"]["policies"][0]["receiver"]]
