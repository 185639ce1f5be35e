"""What Flink's REST interface says of running applications, and how it is told to stop one."""

from __future__ import annotations

import re
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from pipelines.errors import UserError
from pipelines.flink.causes import began
from pipelines.settings import Settings
from pipelines.stack.health import away

TERMINAL = frozenset({"FINISHED", "CANCELED", "FAILED"})
# Flink's REST interface here is plain HTTP, and httpx would load the system's certificates for each request: a tenth of a second.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_OFFSET = re.compile(r"\.topic\.(?P<topic>.+)\.partition\.(?P<partition>\d+)\.currentOffset$")


@dataclass(frozen=True)
class Application:
    """A Flink job as Flink's overview shows it."""

    id: str
    name: str
    state: str
    started_at: datetime
    seconds: float

    @property
    def running(self) -> bool:
        """Whether it is not over: running, starting or restarting."""
        return self.state not in TERMINAL


@dataclass(frozen=True)
class Checkpoints:
    """How an application's checkpoints fare."""

    completed: int
    failed: int
    restored: int
    """How often the application went on from one of them, or from the savepoint that it was started with."""
    last_path: str | None
    """Of what the application would go on from now: its last one, or while it has none what it was started from."""
    last_age_seconds: float | None
    last_duration_seconds: float | None
    last_bytes: int | None
    """What the last one wrote: the difference to the one before."""
    state_bytes: int | None
    """All that the application remembered at the last one."""
    failed_age_seconds: float | None = None
    """Since the last one that failed; None when none did."""
    failure: str | None = None
    """Why it failed."""


@dataclass(frozen=True)
class Failure:
    """What made an application restart or fail."""

    age_seconds: float
    cause: str


def overview(settings: Settings) -> list[Application]:
    """All applications that Flink still knows, the newest first."""
    found = [
        Application(
            id=job["jid"],
            name=job["name"],
            state=job["state"],
            started_at=datetime.fromtimestamp(job["start-time"] / 1000, UTC),
            seconds=job["duration"] / 1000,
        )
        for job in get(settings, "/jobs/overview")["jobs"]
    ]
    return sorted(found, key=lambda application: application.started_at, reverse=True)


def sinks(settings: Settings, application: Application) -> set[str]:
    """Names of the tables that an application writes to, as its plan shows them."""
    vertices = get(settings, f"/jobs/{application.id}")["vertices"]
    return {sink for vertex in vertices for sink in re.findall(r"(\w+)\[\d+\]: Writer", vertex["name"])}


def read_to(settings: Settings, number: str) -> dict[tuple[str, int], int]:
    """Topic and partition -> the offset after the last one that an application has read. Flink renews these figures every 10 s."""
    found: dict[tuple[str, int], int] = {}
    for vertex in get(settings, f"/jobs/{number}")["vertices"]:
        if not vertex["name"].startswith("Source: KafkaSource"):
            continue
        metrics = f"/jobs/{number}/vertices/{vertex['id']}/subtasks/metrics"
        names = [metric["id"] for metric in get(settings, metrics) if _OFFSET.search(metric["id"])]
        if not names:
            continue
        for metric in get(settings, f"{metrics}?agg=max&get={','.join(names)}"):
            if match := _OFFSET.search(metric["id"]):
                found[match["topic"], int(match["partition"])] = int(metric["max"]) + 1
    return found


def parameters(settings: Settings, application: Application) -> dict[str, str]:
    """The parameters that an application was started with."""
    found: dict[str, str] = get(settings, f"/jobs/{application.id}/config")["execution-config"]["user-config"]
    return found


def checkpoints(settings: Settings, application: Application) -> Checkpoints:
    """The checkpoints of an application."""
    answer = get(settings, f"/jobs/{application.id}/checkpoints")
    last, failed = answer["latest"]["completed"], answer["latest"]["failed"]
    stands_on = last or answer["latest"]["restored"]
    return Checkpoints(
        completed=answer["counts"]["completed"],
        failed=answer["counts"]["failed"],
        restored=answer["counts"]["restored"],
        last_path=stands_on["external_path"] if stands_on else None,
        last_age_seconds=time.time() - last["latest_ack_timestamp"] / 1000 if last else None,
        last_duration_seconds=last["end_to_end_duration"] / 1000 if last else None,
        last_bytes=last["checkpointed_size"] if last else None,
        state_bytes=last["state_size"] if last else None,
        failed_age_seconds=time.time() - failed["failure_timestamp"] / 1000 if failed else None,
        failure=failed["failure_message"] if failed else None,
    )


def restarts(settings: Settings, application: Application) -> int | None:
    """How often the JobManager that runs the application now has restarted it; None when Flink does not say."""
    deadline = time.monotonic() + 2
    # Flink collects such figures when it is asked for them, and answers before it has them.
    while not (found := get(settings, f"/jobs/{application.id}/metrics?get=numRestarts")) and time.monotonic() < deadline:
        time.sleep(0.2)
    return int(found[0]["value"]) if found else None


