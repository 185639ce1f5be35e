"""Start, watch and stop the local stack."""

from __future__ import annotations

import contextlib
import errno
import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pipelines.errors import UserError
from pipelines.settings import Settings
from pipelines.stack import components, config, ports, secrets, supervision
from pipelines.stack.health import CHECKS, Health
from pipelines.stack.layout import SERVICES, Layout, addresses, external_address, selected
from pipelines.stack.lock import locked
from pipelines.stack.logs import tail

Say = Callable[[str], None]
# What is waited for, and for how many seconds already.
Watch = Callable[[list[str], float], None]

_START_SECONDS = 180.0
_STOP_SECONDS = 60.0
_STOP_LAST = ("kafka", "zookeeper")


@dataclass(frozen=True)
class Status:
    """One line of `livepulse status`."""

    name: str
    state: str
    address: str
    pid: int | None
    uptime_seconds: int | None
    memory_mb: int | None
    healthy: bool
    detail: str


def up(settings: Settings, names: Iterable[str], say: Say, watch: Watch) -> None:
    """Start what does not run of these services (all when empty) and wait until each answers."""
    services = selected(settings, names)
    if not services:
        say("Every service is an existing one: there is nothing to start.")
        return
    layout = Layout.of(settings)
    layout.create()
    with locked(layout.run / "lock", "starting or stopping this stack", say):
        _clear_remains(layout, say)
        supervisor = supervision.connect(layout)
        if supervisor is not None and (stopping := _stopping(supervisor)):
            # As after a `down` that was interrupted: supervisord would take a start for done, and the port is not free yet.
            say(f"Still stopping, to be started again: {', '.join(stopping)}.")
            _await_stopped(supervisor, watch)
        states = supervisor.states() if supervisor else {}
        running = {name for name, state in states.items() if state.is_running}
        wanted = [process for service in services for process in SERVICES[service]]
        todo = [process for process in wanted if process not in running]
        for service in services:
            if running.intersection(SERVICES[service]):
                _refuse_other_settings(settings, service, say)
        if todo:
            supervisor = _start(settings, layout, supervisor, running, todo, say)
        assert supervisor is not None
        _await_healthy(settings, layout, supervisor, services, say, watch)


def down(settings: Settings, names: Iterable[str], say: Say, watch: Watch) -> None:
    """Stop these services (all when empty), and the supervisor when nothing is left for it to do."""
    services = _all_or(settings, names)
    layout = Layout.of(settings)
    if not layout.run.exists():
        say("Nothing runs.")
        return
    with locked(layout.run / "lock", "starting or stopping this stack", say):
        _clear_remains(layout, say)
        supervisor = supervision.connect(layout)
        if supervisor is None:
            say("Nothing runs.")
            return
        # Kafka and ZooKeeper last: the others still commit their positions and leave their groups.
        processes = [process for service in services for process in SERVICES[service]]
        _stop(supervisor, [process for process in processes if process not in _STOP_LAST], watch)
        _stop(supervisor, [process for process in processes if process in _STOP_LAST], watch)
        left = [name for name, state in supervisor.states().items() if state.is_running]
        if left:
            say(f"Stopped {', '.join(services)}; {', '.join(left)} goes on.")
            return
        pid = supervisor.pid()
        supervisor.shutdown()
        _await_end([pid])
        _remove_socket(layout)
        say("Stopped; the data is kept." if services == tuple(SERVICES) else f"Stopped {', '.join(services)}.")


def refuse_offsets_anew(names: Iterable[str]) -> None:
    """Raises a `UserError` when Kafka's data is to go and what was read from it is to stay."""
    if (wanted := set(names)) and "kafka" in wanted and wanted != SERVICES.keys():
        raise UserError(
            "A new Kafka counts its offsets from 0 again: ClickHouse and Flink would take new records for those that they have.",
            "Delete all of it: livepulse down --wipe",
            exit_code=2,
        )


