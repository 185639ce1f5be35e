"""The command line as its users meet it: help that helps, and mistakes that end in a sentence, not in a stack trace."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Self

import pytest

import pipelines.cli
import pipelines.cli.verify
import pipelines.produce
import pipelines.settings
import pipelines.stack.health
import pipelines.stack.lifecycle
import pipelines.topics
import pipelines.watch.freshness
from pipelines.cli import COMMANDS
from pipelines.errors import UserError
from pipelines.settings import settings
from tests.conftest import free_port

NOWHERE = "127.0.0.1:1"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Livepulse = Callable[..., Ended]


@pytest.fixture
def livepulse(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Livepulse]:
    """`livepulse` in this process, in an empty folder, with nothing but the given settings: `kafka="…"` is LIVEPULSE_KAFKA."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("NO_COLOR", "1")
    for name in pipelines.settings.Settings.model_fields:
        monkeypatch.delenv(f"LIVEPULSE_{name.upper()}", raising=False)
    monkeypatch.setenv("LIVEPULSE_HOME", str(tmp_path / "home"))
    # The usual one may be taken by the board of whoever runs the tests.
    monkeypatch.setenv("LIVEPULSE_BOARD_PORT", str(free_port()))

    def run(*arguments: str, **given: str) -> Ended:
        for name, value in given.items():
            monkeypatch.setenv(f"LIVEPULSE_{name.upper()}", value)
        monkeypatch.setattr(sys, "argv", ["livepulse", *arguments])
        settings.cache_clear()
        code: object = 0
        try:
            pipelines.cli.main()
        except SystemExit as ended:
            code = ended.code or 0
        assert isinstance(code, int)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    yield run
    settings.cache_clear()


def every_command() -> list[tuple[str, ...]]:
    """The words of every command and subcommand."""
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        found.append((name,))
        found += [(name, subcommand) for subcommand in getattr(pipelines.cli._load(name), "commands", ())]
    return found


# Help


def test_help_shows_every_command_by_panel(livepulse: Livepulse) -> None:
    ended = livepulse("--help")
    assert ended.code == 0
    for name, entry in COMMANDS.items():
        assert f" {name} " in ended.out
        assert entry.help in ended.out
        assert f" {entry.panel} " in ended.out


@pytest.mark.parametrize("command", every_command(), ids=" ".join)
def test_help_of_a_command_has_a_description_and_an_example(command: tuple[str, ...], livepulse: Livepulse) -> None:
    ended = livepulse(*command, "--help")
    assert (ended.code, ended.err) == (0, "")
    usage, _, rest = ended.out.partition(f"Usage: livepulse {' '.join(command)}")
    assert not usage.strip()
    description = rest.splitlines()[2].strip()
    assert description.endswith((".", ",", ":")) or len(description) > 60, description
    assert "Example: " in rest or "Examples:" in rest
    assert rest.count(f"livepulse {command[0]}") >= 1, "an example that can be copied"


def test_subcommands_are_there() -> None:
    assert {("jobs", "submit"), ("jobs", "resume"), ("new", "event"), ("new", "metric")} <= set(every_command())


def test_version(livepulse: Livepulse) -> None:
    assert livepulse("--version").out.startswith("livepulse 0.")


# Wrong words


