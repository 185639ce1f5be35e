"""What the jobs need of a compiled plan and SQL cannot say: how long state lives, when mini-batches go out, operators' names."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

_REMEMBERS_NOTHING = ("calc", "correlate", "exchange", "local-group-aggregate", "mini-batch-assigner", "sink", "union")


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
    reached = _reached(plan)
    for node in plan["nodes"]:
        if "state" in node and reached(node["id"]) <= sinks:
            for state in node["state"]:
                state["ttl"] = "0 ms"


def name_operators(plan: dict[str, Any]) -> None:
    """Numbers every operator by what it does and what it is given, instead of by its place in the plan.

    Flink finds an operator's state in a savepoint by its number. By its place, one statement more would give every operator
    after it the number, and the state, of another. A topic's reader and a table's writer are known by their names alone. How
    long state lives, and how often mini-batches are emitted, may change.

    Args:
        plan: a compiled plan of Flink, changed in place.
    """
    inputs = defaultdict(list)
    for edge in plan["edges"]:
        inputs[edge["target"]].append(edge["source"])
    nodes = {node["id"]: node for node in plan["nodes"]}
    names: dict[int, str] = {}

    def name(number: int) -> str:
        if number not in names:
            node = nodes[number]
            for end in ("scanTableSource", "dynamicTableSink"):
                if end in node:
                    does: Any = [node["type"], _table(node[end])]
                    break
            else:
                does = {key: value for key, value in node.items() if key not in ("id", "description", "miniBatchInterval", "state")}
                does = [does, [name(source) for source in inputs[number]]]
            names[number] = hashlib.sha256(json.dumps(does, sort_keys=True).encode()).hexdigest()
        return names[number]

    numbers: dict[int, int] = {}
    for number in nodes:
        new = int(name(number)[:7], 16)
        while new in numbers.values():  # two that do the same to the same
            new += 1
        numbers[number] = new
    for node in plan["nodes"]:
        node["id"] = numbers[node["id"]]
    for edge in plan["edges"]:
        edge["source"], edge["target"] = numbers[edge["source"]], numbers[edge["target"]]


def remembering(plan: dict[str, Any]) -> set[int]:
    """The numbers of the operators that have state, or places in a topic. What sinks keep is nothing that counts."""
    return {node["id"] for node in plan["nodes"] if not node["type"].removeprefix("stream-exec-").startswith(_REMEMBERS_NOTHING)}


def reached_by(plan: dict[str, Any], operators: Iterable[int]) -> frozenset[str]:
    """The names of the sinks that operators, given by number, work for."""
    return frozenset().union(*map(_reached(plan), operators))


def _reached(plan: dict[str, Any]) -> Callable[[int], frozenset[str]]:
    """Tells of an operator which sinks it works for."""
    nodes = {node["id"]: node for node in plan["nodes"]}
    targets = defaultdict(list)
    for edge in plan["edges"]:
        targets[edge["source"]].append(edge["target"])

    @cache
    def reached(number: int) -> frozenset[str]:
        if "dynamicTableSink" in nodes[number]:
            return frozenset({_table(nodes[number]["dynamicTableSink"])})
        return frozenset().union(*map(reached, targets[number]))

    return reached


def _table(end: dict[str, Any]) -> str:
    found: str = end["table"]["identifier"]
    return found.rpartition(".")[2].strip("`")
