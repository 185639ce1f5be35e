"""Every kind that can reach `novelty` is in its list: another one would fail the job, again and again."""

from __future__ import annotations

import re

import pytest

from jobs.catalogue import jobs
from schemas.events import EVENTS
from schemas.rules import field_rules

# uid -> the fields whose words become kinds.
FROM_FIELDS = {
    "presence": [("view", "source")],
    "funnel": [("product", "action"), ("order", "status")],
    "group_activity": [("group_message", "role")],
}
CALL = re.compile(r"novelty\(.*?kinds => '(?P<kinds>[^']*)',\s*uid => '(?P<uid>\w+)'", re.DOTALL)
CALLS = {call["uid"]: (job, call["kinds"].split(", ")) for job in jobs().values() for call in CALL.finditer(job.sql)}


def test_every_call_is_found() -> None:
    assert {"activity", "presence", "funnel", "group_activity"} <= set(CALLS)
    assert len(CALLS) == sum(job.sql.count("novelty(") for job in jobs().values()), (
        "a call without kinds or uid, or a uid used twice"
    )


@pytest.mark.parametrize("uid", sorted(FROM_FIELDS))
def test_kinds_have_every_word_of_the_models(uid: str) -> None:
    _, kinds = CALLS[uid]
    for event, field in FROM_FIELDS[uid]:
        [rule] = [rule for rule in field_rules(EVENTS[event]) if rule.name == field]
        assert rule.values and set(rule.values) <= set(kinds)


@pytest.mark.parametrize("uid", sorted(CALLS))
def test_kinds_have_every_literal_of_the_query(uid: str) -> None:
    job, kinds = CALLS[uid]
    view = re.search(rf"CREATE TEMPORARY VIEW {uid} AS(.*?);", job.sql, re.DOTALL)
    assert view, "the table given to novelty is a view named like its uid"
    literals = re.findall(r"SELECT\s+'(\w+)'(?:\s+AS kind)?,\s+(?:'(\w+)')?", view[1])
    assert {name for pair in literals for name in pair if name} <= set(kinds)
    assert len(kinds) == len(set(kinds)) <= 8
