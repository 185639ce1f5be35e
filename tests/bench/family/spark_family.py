"""PySpark's Structured Streaming: one query over all topics, distinct users as sets, results kept in memory; copies count.

One pass over what there is when it starts (`availableNow`), in one micro-batch: nothing is faster for it. Two cores of one JVM.
That JVM is new each time, and Flink's is not: so the query runs twice, and only the second run is measured.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.streaming.query import StreamingQuery

from tests.bench.family.contract import WINDOW_MS, ResultRow, Spec, finish, read_spec

_POM = Path(__file__).with_name("spark-pom.xml")
_FIELDS = "room_id STRING, user_id STRING, event_time BIGINT, status STRING, amount BIGINT"
_TABLE = "family"


def main() -> None:
    spec = read_spec()
    with tempfile.TemporaryDirectory(prefix="livepulse-bench-spark-") as folder:
        spark = _session(Path(folder))
        for attempt in ("warm-up", "measured"):
            query = _start(_counted(_events(spark, spec), list(spec.topics)), Path(folder, attempt))
            query.awaitTermination()
        progress = [dict(one) for one in query.recentProgress if one["numInputRows"]]
        rows = [_row(found.asDict(), list(spec.topics)) for found in spark.table(_TABLE).collect()]
        spark.stop()
    records = sum(one["numInputRows"] for one in progress)
    finish(spec, rows, began=_began(progress[0]), ended=_ended(progress[-1]), records=records)


def _session(folder: Path) -> SparkSession:
    builder = SparkSession.builder.master("local[2]").appName("bench-family")
    options = {
        "spark.jars": ",".join(str(jar) for jar in sorted(_jars().glob("*.jar"))),
        "spark.driver.memory": "3g",  # of a TaskManager's process
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder),
        "spark.sql.shuffle.partitions": "2",  # one a core
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }
    for key, value in options.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def _events(spark: SparkSession, spec: Spec) -> DataFrame:
    options = {
        "kafka.bootstrap.servers": spec.bootstrap,
        "subscribe": ",".join(spec.topics),
        "startingOffsets": "earliest",
        "kafka.fetch.min.bytes": "262144",
        "kafka.fetch.max.wait.ms": "200",
    }
    records = spark.readStream.format("kafka").options(**options).load()
    event = f.from_json(f.col("value").cast("string"), _FIELDS).alias("event")
    return records.select("topic", event).select("topic", "event.*")


def _counted(events: DataFrame, topics: list[str]) -> DataFrame:
    def money(status: str) -> Column:
        return f.sum(f.when((f.col("topic") == "order") & (f.col("status") == status), f.col("amount")).otherwise(0))

    window = (f.col("event_time") - f.col("event_time") % WINDOW_MS).alias("window_start")
    return events.groupBy("room_id", window).agg(
        *(f.count(f.when(f.col("topic") == topic, 1)).alias(f"{topic}_count") for topic in topics),
        money("paid").alias("paid"),
        money("refunded").alias("refunded"),
        f.size(f.collect_set("user_id")).alias("users"),
    )


def _start(counted: DataFrame, folder: Path) -> StreamingQuery:
    writer = counted.writeStream.outputMode("complete").format("memory").queryName(_TABLE)
    return writer.option("checkpointLocation", str(folder)).trigger(availableNow=True).start()


def _began(batch: dict[str, Any]) -> float:
    """When a micro-batch began to read, in seconds of the epoch: after it was planned."""
    took = batch["durationMs"]
    before = sum(took.get(part, 0) for part in ("latestOffset", "getBatch", "queryPlanning", "walCommit"))
    return _time(batch) + float(before) / 1_000


def _ended(batch: dict[str, Any]) -> float:
    """When its rows were there and it had noted that, in seconds of the epoch."""
    return _time(batch) + float(batch["durationMs"]["triggerExecution"]) / 1_000


def _time(batch: dict[str, Any]) -> float:
    return datetime.fromisoformat(batch["timestamp"]).timestamp()


def _row(found: dict[str, Any], topics: list[str]) -> ResultRow:
    return ResultRow(
        room_id=found["room_id"],
        window_start=found["window_start"],
        counts={topic: found[f"{topic}_count"] for topic in topics if found[f"{topic}_count"]},
        paid=found["paid"],
        refunded=found["refunded"],
        users=found["users"],
    )


def _jars() -> Path:
    """The folder with the jars of `spark-pom.xml`; made when it is not there."""
    components = Path(os.environ.get("LIVEPULSE_COMPONENTS", Path.home() / ".cache" / "livepulse"))
    folder = components / "jars" / "bench-spark"
    if not folder.exists():
        making = folder.with_name("bench-spark.making")
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
        subprocess.run(["mvn", "-q", "-B", "-f", str(_POM), goal, f"-DoutputDirectory={making}"], check=True)
        making.rename(folder)
    return folder


if __name__ == "__main__":
    main()