def checkpoint_interval(settings: Settings, application: Application) -> float:
    """Seconds from one checkpoint to the next that the application was started with."""
    return float(get(settings, f"/jobs/{application.id}/checkpoints/config")["interval"]) / 1000


def version(settings: Settings) -> str:
    """Flink's version."""
    return str(get(settings, "/config")["flink-version"])


def last_failure(settings: Settings, number: str) -> str | None:
    """What made the application restart or fail the last time."""
    entries = _exceptions(settings, number)
    return began(str(entries[0]["stacktrace"])) if entries else None


def failures(settings: Settings, application: Application) -> list[Failure]:
    """What made the application restart or fail, the newest first; Flink remembers some sixteen."""
    return [
        Failure(time.time() - entry["timestamp"] / 1000, began(str(entry["stacktrace"])))
        for entry in _exceptions(settings, application.id)
    ]


def _exceptions(settings: Settings, number: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(settings, f"/jobs/{number}/exceptions")["exceptionHistory"]["entries"]
    return found


def stop_with_savepoint(settings: Settings, application: Application) -> str:
    """Has an application stopped after a savepoint of all it remembers, which Flink does whether or not somebody waits.

    Returns:
        Flink's id of what it was asked for.
    """
    # RocksDB's own files: in Flink's canonical format each entry is written out, and put in again one by one at the start.
    asked = {"drain": False, "formatType": "NATIVE"}
    return str(_request(settings, "POST", f"/jobs/{application.id}/stop", asked)["request-id"])


def savepoint(settings: Settings, application: Application, request: str) -> str:
    """The path of the savepoint that an application is stopped with, when it is there: Flink gives up by itself.

    Raises:
        UserError: the savepoint failed; the application goes on.
    """
    while True:
        answer = get(settings, f"/jobs/{application.id}/savepoints/{request}")
        if answer["status"]["id"] == "COMPLETED":
            if cause := answer["operation"].get("failure-cause"):
                raise UserError(f"The savepoint of {application.name} failed: {began(str(cause['stack-trace']))}")
            return str(answer["operation"]["location"])
        time.sleep(0.2)


def newest_savepoint(settings: Settings, number: str) -> str | None:
    """The path of the newest savepoint of an application; None when it has none, or Flink does not know it any more."""
    try:
        found = get(settings, f"/jobs/{number}/checkpoints")["latest"]["savepoint"]
    except UserError as error:
        if isinstance(error.__cause__, httpx.HTTPStatusError):
            return None
        raise
    return str(found["external_path"]) if found else None


def cancel(settings: Settings, application: Application) -> None:
    """Ends an application without a savepoint, and returns when it is over; its last checkpoint is kept."""
    _request(settings, "PATCH", f"/jobs/{application.id}?mode=cancel")
    wait_until_over(settings, application)


def is_running(settings: Settings, number: str) -> bool:
    """Whether every task of an application runs."""
    return _every_task_runs(get(settings, f"/jobs/{number}"))


def _every_task_runs(job: dict[str, Any]) -> bool:
    return all(vertex["status"] == "RUNNING" for vertex in job["vertices"])


def wait_until_running(settings: Settings, number: str, timeout_seconds: float = 180) -> None:
    """Returns when every task of an application runs: from then on it reads, and savepoints can be taken.

    Raises:
        UserError: it failed, or did not start within the time (too few task slots, for example).
    """
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        answer = get(settings, f"/jobs/{number}")
        if answer["state"] in TERMINAL:
            cause = last_failure(settings, number) or "Flink gives no cause"
            raise UserError(f"The application is {answer['state'].lower()}: {cause}")
        if _every_task_runs(answer):
            return
        time.sleep(0.2)
    failed = last_failure(settings, number)
    raise UserError(
        f"The application did not start within {timeout_seconds:.0f} s" + (f", and failed last with: {failed}" if failed else "."),
        hint="Are there free task slots? See: livepulse status",
    )


def wait_until_over(settings: Settings, application: Application, timeout_seconds: float = 60) -> None:
    """Returns when Flink says that the application is over.

    Raises:
        UserError: it is not over within the time.
    """
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        state = next((a.state for a in overview(settings) if a.id == application.id), "FINISHED")
        if state in TERMINAL:
            return
        time.sleep(0.2)
    raise UserError(f"{application.name} is still {state.lower()} after {timeout_seconds:.0f} s.")


def get(settings: Settings, path: str) -> Any:
    """What Flink's REST interface answers, of which it has more than this module has names for."""
    return _request(settings, "GET", path)


def _request(settings: Settings, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    try:
        answer = httpx.request(method, f"http://{settings.flink_address}{path}", json=body, timeout=10, verify=_NO_CERTIFICATES)
        answer.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise UserError(f"Flink at {settings.flink_address} refuses {method} {path}: {error.response.text[:300]}") from error
    except httpx.HTTPError as error:
        raise away(settings, "flink", str(error)) from error
    try:
        return answer.json() if answer.content else None
    except ValueError as error:
        raise away(settings, "flink", f"something else answers there: {answer.text[:80]!r}") from error
