"""How long what the jobs remember lives, by Flink's own plan of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs.catalogue import jobs
from pipelines.flink.application import compile_plan, define, flink_options, open_environment
from pipelines.flink.plan import remember_forever
from pipelines.flink.script import script
from pipelines.settings import Settings


@pytest.fixture(scope="module")
def plan(stack: Settings) -> dict[str, Any]:
    environment = open_environment(flink_options(stack, "planned"))
    application = script(list(jobs().values()), stack, group="planned")
    define(environment, application.definitions)
    planned: dict[str, Any] = json.loads(compile_plan(environment, application.inserts))
    return planned


def lives(plan: dict[str, Any]) -> dict[int, set[str]]:
    return {node["id"]: {state["ttl"] for state in node["state"]} for node in plan["nodes"] if "state" in node}


def test_only_what_works_for_buyers_alone_is_remembered_for_ever(plan: dict[str, Any], stack: Settings) -> None:
    before = lives(plan)
    assert set().union(*before.values()) == {f"{stack.state_ttl_hours // 24} d"}
    forever = [job for job in jobs().values() if job.state == "forever"]
    assert [job.name for job in forever] == ["repurchase"]
    remember_forever(plan, set(forever[0].outputs))
    changed = {number for number, ttl in lives(plan).items() if ttl == {"0 ms"}}
    assert all(ttl == before[number] for number, ttl in lives(plan).items() if number not in changed)
    kinds = {number: node["type"].removeprefix("stream-exec-") for node in plan["nodes"] if (number := node["id"]) in changed}
    # Each buyer's earliest order and the join with it; and a sum for each output.
    joins = [kind for kind in kinds.values() if kind.startswith("join")]
    sums = [kind for kind in kinds.values() if kind.startswith("global-group-aggregate")]
    assert (len(joins), len(sums), len(kinds)) == (1, 1 + len(forever[0].outputs), 2 + len(forever[0].outputs))