@pytest.mark.parametrize("command", every_command(), ids=" ".join)
def test_a_wrong_option_is_refused(command: tuple[str, ...], livepulse: Livepulse) -> None:
    ended = livepulse(*command, "--no-such-option")
    assert ended.code == 2
    assert "--no-such-option" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("stauts",), "status"),  # did you mean
        (("jobs", "sbumit"), "submit"),
        (("jobs", "submit", "dwel"), "Jobs: conversion, dwell, "),
        (("up", "redis"), "Services: kafka, clickhouse, flink"),
        (("logs", "redis"), "Logs: kafka, clickhouse, zookeeper, jobmanager, taskmanager"),
        (("simulate", "--rate", "fast"), "--rate"),
        (("simulate", "--start", "yesterday", "--fast", "--events", "5"), "2026-01-01T00:00:00Z"),
        (("simulate", "--fast"), "--duration SECONDS or --events N"),
        (("simulate", "--no-send"), "--out FILE"),
        (("simulate", "--no-send", "--events", "5", "--out", "/dev/full"), "Cannot write /dev/full: No space left"),
        (("simulate", "--no-send", "--events", "5", "--out", "nowhere/x.jsonl"), "Cannot write nowhere/x.jsonl: No such file"),
        (("simulate", "--fast", "--duration", "nan"), "--duration"),
        (("simulate", "--fast", "--duration", "inf"), "--duration"),
        (("simulate", "--fast", "--events", "5", "--rate", "inf"), "--rate"),
        (("demo", "--duration", "inf"), "--duration"),
        (("watch", "--minutes", "inf"), "--minutes"),
        (("dashboards", "check", "--hours", "1e8"), "--hours"),
        (("verify", "--every", "inf"), "--every"),
        (("replay", __file__, "--checkpoint", "/"), "is a folder"),
        (("replay", __file__, "--resume", "--checkpoint", "."), "is a folder"),
        (("forget-user", "\udcff"), "not UTF-8"),
        (("replay",), "FILE"),
        (("replay", "nothing.jsonl"), "There is no file nothing.jsonl"),
        (("replay", "nothing.jsonl", "--speed", "quick"), "max"),
        (("replay", "-", "--topic", "comments"), "Topics: comment,"),
        (("new", "event", "Gift"), "gift_sent"),
        (("verify", "--wait", "-1"), "--wait"),
        (("dead-letters", "list", "--topic", "comments"), "Topics: comment,"),
        (("dead-letters", "list", "--reason", "typo"), "Reasons: malformed_json,"),
        (("dead-letters", "list", "--since", "yesterday"), "2h"),
        (("dead-letters", "list", "--since", "999999d"), "2h"),
        (("dead-letters", "list", "--until", "0001-01-01T00:00:00+14:00"), "2h"),
        (("dead-letters", "show", "comment"), "TOPIC/PARTITION/OFFSET"),
        (("dead-letters", "replay", "comment/0/x"), "TOPIC/PARTITION/OFFSET"),
        (("dead-letters", "replay", "--fix", "nothing.yaml"), "nothing.yaml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_words_end_with_what_would_be_right(arguments: tuple[str, ...], said: str, livepulse: Livepulse) -> None:
    ended = livepulse(*arguments)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"time_zone": "Mars"}, "LIVEPULSE_TIME_ZONE: 'Mars' is no time zone"),
        ({"kafka_port": "70000"}, "LIVEPULSE_KAFKA_PORT: "),
        ({"lateness_seconds": "an hour", "parallelism": "0"}, "LIVEPULSE_PARALLELISM: "),
        ({"clickhouse_database": "a b"}, "LIVEPULSE_CLICKHOUSE_DATABASE: "),
        ({"flink": "localhost:abc"}, "LIVEPULSE_FLINK: 'localhost:abc' is no address host:port"),
        ({"flink": "http://localhost:8081"}, "LIVEPULSE_FLINK: 'http://localhost:8081' is no address host:port"),
        ({"kafka": "localhost"}, "LIVEPULSE_KAFKA: 'localhost' is no address host:port"),
        ({"kafka": "a:9092,b"}, "LIVEPULSE_KAFKA: 'b' is no address host:port"),
        ({"clickhouse": "localhost:90000"}, "LIVEPULSE_CLICKHOUSE: 'localhost:90000' is no address host:port"),
        ({"clickhouse": "a:9000,b:9000"}, "LIVEPULSE_CLICKHOUSE: 'a:9000,b:9000' is no single address"),
    ],
)
@pytest.mark.parametrize("command", ["status", "doctor", "migrate", "verify"])
def test_wrong_settings_are_named(command: str, given: dict[str, str], said: str, livepulse: Livepulse) -> None:
    ended = livepulse(command, **given)
    assert ended.code == 2
    assert said in ended.err
    assert ".env" in ended.err
    assert "Traceback" not in ended.err


# Wrong files


class Recipient:
    """Takes what a sender takes, and keeps what Kafka would."""

    sent = failed = pending = delivered = 0
    trouble = None
    errors: ClassVar[dict[str, int]] = {}

    def __init__(self, *_: object, **__: object) -> None: ...
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...
    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


@pytest.mark.parametrize(
    "content",
    [b"no JSON\n", b'{"topic": "nothing", "value": {}}\n', b"\x1f\x8b broken", b"[]\n", b"\xff\n", b'{"topic": "like"}\n'],
    ids=["text", "topic", "gzip", "array", "encoding", "value"],
)
def test_a_wrong_file_is_named(content: bytes, livepulse: Livepulse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines.stack.health, "require", lambda *_: None)
    monkeypatch.setattr(pipelines.produce, "Sender", Recipient)
    monkeypatch.setattr(pipelines.produce, "Retention", Recipient)
    (tmp_path / "wrong.jsonl").write_bytes(content)
    ended = livepulse("replay", "wrong.jsonl")
    assert ended.code == 2
    assert "wrong.jsonl" in ended.err
    assert "Traceback" not in ended.err


