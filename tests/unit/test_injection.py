"""What people type is a name, never SQL or a path: the command line refuses what is none, in a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import pipelines.cli
from pipelines.settings import Settings, settings

HOSTILE = ("'); DROP TABLE comment_event; --", "\\'; SELECT 1; --", "${room} {{room}}", "../../etc/passwd", "a\nb")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LIVEPULSE_{name.upper()}", raising=False)
    monkeypatch.setenv("LIVEPULSE_HOME", str(tmp_path / "home"))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The exit code of a command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["livepulse", *arguments])
    settings.cache_clear()
    try:
        pipelines.cli.main()
    except SystemExit as ended:
        return ended.code
    finally:
        settings.cache_clear()
    return 0


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(
    "command", [("jobs", "submit"), ("down",), ("up",), ("logs",), ("dashboards", "check"), ("new", "event"), ("new", "metric")]
)
def test_a_name_that_is_none(monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], hostile: str, tmp_path: Path) -> None:
    assert run(monkeypatch, *command, hostile) == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", ["clickhouse_database", "time_zone", "kafka_user"])
def test_a_setting_that_is_none(monkeypatch: pytest.MonkeyPatch, name: str, hostile: str) -> None:
    monkeypatch.setenv(f"LIVEPULSE_{name.upper()}", hostile)
    assert run(monkeypatch, "migrate") == 2
