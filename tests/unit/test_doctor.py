"""What the doctor's checks make of what they see: each threshold from both sides, without a service."""

from __future__ import annotations

import http.client
import json
import threading
import xmlrpc.client
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from socketserver import StreamRequestHandler, TCPServer
from typing import ClassVar

import pytest

from dashboards.alerts import alerts
from jobs.catalogue import jobs
from pipelines.clickhouse import in_one_line
from pipelines.doctor import applications, database, letters, parts, readers, run, services, tables, verified
from pipelines.doctor.applications import Running
from pipelines.doctor.disks import judge_disk
from pipelines.doctor.finding import Finding, Level, span, worst_first
from pipelines.doctor.letters import Received
from pipelines.doctor.processes import judge_process, unexpected_exits
from pipelines.doctor.readers import Look, Reading, readings
from pipelines.doctor.tables import Queue
from pipelines.errors import UserError
from pipelines.flink.rest import Application, Checkpoints, Failure
from pipelines.settings import Settings
from pipelines.stack.health import Health, flink_health
from pipelines.stack.supervision import ProcessState
from pipelines.topics import TopicSpec

OK, WARNING, PROBLEM, UNKNOWN = Level.OK, Level.WARNING, Level.PROBLEM, Level.UNKNOWN


def test_the_worst_comes_first_and_equals_stay_in_order() -> None:
    found = [
        Finding(name, level, "") for name, level in (("a", OK), ("b", UNKNOWN), ("c", PROBLEM), ("d", WARNING), ("e", PROBLEM))
    ]
    assert [finding.check for finding in worst_first(found)] == ["c", "e", "d", "b", "a"]


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.44, "0.4 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (172_800, "2 days")]
)
def test_spans(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_limits_are_those_of_the_alerts() -> None:
    limits = {alert.name: alert.limit for alert in alerts()}
    assert limits["consumer_lag"] == readers.LAG
    assert limits["dead_letter_ratio"] == letters.LETTERS


def failing(error: Exception) -> Callable[[Settings], list[Finding]]:
    def look(_: Settings) -> list[Finding]:
        raise error

    return look


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (xmlrpc.client.Fault(6, "SHUTDOWN_STATE"), "Fault: <Fault 6: 'SHUTDOWN_STATE'>"),
        (http.client.BadStatusLine("SSH-2.0"), "BadStatusLine: SSH-2.0"),
        (json.JSONDecodeError("Expecting value", "", 0), "JSONDecodeError: Expecting value"),
        (KeyError("flink-version"), "KeyError: 'flink-version'"),
        (UserError("Flink refuses this"), "looked at: Flink refuses this"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_check_that_fails_says_so_and_the_others_are_made(error: Exception, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    well = Finding("b", OK, "well")
    monkeypatch.setattr(run, "CHECKS", {})
    monkeypatch.setattr(run, "GROUPS", (run.Group("a", failing(error)), run.Group("b", lambda _: [well])))
    found = run.examine(Settings(_env_file=None))
    assert found[1:] == [well]
    assert (found[0].check, found[0].level) == ("a", UNKNOWN)
    assert said in found[0].seen


# Services and processes


class Wrong(StreamRequestHandler):
    """Another service on the port."""

    says: ClassVar[bytes]

    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(self.says)


def page(body: bytes) -> bytes:
    return b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body


@pytest.mark.parametrize(
    "says",
    [b"", b"\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", page(b"<html>"), page(b"[]"), page(b"{}"), page(b'{"slots-total": null}')],
    ids=["silence", "empty lines", "ssh", "html", "array", "object", "null"],
)
def test_another_service_at_flinks_address_is_no_flink(says: bytes) -> None:
    with TCPServer(("127.0.0.1", 0), type("Says", (Wrong,), {"says": says})) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        found = flink_health(Settings(_env_file=None, flink=f"127.0.0.1:{server.server_address[1]}"))
        server.shutdown()
    assert not found.ok
    assert found.detail


def test_services() -> None:
    own, theirs = Settings(_env_file=None), Settings(_env_file=None, kafka="broker:9092")
    away = Health("kafka", "127.0.0.1:1", False, "nobody listens there", 0.0)
    assert services.judge(own, away).help.startswith("Start it: livepulse up kafka")
    assert "LIVEPULSE_KAFKA" in services.judge(theirs, away).help
    alone = Health("flink", "127.0.0.1:2", False, "no TaskManager has registered", 0.0, task_slots=0)
    assert services.judge(own, alone).help == "livepulse logs taskmanager"
    well = replace(away, service="clickhouse", ok=True, detail="ClickHouse 26.7")
    assert [services.judge(own, health).level for health in (away, alone, well)] == [PROBLEM, PROBLEM, OK]
    assert services.reachable([away, alone, well]) == {"flink", "clickhouse"}


NOW = datetime(2026, 3, 1, 12, 0, 0)
LOG = """\
2026-03-01 11:49:59,100 INFO exited: kafka (exit status 1; not expected)
2026-03-01 11:50:01,100 WARN exited: kafka (exit status 1; not expected)
2026-03-01 11:50:02,100 INFO spawned: 'kafka' with pid 5
2026-03-01 11:55:00,100 WARN exited: clickhouse (terminated by SIGKILL; not expected)
2026-03-01 11:56:00,100 INFO exited: kafka (exit status 1; not expected)
2026-03-01 11:57:00,100 WARN stopped: taskmanager (exit status 143)
something else, exited: kafka (
"""


def test_only_ends_that_nobody_asked_for_count_and_only_recent_ones() -> None:
    assert unexpected_exits(LOG.splitlines(), NOW) == {"kafka": 2, "clickhouse": 1}


@pytest.mark.parametrize(
    ("state", "exits", "level"),
    [
        ("RUNNING", 0, OK),
        ("RUNNING", 1, WARNING),
        ("RUNNING", 2, WARNING),
        ("RUNNING", 3, PROBLEM),
        ("BACKOFF", 1, PROBLEM),
        ("FATAL", 0, PROBLEM),
        ("STOPPED", 0, WARNING),
    ],
)
def test_processes(state: str, exits: int, level: Level) -> None:
    found = judge_process(ProcessState("kafka", state, 5, 0, ""), exits)
    assert (found.level, bool(found.help)) == (level, level != OK)


def test_parts() -> None:
    assert parts.judge(["Kafka", "Flink"], []).level == OK
    found = parts.judge(["Kafka", "Flink"], ["Flink"])
    assert (found.level, "Flink" in found.seen, "livepulse install" in found.help) == (PROBLEM, True, True)


# Applications

EVERYTHING = {output for job in jobs().values() for output in job.outputs}


def running(
    state: str = "RUNNING",
    seconds: float = 3_600,
    sinks: set[str] = EVERYTHING,
    age: float | None = 20,
    failed_age: float | None = None,
    failures: tuple[float, ...] = (),
) -> Running:
    """An application; `failures` are their ages in seconds."""
    application = Application("id", "livepulse", state, datetime.now(UTC) - timedelta(seconds=seconds), seconds)
    found = Checkpoints(9, 1, 0, None, age, 1.0, 1, 1, failed_age, "the disk is full" if failed_age is not None else None)
    return Running(application, sinks, found, 30, [Failure(at, "java.io.IOException: no space") for at in failures], "today")


def test_jobs_that_do_not_run_are_named_with_the_command_that_starts_them() -> None:
    assert [found.level for found in applications.judge_jobs([running()])] == [OK]
    dwell = jobs()["dwell"].outputs.keys()
    [found] = applications.judge_jobs([running(sinks=EVERYTHING - dwell)])
    assert (found.level, found.help) == (PROBLEM, "livepulse jobs submit dwell")
    [nothing] = applications.judge_jobs([], (running("FAILED").application, [Failure(5, "java.lang.Exception: why")]))
    assert nothing.level == PROBLEM
    assert "java.lang.Exception: why" in nothing.seen


def test_an_application_of_another_version_lacks_an_output() -> None:
    lacking = sorted(jobs()["interaction"].outputs)[0]
    [found] = applications.judge_jobs([running(sinks=EVERYTHING - {lacking})])
    assert found.level == PROBLEM
    assert lacking in found.seen


@pytest.mark.parametrize(
    ("one", "level"),
    [
        (running(), OK),
        (running(failures=(700, 800, 900)), OK),
        (running(failures=(599,)), WARNING),
        (running(failures=(1, 2)), WARNING),
        (running(failures=(1, 2, 3)), PROBLEM),
        (running("RESTARTING", failures=(1,)), PROBLEM),
        (running("RESTARTING", seconds=30), OK),
    ],
)
def test_restarts(one: Running, level: Level) -> None:
    found = applications.judge_restarts(one)
    assert found.level == level
    assert ("no space" in found.seen) == any(failure.age_seconds <= 600 for failure in one.failures)


@pytest.mark.parametrize(
    ("one", "level"),
    [
        (running(age=89), OK),
        (running(age=91), WARNING),
        (running(age=299), WARNING),
        (running(age=301), PROBLEM),
        (running(age=20, failed_age=100), OK),
        (running(age=50, failed_age=10), WARNING),
        (running(age=301, failed_age=10), PROBLEM),
        (running(age=None, seconds=149), OK),
        (running(age=None, seconds=151), WARNING),
        (running(age=None, seconds=361), PROBLEM),
    ],
)
def test_checkpoints(one: Running, level: Level) -> None:
    found = applications.judge_checkpoints(one)
    assert found.level == level
    assert ("the disk is full" in found.seen) == (one.checkpoints.failed_age_seconds in (10,))


def test_an_application_of_other_sql() -> None:
    assert applications.judge_build(running(), "today").level == OK
    found = applications.judge_build(running(), "tomorrow")
    assert (found.level, "livepulse jobs resume livepulse" in found.help) == (WARNING, True)
    assert applications.judge_build(replace(running(), made_from=None), "today").level == WARNING


def test_applications_of_others_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = running().application, replace(running().application, id="other", name="billing")
    failed = replace(theirs, id="failed", state="FAILED")

    class Flink:
        """Flink's REST interface; asked more of somebody else's application, it fails."""

        def overview(self, _: Settings) -> list[Application]:
            return [failed, theirs, ours]

        def version(self, _: Settings) -> str:
            return "2.3.0"

        def sinks(self, _: Settings, application: Application) -> set[str]:
            return EVERYTHING if application == ours else {"invoices"}

        def parameters(self, _: Settings, application: Application) -> dict[str, str]:
            assert application == ours
            return {}  # submitted by hand: a warning all the same

        def checkpoints(self, _: Settings, application: Application) -> Checkpoints:
            assert application == ours
            return running().checkpoints

        def checkpoint_interval(self, _: Settings, application: Application) -> float:
            assert application == ours
            return 30

        def failures(self, _: Settings, application: Application) -> list[Failure]:
            assert application == ours
            return []

    monkeypatch.setattr(applications, "rest", Flink())
    monkeypatch.setattr(applications, "made_from", lambda *_: "today")
    found = {one.check: one.level for one in applications.look(Settings(_env_file=None))}
    assert found["build of livepulse"] == WARNING
    assert not [check for check in found if "billing" in check]


def test_flink_versions() -> None:
    assert applications.judge_version("2.3.0", "2.3.0").level == OK
    assert applications.judge_version("2.2.1", "2.3.0").level == PROBLEM
    assert applications.judge_version("2.3.0", None).level == UNKNOWN


# Readers


def test_topics() -> None:
    specs = [TopicSpec("comment", 4, 1), TopicSpec("like", 4, 1)]
    assert readers.judge_topics(specs, {"comment": 4, "like": 6}).level == OK
    few = readers.judge_topics(specs, {"comment": 4, "like": 3})
    assert (few.level, "like (3 of 4)" in few.seen) == (WARNING, True)
    missing = readers.judge_topics(specs, {"comment": 4})
    assert (missing.level, missing.help) == (PROBLEM, "livepulse migrate")


A, B = ("comment", 0), ("comment", 1)


def look(ends: tuple[int, int], committed: dict[tuple[str, int], int]) -> Look:
    return Look({A: 10, B: 0}, {A: ends[0], B: ends[1]}, {"group": committed})


@pytest.mark.parametrize(
    ("before", "after", "reading"),
    [
        (look((20, 0), {A: 20}), look((30, 0), {A: 20}), Reading("comment", 0, 10, 0)),  # what came meanwhile is nobody's fault
        (look((20, 0), {A: 15}), look((20, 0), {A: 15}), Reading("comment", 5, 5, 1)),
        (look((20, 0), {A: 15}), look((30, 0), {A: 18}), Reading("comment", 5, 12, 0)),
        (look((20, 5), {A: 15, B: 1}), look((20, 5), {A: 20, B: 1}), Reading("comment", 9, 4, 1)),  # one partition is enough
        (look((20, 0), {A: 3}), look((20, 0), {A: 20}), Reading("comment", 10, 0, 0)),  # what Kafka has deleted is no lag
        (look((20, 0), {A: 3}), Look({A: 20, B: 0}, {A: 20, B: 0}, {"group": {A: 3}}), Reading("comment", 10, 0, 0)),  # nor later
    ],
)
def test_a_reader_is_stuck_in_a_partition_with_records_where_it_does_not_move(before: Look, after: Look, reading: Reading) -> None:
    assert readings("group", before, after, reads_all=False) == [reading]


def test_who_should_read_everything_lags_where_it_never_committed() -> None:
    nothing = look((20, 5), {})
    assert readings("group", nothing, nothing, reads_all=False) == []
    assert readings("group", nothing, nothing, reads_all=True) == [Reading("comment", 15, 15, 2)]


@pytest.mark.parametrize(
    ("unread", "reading", "level"),
    [
        ([], Reading("like", 0, 0, 0), OK),
        ([], Reading("like", 99_000, 100_000, 0), OK),
        ([], Reading("like", 99_000, 100_001, 0), WARNING),
        ([], Reading("like", 200_000, 100_001, 0), OK),  # it catches up
        ([], Reading("like", 5, 5, 1), PROBLEM),
        (["like"], Reading("like", 0, 0, 0), PROBLEM),
        (None, Reading("like", 5, 5, 1), WARNING),
        (None, Reading("like", 5, 5, 0), OK),
    ],
)
def test_groups(unread: list[str] | None, reading: Reading, level: Level) -> None:
    found = readers.judge_group("group", unread, [reading], 6.0)
    assert (found.level, bool(found.help)) == (level, level != OK)


def test_time_to_catch_up() -> None:
    found = readers.judge_group("group", [], [Reading("like", 400_000, 200_000, 0)], 2.0)
    assert found.seen == "200,000 records behind, catching up: about 2 s to go"


@pytest.mark.parametrize(
    ("pending", "level"),
    [
        ({}, UNKNOWN),
        ({"view": (0, 100_000)}, OK),
        ({"view": (0, 100_001)}, WARNING),
        ({"view": (100_002, 100_001)}, OK),
        ({"view": (100_002, 100_001), "like": (0, 200_000)}, WARNING),
    ],
)
def test_lag_of_flink(pending: dict[str, tuple[int, int]], level: Level) -> None:
    assert readers.judge_flink(pending).level == level


# ClickHouse

QUEUE = Queue("a_queue", 1, 4, None, "")


@pytest.mark.parametrize(
    ("queue", "level"),
    [
        (QUEUE, OK),
        (replace(QUEUE, polled_seconds_ago=60), OK),
        (replace(QUEUE, polled_seconds_ago=61), PROBLEM),
        (replace(QUEUE, table="b_queue"), PROBLEM),
        (replace(QUEUE, error_seconds_ago=121, error="Local: Broker transport failure"), OK),
        (replace(QUEUE, error_seconds_ago=120, error="Local: Broker transport failure"), WARNING),
        (replace(QUEUE, partitions=0), WARNING),
    ],
    ids=str,
)
def test_queues(queue: Queue, level: Level) -> None:
    assert tables.judge_queues(["a_queue"], [queue]).level == level


def test_errors_of_the_server() -> None:
    assert [found.level for found in tables.judge_errors([])] == [OK]
    full = ("NOT_ENOUGH_SPACE", 3, 10, "Cannot reserve 1.00 MiB. Stack trace: 0. DB::Exception")
    heavy = ("MEMORY_LIMIT_EXCEEDED", 1, 10, "too much")
    found = tables.judge_errors([full, heavy])
    assert [one.level for one in found] == [PROBLEM, WARNING]
    assert found[0].seen.endswith("Cannot reserve 1.00 MiB.")
    assert "df -h" in found[0].help


@pytest.mark.parametrize(("reason", "age", "level"), [("", 600, OK), ("", 601, WARNING), ("Code: 53. Type mismatch", 1, PROBLEM)])
def test_mutations(reason: str, age: int, level: Level) -> None:
    assert tables.judge_mutations([]).level == OK
    assert tables.judge_mutations([("comment_event", "DELETE WHERE user_id = 'x'", reason, age)]).level == level


@pytest.mark.parametrize(("count", "level"), [(499, OK), (500, WARNING), (999, WARNING), (1_000, PROBLEM)])
def test_too_many_parts(count: int, level: Level) -> None:
    assert tables.judge_parts("view_event", count, 1_000).level == level


GB = 1_000_000_000


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [
        (10 * GB, 100 * GB, OK),
        (9.99 * GB, 100 * GB, WARNING),
        (5 * GB, 100 * GB, WARNING),
        (4.99 * GB, 100 * GB, PROBLEM),
        (1 << 30, 4 * GB, OK),
        ((1 << 30) - 1, 4 * GB, PROBLEM),
        (0, 0, PROBLEM),
    ],
)
def test_disks(free: float, total: float, level: Level) -> None:
    assert judge_disk("disk", "/", int(free), int(total), "df -h").level == level


def test_what_a_queue_failed_with_is_said_without_its_stack_trace() -> None:
    said = "Local: Timed out 0. ? @ 0x000000000f03c72c 1. ? @ 0x000000001270e768 2. main @ 0x12"
    assert in_one_line(said) == "Local: Timed out"
    assert in_one_line("Code: 60. DB::Exception: No table 0. Stack trace: 0. ? @ 0x01") == "Code: 60. No table 0."


def test_migrations() -> None:
    wanted = {1: "a", 2: "b"}
    assert database.judge_migrations(wanted, {1: "a", 2: "b"}).level == OK
    for applied, said in ((None, "0001, 0002"), ({1: "a"}, "0002"), ({1: "a", 2: "b", 3: "c"}, "0003"), ({1: "a", 2: "x"}, "0002")):
        found = database.judge_migrations(wanted, applied)
        assert (found.level, said in found.seen) == (PROBLEM, True)


def test_columns() -> None:
    wanted = {"comment_event": {"text"}, "comment_queue": set[str]()}
    assert database.judge_columns(wanted, {"comment_event": {"text", "more"}, "comment_queue": {"raw"}}).level == OK
    assert "comment_queue" in database.judge_columns(wanted, {"comment_event": {"text"}}).seen
    assert "comment_event.text" in database.judge_columns(wanted, {"comment_event": {"a"}, "comment_queue": {"raw"}}).seen


def test_settings_of_queues() -> None:
    statement = (
        "CREATE TABLE q (raw String)\nENGINE = Kafka\nSETTINGS\n  kafka_broker_list = 'b:1',\n  kafka_flush_interval_ms = 500"
    )
    engine = "Kafka SETTINGS kafka_broker_list = 'b:1', kafka_flush_interval_ms = 500"
    assert database.judge_queues({"q": statement}, {"q": engine}).level == OK
    found = database.judge_queues({"q": statement.replace("b:1", "other:1")}, {"q": engine})
    assert (found.level, found.seen) == (WARNING, "1 settings of queues are not today's: q kafka_broker_list")
    for other in (engine.replace("500", "5000"), engine.replace("500", "50"), engine.partition(", ")[0]):
        assert "q kafka_flush_interval_ms" in database.judge_queues({"q": statement}, {"q": other}).seen
    quoted = database.judge_queues({"q": statement.replace("b:1", "b''s, c:1")}, {"q": engine.replace("b:1", r"b\'s, c:1")})
    assert quoted.level == OK


def test_views() -> None:
    assert database.judge_views({"a": "SELECT 1", "b": "SELECT 2"}, {"a": "SELECT 1"}).level == OK
    found = database.judge_views({"a": "SELECT 1", "b": "SELECT 2"}, {"a": "SELECT 1", "b": "SELECT 3"})
    assert (found.level, found.seen.endswith(": b"), found.help) == (PROBLEM, True, "livepulse migrate")


def test_clickhouse_versions() -> None:
    tried = database.tried_version()
    assert database.judge_version(f"{tried}.1.2", tried).level == OK
    assert database.judge_version("24.3.1.2", tried).level == WARNING


# Producers

FUTURE = ("future_event_time", "event_time")


@pytest.mark.parametrize(
    ("events", "dead", "level"),
    [
        (380, 20, WARNING),
        (381, 20, OK),
        (0, 19, OK),
        (0, 20, WARNING),
        (100, 99, WARNING),
        (101, 100, WARNING),
        (100, 100, PROBLEM),
    ],
)
def test_dead_letters(events: int, dead: int, level: Level) -> None:
    [found] = letters.judge_letters([Received("like", events, letters={("wrong_type", "count"): dead})])
    assert found.level == level
    if level != OK:
        assert found.check == "dead letters of like"
        assert f"wrong_type count {dead}" in found.seen


def test_metric_topics() -> None:
    assert letters.judge_metric_topics({}).level == OK
    assert letters.judge_metric_topics({"metric_room_10s": 1}).level == PROBLEM


@pytest.mark.parametrize(
    ("received", "said"),
    [
        (Received("like", 380, letters={FUTURE: 19}), None),
        (Received("like", 380, letters={FUTURE: 20}), "20 of 400 records in 10 min are over 5 min ahead"),
        (Received("like", 380, letters={("wrong_type", ""): 20}), None),
        (Received("like", 400, late=20), "20 of 400 records in 10 min are over 60 min behind"),
        (Received("like", 400, ahead=20, most_ahead_seconds=180), "in the future, by 3 min at most"),
    ],
    ids=str,
)
def test_clocks_of_producers(received: Received, said: str | None) -> None:
    [found] = letters.judge_producers([received], 300, 3_600)
    assert found.level == (WARNING if said else OK)
    assert said is None or (said in found.seen and found.check == "clocks of producers of like")


@pytest.mark.parametrize(("seconds", "level"), [(1.0, OK), (-1.1, WARNING), (60.0, WARNING), (-60.1, PROBLEM)])
def test_clock_skew(seconds: float, level: Level) -> None:
    found = letters.judge_skew(seconds)
    assert found.level == level
    assert level == OK or ("behind" in found.seen) == (seconds < 0)


@pytest.mark.parametrize(
    ("differences", "age", "level"),
    [
        ({}, None, UNKNOWN),
        ({"comment": 0}, 86_400, OK),
        ({"comment": 0}, 86_401, WARNING),
        ({"comment": 0, "room_1m": 2}, 1, PROBLEM),
    ],
)
def test_verify(differences: dict[str, int], age: float | None, level: Level) -> None:
    assert verified.judge(differences, age).level == level
