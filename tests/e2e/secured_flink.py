"""The secured stack with Flink and every job: it counts, and Flink's interface gives no secret away.

Not among the tests that always run, because it starts a stack of its own: `python -m pytest tests/e2e/secured_flink.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import psutil
import pytest

from pipelines.clickhouse import connect
from pipelines.stack.layout import Layout
from tests.conftest import run_cli, settings_of
from tests.e2e.pipeline import wait_for
from tests.e2e.test_security import LEAK, Secured, secured_environment

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    environment = secured_environment(tmp_path_factory.mktemp("secured"))
    found = Secured(environment, settings_of(environment))
    try:
        found.cli("up")
        found.cli("migrate")
        found.cli("jobs", "submit")
        found.cli("simulate", "--events", "5000", "--rate", "2000")
        yield found
    finally:
        run_cli(environment, "down")


def test_it_counts_and_every_counter_is_right(secured: Secured) -> None:
    with connect(secured.settings) as client:
        wait_for(lambda: client.execute("SELECT count() FROM room_1m")[0][0] > 0, "counters", 120)
        # Flink reports as the user `jobs`, over TLS.
        wait_for(lambda: client.execute("SELECT count() FROM flink_metric")[0][0] > 0, "Flink's own figures", 60)
    wait_for(lambda: run_cli(secured.environment, "verify").returncode == 0, "verify finds no difference", 120)


def test_flinks_interface_gives_no_secret_away(secured: Secured) -> None:
    rest = f"http://{secured.settings.flink_address}"

    def get(path: str) -> httpx.Response:
        return httpx.get(f"{rest}{path}", timeout=30)

    [job] = [one["jid"] for one in get("/jobs/overview").json()["jobs"]]
    [manager] = [one["id"] for one in get("/taskmanagers").json()["taskmanagers"]]
    paths = [f"/jobs/{job}{what}" for what in ("", "/config", "/plan", "/exceptions", "/checkpoints/config", "/accumulators")]
    paths += [f"/jobmanager/{what}" for what in ("config", "environment", "log", "stdout", "thread-dump")]
    paths += [f"/taskmanagers/{manager}{what}" for what in ("", "/log", "/stdout", "/thread-dump")]
    paths += [f"/jobs/{job}/vertices/{one['id']}" for one in get(f"/jobs/{job}").json()["vertices"]]
    answers = {path: get(path) for path in paths}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code not in (200, 404)} == {}
    assert sum(answer.status_code == 200 for answer in answers.values()) > 12
    assert [path for path, answer in answers.items() if LEAK in answer.content] == []
    # It is written there as what it is: the name of a file.
    assert not [process for process in psutil.process_iter(["cmdline"]) if LEAK.decode() in " ".join(process.info["cmdline"] or ())]
    layout = Layout.of(secured.settings)
    holding = {
        path.relative_to(layout.home).as_posix()
        for path in layout.home.rglob("*")
        if path.is_file() and not path.is_symlink() and LEAK in path.read_bytes()
    }
    assert holding == {"secrets/kafka.properties", "secrets/clickhouse.xml", "secrets/jobs_password"}
