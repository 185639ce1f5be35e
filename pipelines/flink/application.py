"""Compiling the jobs' SQL into one application and sending it to Flink."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from tempfile import NamedTemporaryFile

from jobs.catalogue import Job
from pipelines.errors import UserError
from pipelines.flink.plan import flush_by_the_clock, remember_forever
from pipelines.flink.script import script
from pipelines.settings import Settings
from pipelines.stack.layout import Layout

NOVELTY = "io.livepulse.flink.novelty.Novelty"
VIEW = re.compile(r"CREATE TEMPORARY VIEW `?(?P<name>\w+)`? AS\s+(?P<query>.*)", re.DOTALL)


def submit(settings: Settings, jobs: Sequence[Job], name: str, savepoint: str | None = None) -> str:
    """Starts the jobs as one application, from a savepoint if one is given.

    Without a savepoint, topics are read from their beginning: counters only grow, so counting again is harmless.

    Returns:
        Flink's id of the running application.

    Raises:
        UserError: PyFlink is not installed, or Flink refuses the SQL.
    """
    try:
        from pyflink.common import Configuration
        from pyflink.table import EnvironmentSettings, TableEnvironment
        from pyflink.util.exceptions import TableException
    except ImportError as error:
        raise UserError(
            "PyFlink is not installed.", hint="Install livepulse with its extra: pip install 'livepulse[flink]'."
        ) from error

    configuration = Configuration()
    for key, value in _configuration(settings, name, savepoint).items():
        configuration.set_string(key, value)
    environment = TableEnvironment.create(
        EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(configuration).build()
    )
    application = script(jobs, settings, group=f"flink-{name}")
    try:
        environment.execute_sql(f"CREATE TEMPORARY SYSTEM FUNCTION novelty AS '{NOVELTY}'")
        for statement in application.definitions:
            if view := VIEW.match(statement):
                # As a query: in the text of a view Flink 2.3 does not find its way through a function's table argument.
                environment.create_temporary_view(view["name"], environment.sql_query(view["query"]))
            else:
                environment.execute_sql(statement)
        inserts = environment.create_statement_set()
        for statement in application.inserts:
            inserts.add_insert_sql(statement)
        plan = json.loads(inserts.compile_plan().as_json_string())
        flush_by_the_clock(plan)
        remember_forever(plan, {output for job in jobs if job.state == "forever" for output in job.outputs})
        with NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(plan, file)
            file.flush()
            # As SQL: PyFlink 2.3's CompiledPlan.execute fails on a plan that was loaded.
            result = environment.execute_sql(f"EXECUTE PLAN '{file.name}'")
    except TableException as error:
        raise UserError(f"Flink refuses the SQL of {', '.join(job.name for job in jobs)}: {str(error).splitlines()[0]}") from error
    client = result.get_job_client()
    assert client is not None  # an INSERT always has one
    return str(client.get_job_id())


def _configuration(settings: Settings, name: str, savepoint: str | None) -> dict[str, str]:
    host, _, port = settings.flink_address.rpartition(":")
    jars = sorted(Layout.of(settings).flink_jars.glob("*.jar"))
    return {
        "execution.target": "remote",
        "rest.address": host,
        "rest.port": port,
        "pipeline.name": name,
        "pipeline.jars": ";".join(jar.as_uri() for jar in jars),
        "pipeline.object-reuse": "true",
        "parallelism.default": str(settings.parallelism),
        "state.backend.type": "rocksdb",
        "execution.checkpointing.interval": f"{settings.checkpoint_seconds} s",
        "execution.checkpointing.incremental": "true",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # Each state of each task takes an eighth of this at once: with the default of 64 MB a hundred states overrun
        # RocksDB's budget by themselves, and it flushes without end.
        "state.backend.rocksdb.writebuffer.size": "4 mb",
        # Most of what is asked for is not there: users and events that are new.
        "state.backend.rocksdb.use-bloom-filter": "true",
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
        **({"execution.state-recovery.path": savepoint} if savepoint else {}),
    }
