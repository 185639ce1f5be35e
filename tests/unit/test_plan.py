"""Operators keep their names, and so their state, when the SQL around them changes."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import pytest

from pipelines.flink.plan import name_operators, reached_by, remembering


def node(number: int, type_: str, **does: Any) -> dict[str, Any]:
    return {"id": number, "type": f"stream-exec-{type_}_1", "description": f"{type_} {number}", **does}


def table(kind: str, name: str) -> dict[str, Any]:
    return {kind: {"table": {"identifier": f"`default_catalog`.`default_database`.`{name}`"}}}


def plan(*nodes: dict[str, Any], edges: str) -> dict[str, Any]:
    pairs = [edge.split(">") for edge in edges.split()]
    return {"nodes": list(nodes), "edges": [{"source": int(a), "target": int(b)} for a, b in pairs]}


LIKES = plan(
    node(1, "table-source-scan", **table("scanTableSource", "like_record")),
    node(2, "calc", projection=["room_id"]),
    node(3, "global-group-aggregate", grouping=[0], state=[{"index": 0, "ttl": "100 ms"}]),
    node(4, "sink", **table("dynamicTableSink", "likes")),
    edges="1>2 2>3 3>4",
)


def named(changed: dict[str, Any]) -> dict[str, Any]:
    found = copy.deepcopy(changed)
    name_operators(found)
    return found


def names(changed: dict[str, Any]) -> dict[str, int]:
    return {node["description"]: node["id"] for node in named(changed)["nodes"]}


def test_edges_lead_where_they_led() -> None:
    found = named(LIKES)
    of = {node["description"]: node["id"] for node in found["nodes"]}
    chain = [of["table-source-scan 1"], of["calc 2"], of["global-group-aggregate 3"], of["sink 4"]]
    assert found["edges"] == [{"source": a, "target": b} for a, b in pairwise(chain)]


def test_the_place_in_the_plan_does_not_matter() -> None:
    moved = copy.deepcopy(LIKES)
    for moved_node in moved["nodes"]:
        moved_node["id"] += 10
    for edge in moved["edges"]:
        edge["source"], edge["target"] = edge["source"] + 10, edge["target"] + 10
    moved["nodes"].reverse()
    assert names(moved) == names(LIKES)


def test_another_output_changes_no_name() -> None:
    more = copy.deepcopy(LIKES)
    more["nodes"] += [
        node(5, "global-group-aggregate", grouping=[0, 1], state=[]),
        node(6, "sink", **table("dynamicTableSink", "likes_by_user")),
    ]
    more["edges"] += [{"source": 2, "target": 5}, {"source": 5, "target": 6}]
    found = names(more)
    assert {key: found[key] for key in names(LIKES)} == names(LIKES)
    new = remembering(named(more)) - remembering(named(LIKES))
    assert new == {found["global-group-aggregate 5"]}
    assert reached_by(named(more), new) == {"likes_by_user"}


@pytest.mark.parametrize("changed", ["state", "miniBatchInterval"])
def test_how_long_and_how_often_changes_no_name(changed: str) -> None:
    other = copy.deepcopy(LIKES)
    other["nodes"][2][changed] = [{"index": 0, "ttl": "0 ms"}]
    assert names(other) == names(LIKES)


def test_what_comes_after_a_change_has_another_name() -> None:
    other = copy.deepcopy(LIKES)
    other["nodes"][1]["projection"] = ["user_id"]
    same = {key for key, name in names(other).items() if name == names(LIKES)[key]}
    assert same == {"table-source-scan 1", "sink 4"}


def test_two_that_do_the_same_have_two_names() -> None:
    twice = copy.deepcopy(LIKES)
    twice["nodes"].append(node(5, "calc", projection=["room_id"]))
    twice["edges"].append({"source": 1, "target": 5})
    assert len(set(names(twice).values())) == 5


def test_who_remembers_and_for_whom() -> None:
    found = named(LIKES)
    assert remembering(found) == {names(LIKES)["table-source-scan 1"], names(LIKES)["global-group-aggregate 3"]}
    assert reached_by(found, remembering(found)) == {"likes"}
