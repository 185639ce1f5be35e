"""PyFlink with one function in Python for each event, in `python.execution-mode: thread`: see `flink_udf`."""

from __future__ import annotations

from tests.bench.family.flink_udf import count

if __name__ == "__main__":
    count("thread")
