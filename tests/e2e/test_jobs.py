"""Submitting, stopping and resuming what computes, without losing or doubling a count."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from pipelines.errors import UserError
from pipelines.flink import rest, savepoints
from pipelines.flink.application import define, flink_options, open_environment
from pipelines.kafka import kafka_python
from pipelines.produce import Sender
from pipelines.settings import Settings
from pipelines.stack.layout import Layout
from pipelines.topics import admin, shortened
from tests.conftest import Cli
from tests.e2e.pipeline import await_verified, broadcasts, send, wait_for
from tests.faults.stack import Stack

pytestmark = pytest.mark.timeout(600)


def test_rocksdb_shares_the_memory_that_it_was_given(stack: Settings) -> None:
    """With less, it flushes and compacts without end; nothing but this line of the log, and the CPU, would tell."""
    log = (Layout.of(stack).logs / "taskmanager.log").read_text(encoding="utf-8")
    given = set(re.findall(r"shared RocksDB cache of size (\d+) bytes", log))
    assert given == {str(stack.taskmanager_memory_mb // 4 * 2**20)}


def test_what_runs_is_left_alone_or_refused(cli: Cli) -> None:
    again = cli("jobs", "submit")
    assert again.returncode == 0
    assert "runs already" in again.stderr
    otherwise = cli("jobs", "submit", LIVEPULSE_MINI_BATCH_MS="400")
    assert otherwise.returncode == 1
    assert "livepulse jobs resume livepulse" in otherwise.stderr
    overlapping = cli("jobs", "submit", "repurchase")
    assert overlapping.returncode == 1
    assert "repurchase already runs" in overlapping.stderr
    elsewhere = cli("jobs", "submit", LIVEPULSE_TIME_ZONE="Pacific/Apia")
    assert elsewhere.returncode == 1
    assert "LIVEPULSE_TIME_ZONE is Pacific/Apia, but was " in elsewhere.stderr
    assert "Traceback" not in otherwise.stderr + overlapping.stderr + elsewhere.stderr


def test_one_beside_others_counts_from_the_beginning(cli: Cli, stack: Settings) -> None:
    others = ("conversion", "dwell", "interaction")
    assert cli("jobs", "stop", "--no-savepoint").returncode == 0
    assert cli("jobs", "submit", *others).returncode == 0
    send(stack, broadcasts(5))
    assert cli("jobs", "submit", "repurchase").returncode == 0
    await_verified(cli)
    for application in ("+".join(others), "repurchase"):
        assert cli("jobs", "stop", application, "--no-savepoint").returncode == 0


def test_anew_to_the_same_numbers_without_waiting_for_a_checkpoint(cli: Cli, stack: Settings) -> None:
    assert cli("jobs", "submit", LIVEPULSE_CHECKPOINT_SECONDS="3600").returncode == 0
    send(stack, broadcasts(4))
    await_verified(cli)


def test_stop_with_savepoint_and_resume(cli: Cli, stack: Settings) -> None:
    send(stack, broadcasts(1))
    stopped = cli("jobs", "stop")
    assert stopped.returncode == 0, stopped.stderr
    assert "savepoint" in stopped.stderr
    assert cli("jobs", "status").returncode == 3
    never = cli("jobs", "resume", "interaction")
    assert (never.returncode, never.stderr.partition(" known.")[0]) == (3, "Error: No savepoint of interaction is")

    savepoint = savepoints.last(stack, "livepulse")
    savepoints.note(stack, "livepulse", replace(savepoint, asked_at=time.time() - (stack.state_ttl_hours + 1) * 3_600))
    forgotten = cli("jobs", "resume")
    assert forgotten.returncode == 1
    assert "stopped 49 h ago" in forgotten.stderr and f"--from {savepoint.savepoint}" in forgotten.stderr

    # As where nobody waited for Flink's answer: Flink still knows it.
    savepoints.note(stack, "livepulse", replace(savepoint, savepoint=None))
    send(stack, broadcasts(2))
    # With one task of each instead of two: RocksDB's files of both are put together.
    resumed = cli("jobs", "resume", LIVEPULSE_PARALLELISM="1")
    assert resumed.returncode == 0, resumed.stderr
    send(stack, broadcasts(3))
    await_verified(cli)
    [application] = json.loads(cli("jobs", "status", "--json").stdout)
    assert application["checkpoints"]["restored"] == 1
    assert application["restarts"] == 0, "it was stopped, and nothing broke"


def test_what_does_not_run_goes_on_from_its_last_checkpoint(cli: Cli, stack: Settings, stack_env: dict[str, str]) -> None:
    processes = Stack(stack, stack_env)

    def application() -> dict[str, Any]:
        [found] = json.loads(cli("jobs", "status", "--json").stdout)
        return dict(found)

    send(stack, broadcasts(6))
    before = application()["checkpoints"]["completed"]
    wait_for(lambda: application()["checkpoints"]["completed"] > before, "another checkpoint")
    processes.stop("taskmanager")
    try:
        number = application()["id"]
        wait_for(lambda: rest.last_failure(stack, number) and not rest.is_running(stack, number), "Flink has noticed")
        # Of what is away Flink says this or that: that the TaskManager has gone, or later that it misses what tasks need.
        with pytest.raises(UserError, match=r"did not start within 0 s, and failed last with: \S"):
            rest.wait_until_running(stack, number, timeout_seconds=0.1)
        send(stack, broadcasts(7))
        stopped = cli("jobs", "stop")
        assert stopped.returncode == 0, stopped.stderr
        assert "did not run, its last checkpoint: file:" in stopped.stderr
    finally:
        processes.start("taskmanager")
    wait_for(lambda: cli("status").returncode == 0, "the TaskManager is back")
    resumed = cli("jobs", "resume")
    assert resumed.returncode == 0, resumed.stderr
    await_verified(cli)
    assert application()["checkpoints"]["restored"] == 1, "it did not count anew"


def test_what_is_not_livepulses_is_left_alone(cli: Cli, stack: Settings) -> None:
    environment = open_environment(flink_options(stack, "others"))
    columns = "(number BIGINT) WITH ('connector' ="
    define(environment, [f"CREATE TEMPORARY TABLE a {columns} 'datagen')", f"CREATE TEMPORARY TABLE b {columns} 'blackhole')"])
    environment.execute_sql("INSERT INTO b SELECT number FROM a")
    [others] = wait_for(lambda: [one for one in rest.overview(stack) if one.name == "others" and one.running], "others to run")
    stopped = cli("jobs", "stop", "others")
    rest.cancel(stack, others)
    assert stopped.returncode == 1
    assert "others on Flink is not livepulse's" in stopped.stderr


def test_what_kafka_no_longer_holds_is_said(stack: Settings) -> None:
    name = "order-shortened"
    client = admin(stack)
    try:
        client.create_topics([NewTopic(name=name, num_partitions=2, replication_factor=1)])
        with Sender(stack.kafka_address) as sender:
            for _ in range(10):
                sender.send(name, "key", b"value", 1)
        assert shortened(stack, ["order", name]) == []
        [begun] = [place for place, end in ends(stack, name).items() if end]
        client.delete_records({begun: 5})
        assert shortened(stack, ["order", name]) == [name]
    finally:
        client.delete_topics([name])
        client.close()


def ends(stack: Settings, topic: str) -> dict[TopicPartition, int]:
    consumer = KafkaConsumer(**kafka_python(stack))
    try:
        found: dict[TopicPartition, int] = consumer.end_offsets([TopicPartition(topic, number) for number in range(2)])
        return found
    finally:
        consumer.close()