def wipe(settings: Settings, names: Iterable[str], say: Say) -> None:
    """Delete the data of stopped services, and the logs when it is all of them.

    Raises:
        UserError: something could not be deleted; everything else is.
    """
    services = _all_or(settings, names)
    layout = Layout.of(settings)
    # Only folders that the stack made: the home may be a folder with other things in it.
    folders = [layout.home / service for service in services]
    if services == tuple(SERVICES):
        folders += [layout.logs, layout.run, layout.secrets]
    kept: list[str] = []

    def keep(_: object, path: str, found: tuple[type[BaseException], BaseException, object]) -> None:
        error = found[1]
        # A folder is not empty because of what was named before it.
        if not isinstance(error, FileNotFoundError) and getattr(error, "errno", None) != errno.ENOTEMPTY:
            kept.append(f"{path}: {getattr(error, 'strerror', None) or error}")

    for folder in folders:
        shutil.rmtree(folder, onerror=keep)
    with contextlib.suppress(OSError):  # it may hold other things
        layout.home.rmdir()
    if kept:
        more = f" (and {len(kept) - 1} more)" if kept[1:] else ""
        raise UserError(f"Not everything was deleted. {kept[0]}{more}", "Put that right, then again: livepulse down --wipe")
    say(f"Deleted the data of {', '.join(services)} in {layout.home}.")


def _all_or(settings: Settings, names: Iterable[str]) -> tuple[str, ...]:
    """The named services, or all: also those that have become external since they were started here."""
    wanted = tuple(names)
    return selected(settings, wanted) if wanted else tuple(SERVICES)


def status(settings: Settings, names: Iterable[str] = ()) -> list[Status]:
    """The state of these services (all when empty): one line for each process, one for an existing service."""
    layout = Layout.of(settings)
    wanted = tuple(names)
    for name in wanted:
        if name not in SERVICES:
            raise UserError(f"There is no service {name!r}.", f"Services: {', '.join(SERVICES)}.", exit_code=2)
    services = [service for service in SERVICES if service in wanted or not wanted]
    supervisor = supervision.connect(layout)
    states = supervisor.states() if supervisor else {}
    with ThreadPoolExecutor(len(services)) as pool:
        healths = dict(zip(services, pool.map(lambda service: CHECKS[service](settings), services), strict=True))
    lines = []
    for service in services:
        if address := external_address(settings, service):
            health = healths[service]
            lines.append(Status(service, "external", address, None, None, None, health.ok, health.detail))
            continue
        for process in SERVICES[service]:
            lines.append(_process_status(settings, process, states.get(process), healths[service]))
    return lines


def _process_status(settings: Settings, process: str, state: supervision.ProcessState | None, health: Health) -> Status:
    import psutil

    address = addresses(settings, process)
    if state is not None and state.state == "STOPPING":
        return Status(process, "stopping", address, state.pid, None, None, False, "")
    if state is None or not state.is_running:
        failed = state is not None and state.state == "FATAL"
        detail = f"it ended at each start: livepulse logs {process}" if failed else ""
        if not failed and health.ok and address:
            detail = "something else answers at this address"
        return Status(process, "failed" if failed else "stopped", address, None, None, None, False, detail)
    memory = None
    if state.pid:
        with contextlib.suppress(psutil.Error):
            memory = psutil.Process(state.pid).memory_info().rss >> 20
    # The JobManager is well when it answers, whether or not a TaskManager has registered; ZooKeeper answers nobody but Flink.
    ok = health.ok or (process == "jobmanager" and health.task_slots is not None) or process == "zookeeper"
    detail = "" if process == "zookeeper" else health.detail
    uptime = max(0, int(time.time()) - state.started)
    label = "restarting" if state.state == "BACKOFF" else "running"
    return Status(process, label, address, state.pid, uptime, memory, ok and label == "running", detail)


def _refuse_other_settings(settings: Settings, service: str, say: Say) -> None:
    """A service that runs keeps the settings it was started with: say so where they are not today's."""
    if not any(config.differs(config.render(settings, process)) for process in SERVICES[service]):
        return
    restart = f"livepulse down {service} && livepulse up {service}"
    if (health := CHECKS[service](settings)).ok:
        say(f"{service} still runs with the settings it was started with. To use today's: {restart}")
    else:
        message = f"{service} runs with other settings than today's, and does not answer at {health.address}: {health.detail}."
        raise UserError(message, f"Use the settings it was started with, or restart it: {restart}")


