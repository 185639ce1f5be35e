"""What others named is shown as they named it, whatever they named it: it is no markup, and it does not steer the terminal."""

from __future__ import annotations

import pytest
from rich.console import Console

import pipelines.cli.progress
from pipelines.cli import dashboards, demo, doctor, privacy, verify
from pipelines.cli.progress import Progress
from pipelines.doctor.finding import Finding, Level
from pipelines.grafana.check import Finding as Panel
from pipelines.privacy.forget import Forgotten
from pipelines.privacy.search import Found
from pipelines.verify.result import Check
from pipelines.watch.board import Money, Room, Totals
from pipelines.watch.demo import Outcome
from pipelines.watch.render import board, line

NAMES = {"[/x]": "[/x]", "a\x1b[2Jb": "a\\x1b[2Jb"}
"""Valid ids -> how they are shown."""

TOTALS = Totals(received=1, per_second=1.0, dead_letters=0, late_share=0.0, applications=())


def room(name: str) -> Room:
    return Room(name, "b", 1, 1, 1, 0.5, 60.0, 0.1, (Money("CNY", 100, 0),), 1, 0, None, "exact", 1.0)


def differing(name: str) -> Check:
    return Check("counters", "room_1m", compared=1, wrong=1, examples=[f"room_id={name}: 1, not 2"])


def outcome(name: str) -> Outcome:
    return Outcome([room(name)], TOTALS, None, {}, None, {}, 0, None, None, None, [differing(name)])


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_verify(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    verify._show([differing(name)])
    assert f"room_1m: room_id={NAMES[name]}: 1, not 2" in capsys.readouterr().out


def test_demo(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    demo._show(outcome(name), Console(highlight=False, width=140))
    said = capsys.readouterr().out
    assert f"room_1m: room_id={NAMES[name]}: 1, not 2" in said
    assert name.isprintable() or name not in said


def test_dashboards(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    dashboards._show([Panel("live_room", "watching", "all", problem=f"no room {name}")])
    assert f"no room {NAMES[name]}" in capsys.readouterr().out


def test_doctor(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    doctor._show([Finding("queues", Level.WARNING, f"cannot read {name}")])
    assert f"cannot read {NAMES[name]}" in capsys.readouterr().out


def test_forget_user(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    privacy._show(Forgotten("1", found=[Found(name, "notes", rows=1, inside=0)]), [], None, dry_run=False)
    assert f"still in {NAMES[name]}.notes: 1 rows" in capsys.readouterr().out


def test_watch(name: str) -> None:
    console = Console(highlight=False, width=140)
    with console.capture() as shown:
        console.print(board([room(name)], TOTALS, None))
        console.print(line([room(name)], TOTALS, None), markup=False)
    assert shown.get().count(NAMES[name]) == 2


def test_progress_is_no_markup_on_a_terminal_either(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(pipelines.cli.progress, "_EVERY_ON_TERMINAL", 0.0)
    with Progress(lambda *_: "waiting for [/x]") as progress:
        progress.tick()
    assert "waiting for [/x]" in capsys.readouterr().err
