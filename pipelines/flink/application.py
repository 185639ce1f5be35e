"""Compiling the jobs' SQL into one application and sending it to Flink."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from jobs.catalogue import Job, jobs
from pipelines.aside import write_whole
from pipelines.errors import UserError
from pipelines.flink.causes import began
from pipelines.flink.plan import flush_by_the_clock, name_operators, reached_by, remember_forever, remembering
from pipelines.flink.refusal import shown
from pipelines.flink.script import script
from pipelines.settings import Settings
from pipelines.stack.components import UNOPTIMISED_JAVA
from pipelines.stack.layout import Layout

if TYPE_CHECKING:
    from pyflink.table import TableEnvironment, TableResult

    from pipelines.flink.script import Script

_NOVELTY = "io.livepulse.flink.novelty.Novelty"
_VIEW = re.compile(r"CREATE TEMPORARY VIEW `?(?P<name>\w+)`? AS\s+(?P<query>.*)", re.DOTALL)

_KEPT_PLANS = 20

VERSION = "livepulse.version"
"""The job parameter that says what a running application was made from."""

OPERATORS = "livepulse.operators"
"""The job parameter that says which operators of a running application remember something."""


def made_from(settings: Settings, jobs: Sequence[Job], name: str) -> str:
    """A digest of all that an application consists of: its SQL, options and jars. Equal means: it would be the same again."""
    return _made_from(settings, script(jobs, settings, group=_group(name)), flink_options(settings, name))


def _made_from(settings: Settings, application: Script, options: dict[str, str]) -> str:
    return _digest(settings, json.dumps([application.definitions, application.inserts, options]))[:16]


def _digest(settings: Settings, text: str) -> str:
    """Of a text and of the jars that Flink gets with it."""
    digest = hashlib.sha256(text.encode())
    for jar in _jars(settings):
        digest.update(jar.read_bytes())
    return digest.hexdigest()


def submit(settings: Settings, jobs: Sequence[Job], name: str, savepoint: str | None = None, remembered: str | None = None) -> str:
    """Starts the jobs as one application, from a savepoint if one is given.

    Without a savepoint, topics are read from their beginning: counters only grow, so counting again is harmless.

    Args:
        remembered: `OPERATORS` of the application that wrote the savepoint, where that is known.

    Returns:
        Flink's id of the running application.

    Raises:
        UserError: PyFlink is not installed, Flink refuses the SQL, or the savepoint is of other SQL.
    """
    try:
        from pyflink.util.exceptions import TableException
    except ImportError as error:
        raise UserError(
            "PyFlink is not installed.", hint="Install livepulse with its extra: pip install 'livepulse[flink]'."
        ) from error

    application, options = script(jobs, settings, group=_group(name)), flink_options(settings, name)
    made = _made_from(settings, application, options)
    if savepoint:
        options["execution.state-recovery.path"] = savepoint
    environment = open_environment(options)
    try:
        define(environment, [statement for statement in application.definitions if not _VIEW.match(statement)])
        plan = json.loads(_planned(environment, settings, application, options))
        flush_by_the_clock(plan)
        remember_forever(plan, {output for job in jobs if job.state == "forever" for output in job.outputs})
        name_operators(plan)
        if remembered is not None:
            _check_savepoint(plan, remembered, name)
        operators = ".".join(map(str, sorted(remembering(plan))))
        environment.get_config().set("pipeline.global-job-parameters", f"{VERSION}:{made},{OPERATORS}:{operators}")
        return execute_plan(environment, plan)
    except TableException as error:
        why = began(str(error))
        if "Cannot map checkpoint/savepoint state" in why:
            raise _has_changed(name, "what is counted no more, or otherwise, is remembered there") from error
        raise UserError(f"Flink refuses {', '.join(job.name for job in jobs)}: {why}") from error


def open_environment(options: Mapping[str, str]) -> TableEnvironment:
    """A table environment with these options and the function `novelty`, in a JVM of its own."""
    from pyflink.common import Configuration
    from pyflink.table import EnvironmentSettings, TableEnvironment

    os.environ.setdefault("JVM_ARGS", " ".join(UNOPTIMISED_JAVA))
    # Python functions run on the cluster: else PyFlink imports Beam and starts a server for them in this process, for seconds.
    os.environ.setdefault("_python_worker_execution_mode", "process")
    configuration = Configuration()
    for key, value in options.items():
        configuration.set_string(key, value)
    environment = TableEnvironment.create(
        EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(configuration).build()
    )
    environment.execute_sql(f"CREATE TEMPORARY SYSTEM FUNCTION novelty AS '{_NOVELTY}'")
    return environment


def define(environment: TableEnvironment, statements: Iterable[str]) -> None:
    """Makes tables and views known; a `UserError` for one that Flink refuses."""
    for statement in statements:
        if view := _VIEW.match(statement):
            with shown(f"view {view['name']}", view["query"]):
                # As a query: in the text of a view Flink 2.3 does not find its way through a function's table argument.
                environment.create_temporary_view(view["name"], environment.sql_query(view["query"]))
        else:
            with shown(_head(statement)):
                environment.execute_sql(statement)


def compile_plan(environment: TableEnvironment, inserts: Iterable[str]) -> str:
    """Flink's plan of one application of these INSERTs, in JSON; a `UserError` for one that Flink refuses."""
    together = environment.create_statement_set()
    for statement in inserts:
        with shown(_head(statement), statement):
            together.add_insert_sql(statement)
    with shown("what these INSERTs make together"):
        planned: str = together.compile_plan().as_json_string()
    return planned


