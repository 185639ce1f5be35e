"""`livepulse dashboards push` against a server that answers as Grafana does: create, update, no change, a refused token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dashboards import DASHBOARDS
from dashboards.alerts import DATASOURCE_UID, alerts
from pipelines.errors import UserError
from pipelines.grafana.push import FOLDER_UID, push
from pipelines.settings import Settings

TOKEN = "glsa_test"


class Grafana(ThreadingHTTPServer):
    """Keeps what it is sent, counts what it is asked to change."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folders: dict[str, Any] = {}
        self.dashboards: dict[str, Any] = {}
        self.rules: dict[str, Any] = {}
        self.datasources = {DATASOURCE_UID}
        self.writes: list[str] = []
        self.conflict = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Grafana

    def do_GET(self) -> None:
        self.answer(None)

    def do_POST(self) -> None:
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    do_PUT = do_POST

    def answer(self, body: Any) -> None:
        grafana = self.server
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.say(401, {"message": "Invalid API key"})
        if body is not None:
            grafana.writes.append(f"{self.command} {self.path}")
        *_, last = self.path.split("/")
        if self.path.startswith("/api/folders"):
            if body is not None:
                grafana.folders[body["uid"]] = body
                return self.say(200, body)
            return self.say_found(grafana.folders.get(last))
        if self.path.startswith("/api/dashboards/uid"):
            return self.say_found(grafana.dashboards.get(last))
        if self.path.startswith("/api/dashboards/db"):
            if grafana.conflict:
                return self.say(412, {"message": "The dashboard has been changed by someone else"})
            kept = body["dashboard"] | {"id": 7, "version": body["dashboard"].get("version", 0) + 1}
            grafana.dashboards[kept["uid"]] = {"dashboard": kept, "meta": {"folderUid": body["folderUid"]}}
            return self.say(200, {"status": "success", "uid": kept["uid"]})
        if self.path.startswith("/api/datasources/uid"):
            return self.say_found({"uid": last} if last in grafana.datasources else None)
        if body is not None:
            grafana.rules[body["uid"]] = body | {"id": 3, "updated": "now"}
            return self.say(201, body)
        return self.say_found(grafana.rules.get(last))

    def say_found(self, found: Any) -> None:
        self.say(200 if found else 404, found or {"message": "not found"})

    def say(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with Grafana() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def settings(grafana: Grafana, token: str = TOKEN) -> Settings:
    return Settings.model_validate({"grafana_url": grafana.url, "grafana_token": token})


def changes(grafana: Grafana, dry_run: bool = False) -> list[str]:
    return [change.change for change in push(settings(grafana), "en", dry_run)]


COUNT = 1 + len(DASHBOARDS) + len(alerts())


def test_everything_is_created_once_and_then_nothing_changes(grafana: Grafana) -> None:
    assert changes(grafana) == ["create"] * COUNT
    assert grafana.dashboards.keys() == {f"livepulse-{name.replace('_', '-')}" for name in DASHBOARDS}
    assert {rule["folderUID"] for rule in grafana.rules.values()} == {FOLDER_UID}
    grafana.writes.clear()
    assert changes(grafana) == ["same"] * COUNT
    assert grafana.writes == []


def test_what_was_changed_by_hand_is_put_back_where_it_is(grafana: Grafana) -> None:
    changes(grafana)
    moved = grafana.dashboards["livepulse-community"]
    moved["dashboard"]["title"] = "Changed by hand"
    moved["meta"]["folderUid"] = "elsewhere"
    grafana.rules["livepulse-stale-data"]["for"] = "9m"
    grafana.writes.clear()
    assert sorted(changes(grafana)) == ["same"] * (COUNT - 2) + ["update"] * 2
    assert len(grafana.writes) == 2
    put_back = grafana.dashboards["livepulse-community"]
    assert put_back["dashboard"]["title"] == "Community"
    assert (put_back["meta"]["folderUid"], put_back["dashboard"]["version"]) == ("elsewhere", 2)
    assert grafana.rules["livepulse-stale-data"]["for"] == "1m"


def test_a_dry_run_writes_nothing(grafana: Grafana) -> None:
    assert changes(grafana, dry_run=True) == ["create"] * COUNT
    assert grafana.writes == []


def test_a_refused_token_is_said_with_what_to_do(grafana: Grafana) -> None:
    with pytest.raises(UserError, match="refuses: 401") as refused:
        list(push(settings(grafana, token="wrong"), "en", dry_run=False))
    assert "LIVEPULSE_GRAFANA_TOKEN" in (refused.value.hint or "")
    assert grafana.writes == []


def test_what_someone_saves_meanwhile_is_not_overwritten(grafana: Grafana) -> None:
    grafana.conflict = True
    with pytest.raises(UserError, match="refuses: 412") as refused:
        changes(grafana)
    assert "run it again" in (refused.value.hint or "")


def test_alerts_need_their_data_source(grafana: Grafana) -> None:
    grafana.datasources.clear()
    with pytest.raises(UserError, match="no data source livepulse-clickhouse"):
        changes(grafana)


def test_no_grafana_there(grafana: Grafana) -> None:
    away = Settings.model_validate({"grafana_url": "http://127.0.0.1:9", "grafana_token": "x"})
    with pytest.raises(UserError, match=r"does not answer at http://127\.0\.0\.1:9"):
        list(push(away, "en", dry_run=False))
    with pytest.raises(UserError, match="Which Grafana"):
        list(push(Settings.model_validate({"grafana_url": None}), "en", dry_run=False))