def _start(
    settings: Settings, layout: Layout, supervisor: supervision.Supervisor | None, running: set[str], todo: list[str], say: Say
) -> supervision.Supervisor:
    components.install(settings, say, [service for service, processes in SERVICES.items() if set(processes) & set(todo)])
    local = [process for service in SERVICES if not external_address(settings, service) for process in SERVICES[service]]
    ports.refuse_equal(settings, local)
    for setting, port in ports.taken(settings, todo).items():
        raise ports.taken_error(setting, port)
    secrets.require(settings)
    secrets.make_certificate(settings)
    config.write(secrets.files(settings))
    for process in todo:
        config.write(config.render(settings, process))
    if {"jobmanager", "taskmanager"} <= set(todo):
        config.link_flink_jars(settings)
    config.write({layout.supervisord_conf: config.render_supervisord(settings, {*running, *todo})})
    if supervisor is None:
        supervisor = supervision.start(layout)
    else:
        supervisor.reload()
    for process in todo:
        if process != "kafka":
            supervisor.start(process)
    if "kafka" in todo:
        config.format_kafka(settings)  # a Java process of its own: the others start meanwhile
        supervisor.start("kafka")
    return supervisor


def _await_healthy(
    settings: Settings, layout: Layout, supervisor: supervision.Supervisor, services: Iterable[str], say: Say, watch: Watch
) -> None:
    started = time.monotonic()
    pending = list(services)
    while True:
        states = supervisor.states()
        for service in list(pending):
            for process in SERVICES[service]:
                if states[process].state == "FATAL":
                    last = "".join(f"\n  {line}" for line in tail(layout.log(process), 12))
                    raise UserError(f"{process} does not start. The end of its log:{last}", f"All of it: {layout.log(process)}")
            if all(states[process].pid for process in SERVICES[service]) and (health := CHECKS[service](settings)).ok:
                pending.remove(service)
                say(f"{service} answers at {health.address} ({time.monotonic() - started:.1f} s)")
        if not pending:
            return
        waited = time.monotonic() - started
        if waited > _START_SECONDS:
            reasons = "; ".join(f"{service}: {CHECKS[service](settings).detail}" for service in pending)
            raise UserError(f"Not up after {waited:.0f} s: {reasons}.", "Look into it: livepulse logs")
        watch(pending, waited)
        time.sleep(0.2)


def _stop(supervisor: supervision.Supervisor, processes: list[str], watch: Watch) -> None:
    states = supervisor.states()
    for process in processes:
        if process in states and states[process].is_running:
            supervisor.stop(process)
    _await_stopped(supervisor, watch)


def _await_stopped(supervisor: supervision.Supervisor, watch: Watch) -> None:
    started = time.monotonic()
    while stopping := _stopping(supervisor):
        watch(stopping, time.monotonic() - started)
        time.sleep(0.1)


def _stopping(supervisor: supervision.Supervisor) -> list[str]:
    return [name for name, state in supervisor.states().items() if state.state == "STOPPING"]


def _clear_remains(layout: Layout, say: Say) -> None:
    """Recognise what a stack that was killed leaves behind, and clear it away."""
    import psutil

    if supervision.connect(layout):
        return
    if pid := supervision.running_pid(layout):
        say(f"The supervisor (pid {pid}) does not answer any more: ending it.")
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).terminate()
        _await_end([pid])
    if left := ports.leftovers(layout):
        say(f"Waiting for processes of a stack that was killed: {', '.join(map(str, left))}.")
        for pid in left:
            with contextlib.suppress(psutil.Error):
                psutil.Process(pid).terminate()
        _await_end(left)
    if layout.pid_file.exists() or layout.socket.is_socket():
        say("The last stack did not stop by itself: removed the pid file and the socket that it left.")
        layout.pid_file.unlink(missing_ok=True)
        _remove_socket(layout)


def _await_end(pids: list[int]) -> None:
    """Wait until the processes have ended; kill what is still there after a minute."""
    import psutil

    processes = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(pid))
    _, alive = psutil.wait_procs(processes, timeout=_STOP_SECONDS)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def _remove_socket(layout: Layout) -> None:
    layout.socket.unlink(missing_ok=True)
    if layout.socket.parent != layout.run:
        with contextlib.suppress(OSError):
            layout.socket.parent.rmdir()