def test_a_folder_is_no_file(livepulse: Livepulse, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert "folder is no file" in livepulse("replay", "folder").err


# Services that are away

NEEDS = {
    ("migrate",): "kafka",
    ("verify",): "kafka",
    ("verify", "--every", "60"): "kafka",
    ("jobs", "submit"): "kafka",
    ("jobs", "status"): "flink",
    ("jobs", "stop"): "flink",
    ("jobs", "resume"): "kafka",
    ("simulate", "--events", "5"): "kafka",
    ("replay", "some.jsonl"): "kafka",
    ("dead-letters", "list"): "clickhouse",
    ("dead-letters", "show", "comment/0/42"): "clickhouse",
    ("dead-letters", "replay"): "kafka",
    ("watch", "--once"): "clickhouse",
    ("watch", "--json"): "clickhouse",
    ("board",): "clickhouse",
    ("dashboards", "check"): "clickhouse",
}
"""Command -> the first service that it misses when there is none."""


@pytest.mark.parametrize("command", NEEDS, ids=" ".join)
def test_a_service_that_is_away_is_named(command: tuple[str, ...], livepulse: Livepulse, tmp_path: Path) -> None:
    (tmp_path / "some.jsonl").write_text("")
    ended = livepulse(*command, kafka=NOWHERE, clickhouse=NOWHERE, flink=NOWHERE)
    assert ended.code == (3 if command[0] == "verify" else 1), "verify's 1 is a difference"
    assert f"{NEEDS[command]} does not answer at {NOWHERE}" in ended.err
    assert f"LIVEPULSE_{NEEDS[command].upper()}" in ended.err
    assert "livepulse up" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("command", "service"),
    [
        (("migrate",), "clickhouse"),
        (("jobs", "status"), "flink"),
        (("jobs", "stop"), "flink"),
        (("watch", "--once"), "clickhouse"),
        (("watch", "--json"), "clickhouse"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_a_service_that_goes_away_later_is_named(
    command: tuple[str, ...], service: str, livepulse: Livepulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if it had answered the first question and then gone. (Kafka's clients would try again for half a minute.)"""
    monkeypatch.setattr(pipelines.stack.health, "require", lambda *_: None)
    monkeypatch.setattr(pipelines.topics, "create_missing", lambda *_: [])
    ended = livepulse(*command, kafka=NOWHERE, clickhouse=NOWHERE, flink=NOWHERE)
    assert ended.code == (3 if command[0] == "verify" else 1), "verify's 1 is a difference"
    assert service in ended.err and NOWHERE in ended.err
    assert "livepulse status" in ended.err or "livepulse up" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("command", [("forget-user", "-"), ("forget-user",), ("down", "--wipe")], ids=" ".join)
def test_a_closed_standard_input_is_an_empty_one(command: tuple[str, ...], tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("livepulse"))
    closed = ["sh", "-c", 'exec "$0" "$@" <&-', program, *command]
    ended = subprocess.run(closed, capture_output=True, text=True, check=False, env=os.environ | {"LIVEPULSE_HOME": str(tmp_path)})
    assert ended.returncode in (1, 2)
    assert "Traceback" not in ended.stderr


class SomePage(BaseHTTPRequestHandler):
    """What a web server that is no Flink answers to whatever it is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>It works!</html>")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests' output is not its log."""


@pytest.mark.parametrize("command", [("jobs", "status"), ("jobs", "stop")], ids=" ".join)
def test_a_page_at_flinks_address_is_no_answer(command: tuple[str, ...], livepulse: Livepulse) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), SomePage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ended = livepulse(*command, flink=f"127.0.0.1:{server.server_port}")
        server.shutdown()
    assert ended.code == 1
    assert f"127.0.0.1:{server.server_port}: something else answers there: '<html>It works!" in ended.err
    assert "LIVEPULSE_FLINK" in ended.err
    assert "Traceback" not in ended.err


def test_the_doctor_names_services_that_are_away_and_looks_at_the_rest(livepulse: Livepulse) -> None:
    ended = livepulse("doctor", "--json", kafka=NOWHERE, clickhouse=NOWHERE, flink=NOWHERE)
    assert ended.code == 1
    found = json.loads(ended.out)["findings"]
    problems = {one["check"]: one["help"] for one in found if one["level"] == "problem"}
    assert problems.keys() >= {"kafka", "clickhouse", "flink"}
    assert "LIVEPULSE_KAFKA sets this address" in problems["kafka"]
    assert {one["seen"] for one in found if one["level"] == "unknown"} == {"needs kafka", "needs clickhouse", "needs flink"}
    assert "disk of LIVEPULSE_HOME" in {one["check"] for one in found}
    assert "Traceback" not in ended.err


def test_the_catalogue_needs_no_flink(livepulse: Livepulse) -> None:
    ended = livepulse("jobs", "list", "--json", flink=NOWHERE)
    assert ended.code == 0
    assert {row["job"] for row in json.loads(ended.out)} >= {"conversion", "dwell", "interaction", "repurchase"}
    assert all(row["application"] is None for row in json.loads(ended.out))
    assert ended.err.startswith("Which jobs run is not known: flink does not answer at ")


# Errors of the services' clients


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def errors() -> Iterator[tuple[Exception, str]]:
    from clickhouse_driver.errors import NetworkError, ServerException
    from confluent_kafka import KafkaError as ConfluentError
    from confluent_kafka import KafkaException
    from kafka.errors import KafkaTimeoutError
    from py4j.protocol import Py4JError

    trace = (
        "DB::Exception: Table livepulse.x does\nnot exist. (UNKNOWN_TABLE). Stack trace:\n\n0. DB::Exception @ 0x1\n1. main @ 0x2"
    )
    yield ServerException(trace, 60), "clickhouse at 127.0.0.1:19000: Table livepulse.x does not exist. (UNKNOWN_TABLE)."
    yield NetworkError("Connection refused (127.0.0.1:19000)"), "clickhouse at 127.0.0.1:19000: Connection refused"
    yield EOFError("Unexpected EOF while reading bytes"), "clickhouse at 127.0.0.1:19000: Unexpected EOF"
    yield ServerException("x" * 5_000, 1), "x" * 600 + " …"
    yield KafkaTimeoutError("no metadata"), "kafka at 127.0.0.1:19092: KafkaTimeoutError: no metadata"
    yield KafkaException(ConfluentError(ConfluentError._ALL_BROKERS_DOWN)), "kafka at 127.0.0.1:19092: "
    java = (
        "An error occurred while calling o1.executeSql.\n: java.util.concurrent.ExecutionException: x\n\tat a.b(c.java:1)\n"
        "Caused by: java.net.ConnectException: Connection refused\n\t... 3 more"
    )
    yield Py4JError(java), "flink at 127.0.0.1:18081: java.net.ConnectException: Connection refused"


@pytest.mark.parametrize(("error", "said"), list(errors()), ids=lambda value: type(value).__name__)
def test_an_error_of_a_service_is_one_line(
    error: Exception, said: str, livepulse: Livepulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines.stack.lifecycle, "status", raising(error))
    ended = livepulse("status")
    assert ended.code == 1
    first, second = ended.err.splitlines()
    assert said in first
    assert "livepulse status" in second
    assert "Stack trace" not in ended.err and "\tat " not in ended.err


def test_verify_goes_on_when_a_service_was_away(livepulse: Livepulse, monkeypatch: pytest.MonkeyPatch) -> None:
    class Probe:
        def __init__(self, *_: object, **__: object) -> None: ...
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...
        def require_alive(self) -> None: ...

    turns = iter([UserError("kafka is away."), EOFError("clickhouse went away"), ZeroDivisionError()])

    def once(*_: object) -> bool:
        raise next(turns)

    importlib.import_module("clickhouse_driver")
    monkeypatch.setattr(pipelines.stack.health, "require", lambda *_: None)
    monkeypatch.setattr(pipelines.watch.freshness, "FreshnessProbe", Probe)
    monkeypatch.setattr(pipelines.cli.verify, "_once", once)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(ZeroDivisionError):  # that is an error of our own
        livepulse("verify", "--every", "1")
    assert next(turns, None) is None


def test_a_missing_extra_is_named(livepulse: Livepulse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "pipelines.board.server", raising=False)
    ended = livepulse("board")
    assert ended.code == 1
    assert "livepulse[dashboards]" in ended.err and "Traceback" not in ended.err


def test_an_error_of_our_own_keeps_its_stack_trace(livepulse: Livepulse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines.stack.lifecycle, "status", raising(ZeroDivisionError("ours")))
    with pytest.raises(ZeroDivisionError):
        livepulse("status")


# The program itself


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 0), ([], 2), (["status", "--jason"], 2), (["replay", "nothing.jsonl"], 2), (["jobs", "status"], 1)],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_program(arguments: list[str], code: int, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("livepulse")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LIVEPULSE_FLINK": NOWHERE}
    done = subprocess.run(
        [program, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert (done.stderr if code else done.stdout).strip() or not arguments
