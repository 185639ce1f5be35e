"""What the jobs need of a compiled plan and SQL cannot say: how long state lives, and when mini-batches are emitted."""

from __future__ import annotations

from collections import defaultdict
from typing import Any


def flush_by_the_clock(plan: dict[str, Any]) -> None:
    """Lets every topic's reader start a mini-batch when the clock says so, instead of when a watermark passes.

    Flink 2.3 takes each process table function for one that works by event time, and has the readers before it wait for watermarks.
    The sources have none (a number on a board does not wait for one): a mini-batch would be emitted at a checkpoint only.

    Args:
        plan: a compiled plan of Flink, changed in place.
    """
    for node in plan["nodes"]:
        if node["type"].startswith("stream-exec-mini-batch-assigner"):
            node["miniBatchInterval"]["mode"] = "ProcTime"


def remember_forever(plan: dict[str, Any], sinks: set[str]) -> None:
    """Takes the time limit from the state of every operator that works for the named sinks alone.

    Args:
        plan: a compiled plan of Flink, changed in place.
        sinks: names of sink tables.
    """
    nodes = {node["id"]: node for node in plan["nodes"]}
    targets = defaultdict(list)
    for edge in plan["edges"]:
        targets[edge["source"]].append(edge["target"])

    def reached(node: int) -> set[str]:
        sink = nodes[node].get("dynamicTableSink")
        if sink is not None:
            return {sink["table"]["identifier"].rpartition(".")[2].strip("`")}
        return set().union(*(reached(target) for target in targets[node]))

    for number, node in nodes.items():
        if "state" in node and reached(number) <= sinks:
            for state in node["state"]:
                state["ttl"] = "0 ms"