def _head(statement: str) -> str:
    """What a statement does to what: `CREATE TEMPORARY TABLE comment_record`, for example."""
    return " ".join(statement.partition("(")[0].splitlines()[0].split())


def execute_plan(environment: TableEnvironment, plan: dict[str, Any]) -> str:
    """Starts the application of a plan; Flink's id of it."""
    with NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(plan, file)
        file.flush()
        # As SQL: PyFlink 2.3's CompiledPlan.execute fails on a plan that was loaded.
        result = environment.execute_sql(f"EXECUTE PLAN '{file.name}'")
    return number_of(result)


def number_of(result: TableResult) -> str:
    """Flink's id of the application that some INSERTs became."""
    client = result.get_job_client()
    assert client is not None  # an INSERT always has one
    return str(client.get_job_id())


def _check_savepoint(plan: dict[str, Any], remembered: str, name: str) -> None:
    """Flink refuses what nobody would remember any more; that something would begin to count in the middle, it does not see."""
    then, now = set(map(int, remembered.split("."))), remembering(plan)
    if now == then:
        return
    if begin := ", ".join(sorted(reached_by(plan, now - then))):
        raise _has_changed(name, f"{begin} would begin to count in the middle")
    raise _has_changed(name, "what is counted no more is remembered there")


def _has_changed(name: str, how: str) -> UserError:
    return UserError(
        f"The SQL of {name} has changed since it was stopped: {how}.",
        hint=f"Count everything again from the topics: {submit_again(name)}\n"
        "Or go on from there with the version of livepulse that it was stopped with.",
    )


def submit_again(name: str) -> str:
    """The command that counts everything of an application again from the topics."""
    return " ".join(["livepulse jobs submit", *(job for job in name.split("+") if job in jobs())])


def _planned(environment: TableEnvironment, settings: Settings, application: Script, options: dict[str, str]) -> str:
    """The application's plan as Flink compiles it, in JSON.

    That takes a third of a start and depends on nothing but the SQL, the planner's options and the jars: it is kept beside those.
    """
    layout = Layout.of(settings)
    # A plan names tables, and does not say where they are or how to log in there.
    statements = [re.sub(r"'properties\.[^']*' = '[^']*',?", "", statement) for statement in application.definitions]
    sql = json.dumps([statements, application.inserts])
    planner = {key: value for key, value in options.items() if key.startswith(("table.", "parallelism."))}
    kept = layout.flink_plans / f"flink-{version('apache-flink')}-{_digest(settings, sql + json.dumps(planner))[:32]}.json"
    if not kept.is_file():
        define(environment, filter(_VIEW.match, application.definitions))
        write_whole(kept, compile_plan(environment, application.inserts))
        for old in sorted(kept.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)[:-_KEPT_PLANS]:
            old.unlink(missing_ok=True)
    return kept.read_text(encoding="utf-8")


def _group(name: str) -> str:
    """Kafka's consumer group of an application: for lag only, places are kept in checkpoints."""
    return f"flink-{name}"


def _jars(settings: Settings) -> list[Path]:
    return sorted(Layout.of(settings).flink_jars.glob("*.jar"))


def flink_options(settings: Settings, name: str) -> dict[str, str]:
    """Flink's options for an application of this name."""
    host, _, port = settings.flink_address.rpartition(":")
    return {
        "execution.target": "remote",
        "rest.address": host,
        "rest.port": port,
        "pipeline.name": name,
        "pipeline.jars": ";".join(jar.as_uri() for jar in _jars(settings)),
        "pipeline.object-reuse": "true",
        # Rows wait for a buffer to fill three times between a source and a sink: by default 100 ms at most, each time.
        "execution.buffer-timeout.interval": "25 ms",
        "parallelism.default": str(settings.parallelism),
        "state.backend.type": "rocksdb",
        "execution.checkpointing.interval": f"{settings.checkpoint_seconds} s",
        "execution.checkpointing.incremental": "true",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # A full disk stops checkpoints, not the counting; an alert tells of it.
        "execution.checkpointing.tolerable-failed-checkpoints": "2147483647",
        # Each state of each task takes an eighth of this at once: with the default of 64 MB a hundred states overrun
        # RocksDB's budget by themselves, and it flushes without end.
        "state.backend.rocksdb.writebuffer.size": "4 mb",
        # Most of what is asked for is not there: users and events that are new.
        "state.backend.rocksdb.use-bloom-filter": "true",
        # Else Flink cannot put the files of several tasks together: see there.
        "state.backend.rocksdb.options-factory": "io.livepulse.flink.rocksdb.LogInItsFolder",
        "table.local-time-zone": settings.time_zone,
        "table.exec.state.ttl": f"{settings.state_ttl_hours} h",
        "table.exec.mini-batch.enabled": "true",
        "table.exec.mini-batch.allow-latency": f"{settings.mini_batch_ms} ms",
        "table.exec.mini-batch.size": "50000",
        # Nearly all counters are plain sums (docs/adr/0005-novelty.md): tasks sum up first, and send little.
        "table.optimizer.agg-phase-strategy": "TWO_PHASE",
        # Each view is planned once and shared; else every INSERT would check and dedupe the topic again.
        "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
        # Rows are merged by max in ClickHouse: their order in the sink does not matter.
        "table.exec.sink.upsert-materialize": "NONE",
        # Flink cuts the code that it generates into methods of 4,000 characters, and their variables become fields: in larger
        # pieces an event costs up to a tenth less. Whole they may not be: Java compiles no method of over 8,000 bytes of code.
        "table.generated-code.max-length": "16000",
    }
