"""Grafana's variables and macros become parameters, whatever people call their rooms."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.grafana.macros import Selection, UnknownMacro, bind

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 1, tzinfo=UTC)


def selection(**variables: list[str]) -> Selection:
    return Selection(START, END, 30, variables)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5))
def test_values_are_parameters_and_never_text(rooms: list[str]) -> None:
    sql, parameters = bind("SELECT 1 WHERE room_id IN (${room:sqlstring})", selection(room=rooms))
    assert sql == f"SELECT 1 WHERE room_id IN ({', '.join(f'%(room_{number})s' for number in range(len(rooms)))})"
    assert list(parameters.values()) == rooms


@given(st.text(alphabet=st.characters(exclude_characters="$")))
def test_other_text_comes_through_the_drivers_formatting_unchanged(text: str) -> None:
    sql, parameters = bind(f"{text}$__fromTime", selection())
    assert sql % {name: f"<{value}>" for name, value in parameters.items()} == f"{text}toDateTime(<{int(START.timestamp())}>)"
    assert bind(text, selection()) == (text, {})


def test_macros_mean_what_grafana_makes_of_them() -> None:
    sql, parameters = bind(
        "SELECT $__timeInterval(t), $__interval_s, $__toTime FROM x WHERE $__timeFilter(window_start)", selection()
    )
    assert sql == (
        "SELECT toStartOfInterval(toDateTime(t), INTERVAL 30 second), 30, toDateTime(%(end)s) FROM x "
        "WHERE window_start >= toDateTime(%(start)s) AND window_start <= toDateTime(%(end)s)"
    )
    assert parameters == {"start": 1_767_225_600, "end": 1_767_229_200}


def test_macros_in_milliseconds_keep_them() -> None:
    began = Selection(START + timedelta(milliseconds=7), END)
    sql, parameters = bind("SELECT $__toTime_ms FROM x WHERE $__timeFilter_ms(event_time) AND newest >= $__fromTime_ms", began)
    assert sql == (
        "SELECT fromUnixTimestamp64Milli(%(end_ms)s) FROM x WHERE event_time >= fromUnixTimestamp64Milli(%(start_ms)s) "
        "AND event_time <= fromUnixTimestamp64Milli(%(end_ms)s) AND newest >= fromUnixTimestamp64Milli(%(start_ms)s)"
    )
    assert parameters == {"start_ms": 1_767_225_600_007, "end_ms": 1_767_229_200_000}


def test_nothing_chosen_matches_nothing() -> None:
    assert bind("${room:sqlstring}", selection(room=[])) == ("%(room_0)s", {"room_0": None})


@pytest.mark.parametrize(
    "wrong",
    ["$room", "${room}", "${room:csv}", "${broadcast:sqlstring}", "$__timeGroup(t, 1m)", "$__timeFilter", "$__fromTime(t)"],
)
def test_what_would_be_pasted_or_is_unknown_is_refused_by_its_name(wrong: str) -> None:
    with pytest.raises(UnknownMacro, match=re.escape(wrong.removesuffix("(t)"))):
        bind(f"SELECT {wrong}", selection(room=["a"]))
