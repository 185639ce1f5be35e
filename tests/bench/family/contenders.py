"""Who takes part, in the order in which they are run and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MAIN_VENV, BENCH_VENV = ".venv", ".venv-bench"


@dataclass(frozen=True)
class Contender:
    """Something that counts the family, or a limit that does less."""

    key: str
    """How `--only` and the JSON call it."""
    name: str
    """How tables and plots call it."""
    module: str
    """Of this package; see `contract`."""
    venv: str = MAIN_VENV
    package: str | None = None
    """Installed in that environment; its version is shown."""
    handles_duplicates: bool = False
    """Whether only the first record with an `event_id` in a topic counts."""
    counts: bool = True
    """False: a limit, of which only the number of records read is checked."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Given to the module in its spec: tells apart contenders that share one."""
    processes: tuple[str, ...] = ()
    """Processes of the local stack that work for it beside its own: they are started, and their CPU and memory are counted."""
    warm_up: bool = False
    """Runs once before, unmeasured: a JVM that stays compiles what it runs often while it runs."""
    slow: bool = False
    """Takes minutes: left out unless asked for."""
    note: str = ""
    """How it was set up for speed, and what it does not do."""


PYTHON = Contender(
    key="python",
    name="Python, one process",
    module="plain_python",
    package="confluent-kafka",
    note="confluent-kafka in batches of 10,000, orjson, dicts and sets; prefetches up to 256 MB. Nothing is kept for a restart.",
)
"""What the others are held against."""

RAW_READ = Contender(
    key="raw",
    name="Limit: read without parsing",
    module="raw_read",
    package="confluent-kafka",
    counts=False,
    note="librdkafka's own threads, as Python, and nothing but counting what came.",
)

_FLINK = ("jobmanager", "taskmanager")

CONTENDERS: tuple[Contender, ...] = (
    Contender(
        key="livepulse",
        name="livepulse: Flink SQL",
        module="flink_family",
        package="apache-flink",
        handles_duplicates=True,
        processes=_FLINK,
        warm_up=True,
        note="The product's sources, validity rules, operators and settings; rows to an upsert topic twice a second, checkpoints.",
    ),
    PYTHON,
    Contender(
        key="python-once",
        name="Python, one process, copies found",
        module="plain_python",
        package="confluent-kafka",
        handles_duplicates=True,
        options={"once": True},
        note="The same with a set of all ids of each topic: it grows with the stream.",
    ),
    Contender(
        key="clickhouse",
        name="ClickHouse, materialized view",
        module="clickhouse_family",
        processes=("clickhouse",),
        note="A Kafka table over all topics, a view, a table of states. Copies count; a query merges the states at the end.",
    ),
    Contender(
        key="clickhouse-once",
        name="ClickHouse, materialized view, copies found",
        module="clickhouse_family",
        handles_duplicates=True,
        options={"once": True},
        processes=("clickhouse",),
        note="The same with distinct ids in place of counts: exact, and every id is kept as long as its window, in every merge.",
    ),
    Contender(
        key="spark",
        name="PySpark, structured streaming",
        module="spark_family",
        venv=BENCH_VENV,
        package="pyspark",
        note="One micro-batch over all there is, on two cores, result in memory; its JVM ran the query once before (start-up).",
    ),
    Contender(
        key="pyflink-thread",
        name="PyFlink, a Python function, in threads",
        module="flink_udf",
        package="apache-flink",
        options={"mode": "thread"},
        processes=_FLINK,
        warm_up=True,
        note="Flink's JSON format, COUNT(DISTINCT) in one phase, state on the heap, mini-batches; a lambda in Python for each.",
    ),
    Contender(
        key="pyflink-process",
        name="PyFlink, a Python function, in processes",
        module="flink_udf",
        package="apache-flink",
        options={"mode": "process"},
        processes=_FLINK,
        warm_up=True,
        note="The same, in Python processes beside the TaskManager.",
    ),
    Contender(
        key="pathway",
        name="Pathway",
        module="pathway_family",
        venv=BENCH_VENV,
        package="pathway",
        note="Two threads; its own JSON reader, expressions and reducers, no Python for a record; static: no updates on the way.",
    ),
    Contender(
        key="bytewax",
        name="Bytewax, own stateful step",
        module="bytewax_family",
        venv=BENCH_VENV,
        package="bytewax",
        note="One worker (two processes were slower: what they exchange is pickled); batches of 10,000, parsed a batch at a time, "
        "keyed by room, a StatefulBatchLogic. No recovery store.",
    ),
    Contender(
        key="bytewax-windows",
        name="Bytewax, its windows",
        module="bytewax_family",
        venv=BENCH_VENV,
        package="bytewax",
        options={"windows": True},
        note="The same with fold_window over tumbling windows, unordered; they wait for 7 days, so that nothing is late.",
    ),
    Contender(
        key="quix",
        name="Quix Streams, rows in a dict",
        module="quix_family",
        venv=BENCH_VENV,
        package="quixstreams",
        note="One function for each record, which keeps the rows in a dict and not in Quix's state; prefetches up to 256 MB.",
    ),
    Contender(
        key="quix-state",
        name="Quix Streams, its state",
        module="quix_family",
        venv=BENCH_VENV,
        package="quixstreams",
        options={"state": True},
        slow=True,
        note="As its documentation has it: a stateful function by room over the joined topics, orders and group messages through "
        "a topic of its own that is keyed by room, state in RocksDB without changelog topics.",
    ),
    RAW_READ,
    Contender(
        key="parse-only",
        name="Limit: Flink parses, counts nothing",
        module="flink_parse_only",
        package="apache-flink",
        counts=False,
        processes=_FLINK,
        warm_up=True,
        note="The product's source tables, every field checked, into a blackhole.",
    ),
)
