"""Rules of panels and of the live view that the scenario of `test_panels.py` does not reach: each over a few rows written here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from pipelines.settings import Settings
from pipelines.storage import VIEWS
from pipelines.watch import board
from tests.panels.database import Database, database

NOW = datetime(2026, 3, 4, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
def rows(stack: Settings) -> Iterator[Database]:
    with database(stack) as made:
        yield made


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def test_a_refund_does_not_turn_a_broadcast_on_again(rows: Database) -> None:
    def broadcast(room: str, name: str, viewed: datetime | None, active: datetime, newest: datetime, users: int) -> None:
        seen = {"viewers": users, "first_view_at": viewed, "last_view_at": viewed} if viewed else {}
        counted = {
            "exposed_users": users,
            "viewers_feed": users if viewed else 0,
            "active_users": users,
            "interacting_users": 1,
        } | seen
        ids = {"room_id": room, "broadcast_id": name}
        rows.put("broadcast_counters", **ids, **counted, first_activity_at=active, last_activity_at=active, last_record_at=newest)
        rows.put("broadcast_product_counters", **ids, product_id=name, orders_paid=1)
        rows.put("broadcast_product_sales_counters", **ids, product_id=name, currency="CNY", orders_paid=1, gmv_paid=100)

    # Of "old" somebody gave something back a minute ago, and paid late; "views" and "inferred" are on, with 7 and 5 people.
    broadcast("old", "yesterday", ago(days=1), ago(minutes=1), ago(minutes=1), 400)
    broadcast("gone", "inferred yesterday", None, ago(days=1), ago(minutes=1), 80)
    broadcast("views", "today", ago(minutes=2), ago(minutes=3), ago(minutes=2), 7)
    broadcast("inferred", "today too", None, ago(minutes=2), ago(minutes=2), 5)
    rooms = ["old", "gone", "views", "inferred"]
    assert rows.shown("live_room", "engaged", NOW, rooms)[0]["broadcast_audience"] == 12
    assert rows.shown("live_room", "buying", NOW, rooms)[0]["click_rate"] == 0  # of 12, where nobody is on it is None
    assert rows.shown("live_room", "buying", NOW, ["old", "gone"])[0]["click_rate"] is None
    assert rows.shown("live_room", "funnel", NOW, rooms)[0]["users"] == 12
    assert rows.shown("live_room", "sources", NOW, rooms) == [{"viewer_source": "feed", "viewers": 7}]
    assert [row["product_id"] for row in rows.shown("live_room", "products", NOW, rooms)] == ["today", "today too"]
    assert rows.shown("live_room", "money", NOW, rooms)[0]["gmv_paid"] == 2  # two orders of 1.00
    with board.Reader(rows.settings, minutes=30) as reader:
        assert {room.room_id: room.viewers for room in reader.rooms(at=NOW.timestamp())} == {"views": 7, "inferred": 5}


def test_of_several_applications_the_state_is_that_of_the_worst(rows: Database) -> None:
    def reports(job: str, uptime: float, restarts: int, checkpoint_age: float, pending: tuple[int, int]) -> None:
        figures = {"uptime": uptime * 1_000, "numRestarts": restarts}
        figures["lastCheckpointCompletedTimestamp"] = ago(seconds=checkpoint_age).timestamp() * 1_000
        for metric, value in figures.items():
            rows.put("flink_metric", inserted_at=ago(seconds=20), job=job, metric=metric, value=value)
        for subtask, value in enumerate(pending):
            at = {"inserted_at": ago(seconds=20), "operator": "Source: order_record", "subtask": subtask}
            rows.put("flink_metric", **at, job=job, metric="pendingRecords", value=value)

    reports("interaction", 9_000, 0, 10, (40, 30))
    reports("conversion", 300, 4, 90, (20, 60))
    [state] = rows.shown("pipeline_health", "state", NOW, [])
    assert (state["job_uptime"], state["restarts"], state["checkpoint_age"]) == (300, 4, 90)
    assert state["consumer_lag"] == 80  # 20 + 60, more than 40 + 30
    assert [row["consumer_lag"] for row in rows.shown("pipeline_health", "lag", NOW, [])] == [80]


@pytest.mark.parametrize(
    ("now", "week_1", "week_2"),
    [
        # Monday 2 February and Sunday 8 February: the second one's week 1 is 15 to 21 February, week 2 is 22 to 28 February.
        (datetime(2026, 2, 21, 23, tzinfo=UTC), None, None),
        (datetime(2026, 2, 22, 1, tzinfo=UTC), None, None),  # still the 21st at the date line, and nobody has bought on the 22nd
        (datetime(2026, 2, 22, 12, tzinfo=UTC), 0.5, None),  # the 22nd everywhere
        (datetime(2026, 3, 1, 12, tzinfo=UTC), 0.5, 0),
    ],
)
def test_a_week_is_shown_when_it_is_over_for_the_whole_cohort(
    rows: Database, now: datetime, week_1: float | None, week_2: float | None
) -> None:
    for user, day in (("u1", "2026-02-02"), ("u1", "2026-02-09"), ("u2", "2026-02-08")):
        rows.put("buyer_day_counters", room_id="r", user_id=user, day=date.fromisoformat(day), orders_paid=1)
    [cohort] = rows.shown("repurchase", "cohorts", now, ["r"])
    assert (cohort["cohort"], cohort["buyers"], cohort["week_1"], cohort["week_2"]) == ("2026-02-02", 2, week_1, week_2)


def test_a_week_is_over_once_somebody_has_bought_after_it(rows: Database) -> None:
    """Days are of the configured time zone, in which it may be tomorrow already: here 8 hours ahead."""
    for user, day in (("u1", "2026-02-08"), ("u1", "2026-02-15"), ("u2", "2026-02-22")):
        rows.put("buyer_day_counters", room_id="r", user_id=user, day=date.fromisoformat(day), orders_paid=1)
    new, old = rows.shown("repurchase", "cohorts", datetime(2026, 2, 21, 17, tzinfo=UTC), ["r"])
    assert (old["cohort"], old["week_1"], old["week_2"]) == ("2026-02-02", 1, None)
    assert (new["cohort"], new["week_1"]) == ("2026-02-16", None)


def test_money_is_shown_in_the_major_unit_of_its_currency(rows: Database) -> None:
    wanted = {"CNY": 1_234.5, "UGX": 123_450, "KWD": 123.45}  # of 123,450 each: hundredths, none, thousandths
    rows.put(
        "broadcast_counters", room_id="r", broadcast_id="b", viewers=10, first_view_at=ago(minutes=9), last_view_at=ago(minutes=1)
    )
    rows.put("broadcast_product_counters", room_id="r", broadcast_id="b", product_id="p", orders_paid=3)
    for currency in wanted:
        paid = {"room_id": "r", "currency": currency, "orders_paid": 1, "gmv_paid": 123_450}
        rows.put("broadcast_product_sales_counters", **paid, broadcast_id="b", product_id="p")
        rows.put("room_sales_1m_counters", **paid | {"room_id": currency}, window_start=ago(minutes=2))
        rows.put("room_1m_counters", room_id=currency, window_start=ago(minutes=2), orders_paid=1)
    for dashboard, panel in (("live_room", "money"), ("live_room", "products"), ("broadcast_review", "products")):
        shown = rows.shown(dashboard, panel, NOW, ["r"], broadcast=["b"])
        assert {row["currency"]: row["gmv_paid"] for row in shown} == wanted, (dashboard, panel)
    shown = rows.shown("all_rooms", "ranking", NOW, list(wanted))
    assert {row["currency"]: row["gmv_paid"] for row in shown} == wanted


def present(rows: Database, room: str, seconds_ago: float, viewers: int, active: int = 0) -> None:
    """A window of 10 s. Dwell and interaction each insert their own counters, which may not be merged yet."""
    window = ago(seconds=seconds_ago)
    start = window.replace(second=window.second // 10 * 10)
    at = {"window_start": start, "last_record_at": window}
    rows.put("room_10s_counters", room_id=room, **at, viewers=viewers)
    rows.put("room_10s_counters", room_id=room, **at, active_users=active, interacting_users=active)


@pytest.mark.parametrize(
    ("windows", "now_watching"),
    [
        ({35: 820, 25: 810, 15: 790, 5: 100}, 810),  # 12:00:00 is filling; the two before it had 810 and 790
        ({65: 900, 55: 810, 5: 100}, 100),  # what was a minute ago holds nothing up
        ({55: 800, 45: 800}, 0),
        ({1_500: 800}, 0),
        ({}, None),
    ],
)
def test_watching_now(rows: Database, windows: dict[float, int], now_watching: int | None) -> None:
    for seconds, viewers in windows.items():
        present(rows, "r", seconds, viewers)
    shown = rows.shown("live_room", "watching", NOW, ["r"])
    assert (shown[-1]["audience"] if shown else None) == now_watching
    assert [row["time"] for row in shown] == sorted(row["time"] for row in shown)


def test_looking_back_at_an_evening_ends_with_it(rows: Database) -> None:
    for seconds in (3_600, 3_610):
        present(rows, "r", seconds, 800)
    shown = rows.shown("live_room", "watching", ago(seconds=3_600), ["r"])
    assert [row["audience"] for row in shown] == [800, 800]


def test_rooms_without_views_are_watched_by_those_who_are_active(rows: Database) -> None:
    present(rows, "exact", 15, viewers=40, active=90)
    present(rows, "inferred", 15, viewers=0, active=7)
    minute = ago(seconds=125)
    rows.put("room_1m_counters", room_id="exact", window_start=minute, viewers=40, active_users=90)
    rows.put("room_1m_counters", room_id="inferred", window_start=minute, active_users=7, interacting_users=2)
    rooms = ["exact", "inferred"]
    ranking = rows.shown("all_rooms", "ranking", NOW, rooms)
    assert {row["room_id"]: row["watching"] for row in ranking} == {"exact": 40, "inferred": 7}
    [totals] = rows.shown("all_rooms", "totals", NOW, rooms)
    assert (totals["watching"], totals["rooms_live"]) == (47, 2)


def test_a_room_needs_attention_by_complete_minutes_and_is_stale_by_its_newest_record(rows: Database) -> None:
    def minute(room: str, minutes_ago: int, newest: datetime, viewers: int = 100) -> None:
        window = NOW.replace(second=0) - timedelta(minutes=minutes_ago)
        rows.put("room_1m_counters", room_id=room, window_start=window, viewers=viewers, last_record_at=newest)

    now = NOW.replace(second=59)
    for minutes_ago in range(1, 13):
        minute("healthy", minutes_ago, now - timedelta(seconds=60 * minutes_ago + 10))
        minute("silent", minutes_ago, now - timedelta(seconds=60 * minutes_ago + 10))
    # The minute that is filling: few came yet, which is no fall, and the newest record is a second old.
    minute("healthy", 0, now - timedelta(seconds=1), viewers=3)
    assert rows.shown("all_rooms", "attention", now, ["healthy", "silent"]) == [
        {"room_id": "silent", "attention": "nothing arrives", "now_share": 70, "usual_share": 0}
    ]


def views(rows: Database, room: str, name: str, began: datetime, slots: list[int], peak: int = 0, **counters: int) -> None:
    """A broadcast by its minutes: how many viewers were there in its slots of 10 s, added up."""
    minute = began.replace(second=0)
    for number, viewer_slots in enumerate(slots):
        row = {"room_id": room, "broadcast_id": name, "window_start": minute + timedelta(minutes=number)}
        rows.put("broadcast_concurrency_1m_counters", **row, viewer_slots=viewer_slots, peak_concurrency=peak)
    seen = {"first_view_at": minute, "last_view_at": minute + timedelta(minutes=len(slots), seconds=-1)}
    rows.put("broadcast_counters", room_id=room, broadcast_id=name, **seen, **{"viewers": 10} | counters)


def test_now_and_usual_are_of_the_same_rooms(rows: Database) -> None:
    views(rows, "a", "before", ago(days=1), [60, 120])
    views(rows, "a", "on", ago(minutes=4), [180, 240, 300])  # in its third minute the one before was over
    views(rows, "new", "on too", ago(minutes=3), [600, 600])

    def shown(*rooms: str) -> list[tuple[float, float | None]]:
        return [(row["average_audience"], row["usual_audience"]) for row in rows.shown("live_room", "usual", NOW, rooms)]

    assert shown("a", "new") == [(30, 10), (40, 20), (50, None)]  # sixths of a's slots
    assert shown("new") == [(100, None), (100, None)]
    # A room that had broadcasts, none of them in the time range, hides no other.
    views(rows, "idle", "1", ago(days=3), [60])
    views(rows, "idle", "2", ago(days=2), [60])
    assert shown("new", "idle") == [(100, None), (100, None)]


def test_the_peak_of_several_rooms_is_the_most_they_had_at_once(rows: Database) -> None:
    views(rows, "a", "a1", ago(minutes=4), [60, 60], peak=30)
    views(rows, "b", "b1", ago(minutes=3), [60], peak=50)
    # The fullest 10 s of each are not the same: together they had 30, then 25 + 45, then 50.
    for room, seconds_ago, viewers in (("a", 230, 30), ("a", 170, 25), ("b", 170, 45), ("b", 160, 50)):
        window = NOW.replace(second=0) - timedelta(seconds=seconds_ago)
        rows.put("broadcast_10s_counters", room_id=room, broadcast_id=f"{room}1", window_start=window, viewers=viewers)
    assert rows.shown("live_room", "engaged", NOW, ["a", "b"])[0]["peak_concurrency"] == 70
    assert rows.shown("live_room", "engaged", NOW, ["b"])[0]["peak_concurrency"] == 50
    # Broadcasts of a review need not have been at the same time: there it is the fullest one's.
    assert rows.shown("broadcast_review", "summary", NOW, ["a", "b"], broadcast=["a1", "b1"])[0]["peak_concurrency"] == 50


def test_viewers_from_the_community_are_of_broadcasts_of_the_time_range(rows: Database) -> None:
    views(rows, "r", "before", ago(days=1), [60], viewers_community=1)
    views(rows, "r", "in it", ago(minutes=70), [60], viewers_community=4)
    views(rows, "r", "after", ago(minutes=20), [60], viewers_community=7)
    # A refund of the first comes in the time range.
    rows.put("broadcast_counters", room_id="r", broadcast_id="before", refunds=1, last_record_at=ago(minutes=70))
    end = ago(minutes=60)
    assert [row["viewers_community"] for row in rows.shown("community", "rooms", end, ["r"])] == [4]
    assert [row["viewers_community"] for row in rows.shown("community", "summary", end, ["r"])] == [4]


def test_a_broadcast_that_was_only_watched_can_be_picked(rows: Database) -> None:
    views(rows, "r", "watched", ago(minutes=10), [60])
    views(rows, "r", "yesterday", ago(days=1), [60])
    assert rows.shown("variables", "broadcast", NOW, ["r"]) == [{"broadcast_id": "watched"}]


def test_group_chat_turns_no_other_broadcast_on(rows: Database) -> None:
    """Messages of a room's group may name no broadcast: they are the room's day's."""

    def inferred(room: str, name: str, began: datetime, newest: datetime, users: int, **counters: int) -> None:
        times = {"first_activity_at": began, "last_activity_at": newest, "last_record_at": newest}
        rows.put("broadcast_counters", room_id=room, broadcast_id=name, active_users=users, **times, **counters)

    inferred("r", "on", ago(minutes=20), ago(seconds=15), 500, interacting_users=400, paying_users=50)
    inferred("r", "day:2026-03-04", ago(hours=9), ago(seconds=5), 7, group_messages=30)
    # Of another room somebody paid without a broadcast's name, and of the third one nothing is known but chat.
    inferred("paid", "on too", ago(minutes=20), ago(seconds=15), 60, interacting_users=50)
    inferred("paid", "day:2026-03-04", ago(hours=9), ago(seconds=5), 9, paying_users=1)
    inferred("chat", "day:2026-03-04", ago(hours=9), ago(seconds=5), 8, group_messages=8)
    rooms = ["r", "paid", "chat"]
    assert rows.shown("live_room", "engaged", NOW, rooms)[0]["broadcast_audience"] == 560  # 500 + 60
    assert rows.shown("live_room", "buying", NOW, rooms)[0]["paying_users"] == 50
    with board.Reader(rows.settings, minutes=30) as reader:
        assert {room.room_id: room.viewers for room in reader.rooms(at=NOW.timestamp())} == {"r": 500, "paid": 60}


def test_looking_back_at_a_morning_shows_its_broadcast(rows: Database) -> None:
    views(rows, "r", "morning", ago(hours=10), [60], viewers=100)
    views(rows, "r", "afternoon", ago(hours=1), [60], viewers=900)
    assert rows.shown("live_room", "engaged", ago(hours=9), ["r"], minutes=70)[0]["broadcast_audience"] == 100
    assert rows.shown("live_room", "engaged", NOW, ["r"], minutes=70)[0]["broadcast_audience"] == 900


def course(rows: Database, room: str, name: str, began: datetime, viewers: list[int], interacting: int = 10) -> None:
    """A broadcast by its minutes."""
    seen = {"first_view_at": began, "last_view_at": began + timedelta(minutes=len(viewers), seconds=-1)}
    rows.put("broadcast_counters", room_id=room, broadcast_id=name, viewers=max(viewers), **seen)
    for number, watching in enumerate(viewers):
        row = {"room_id": room, "window_start": began + timedelta(minutes=number)}
        rows.put("room_1m_counters", **row, viewers=watching, active_users=interacting, interacting_users=interacting)


def chat(rows: Database, room: str, began: datetime, minutes: int) -> None:
    """Three people in the room's group, of no broadcast."""
    for number in range(minutes):
        row = {"room_id": room, "window_start": began + timedelta(minutes=number)}
        rows.put("room_1m_counters", **row, active_users=3, group_messages=3)


def test_what_changed_takes_each_room_by_its_own_past(rows: Database) -> None:
    start = NOW.replace(second=0) - timedelta(minutes=5)
    for days in range(4):  # three before the one that is on
        course(rows, "a", f"a{days}", start - timedelta(days=days), [100] * 5)
    for days in range(2):
        course(rows, "b", f"b{days}", start - timedelta(days=days), [1_000] * 5, 20)
    course(rows, "new", "n0", start, [500] * 5)

    def shown(*rooms: str) -> dict[str, tuple[str, str | None, float | None]]:
        found = rows.shown("live_room", "changed", NOW, rooms)
        return {row["metric"]: (row["now_value"], row["usual_value"], row["change"]) for row in found}

    together = shown("a", "b")
    assert together["audience"] == ("1100", "1100", 0)  # 100 + 1,000, as usual
    assert together["interaction rate by minute"] == ("2.7 %", "2.7 %", 0)  # (10 + 20) / 1,100
    assert shown("a", "new") == shown("a")
    assert shown("new")["audience"] == ("500", None, None)


def test_what_changed_knows_when_a_broadcast_is_over(rows: Database) -> None:
    start = NOW.replace(second=0) - timedelta(minutes=10)
    # "on" is in its minutes 5 to 9, when the one before was over and three people chatted; of "over" that is so today.
    course(rows, "on", "before", start - timedelta(days=1), [100] * 3)
    chat(rows, "on", start - timedelta(days=1, minutes=-3), 7)
    course(rows, "on", "today", start, [100] * 10)
    course(rows, "over", "before", start - timedelta(days=1), [100] * 10)
    course(rows, "over", "today", start, [100] * 3)
    chat(rows, "over", start + timedelta(minutes=3), 7)
    on = rows.shown("live_room", "changed", NOW, ["on"])
    assert [(row["now_value"], row["usual_value"]) for row in on if row["metric"] == "audience"] == [("100", None)]
    assert rows.shown("live_room", "changed", NOW, ["over"]) == []


def test_what_changed_takes_no_day_for_a_broadcast(rows: Database) -> None:
    start = NOW.replace(second=0) - timedelta(minutes=10)
    for days in range(2):
        course(rows, "r", f"r{days}", start - timedelta(days=days), [20] * 5 + [100] * 5)
    # Two minutes ago somebody commented without saying in which broadcast.
    times = {"first_activity_at": ago(minutes=2), "last_activity_at": ago(minutes=2)}
    rows.put(
        "broadcast_counters", room_id="r", broadcast_id="day:2026-03-04", comments=1, interacting_users=1, active_users=1, **times
    )
    [audience] = [row for row in rows.shown("live_room", "changed", NOW, ["r"]) if row["metric"] == "audience"]
    assert (audience["now_value"], audience["usual_value"], audience["change"]) == ("100", "100", 0)


def test_a_broadcast_is_compared_with_five_of_its_kind(rows: Database) -> None:
    def broadcast(room: str, name: str, began: datetime, **counters: int) -> None:
        times = {"first_activity_at": began, "last_activity_at": began} | (
            {"first_view_at": began} if "viewers" in counters else {}
        )
        rows.put("broadcast_counters", room_id=room, broadcast_id=name, **times, **counters)

    # Out of hours somebody bought twice of "r" and named no broadcast; "s" tells no views, and only its newest broadcast sold.
    for days in range(6):
        broadcast("r", f"r{days}", ago(days=days, hours=1), viewers=1_000, comments=300, paying_users=50, orders_paid=50)
        broadcast("r", f"day:{ago(days=days):%Y-%m-%d}", ago(days=days, hours=8), active_users=2, paying_users=2, orders_paid=2)
        sold = {"paying_users": 5, "orders_paid": 5} if days == 0 else {}
        broadcast("s", f"s{days}", ago(days=days, hours=1), active_users=100, interacting_users=80, comments=300, **sold)

    def before(room: str, name: str) -> dict[str, float]:
        found = rows.shown("broadcast_review", "compared", NOW, [room], broadcast=[name])
        return {row["review_metric"]: row["five_before"] for row in found}

    assert (before("r", "r0")["viewers"], before("r", "r0")["orders paid"]) == (1_000, 50)
    assert (before("s", "s0")["viewers"], before("s", "s0")["orders paid"]) == (100, 0)
    assert before("r", "day:2026-03-04")["viewers"] == 2


def test_a_review_goes_on_after_the_last_viewer_and_without_any(rows: Database) -> None:
    def minute(room: str, name: str, minutes_ago: int, active: int, orders: int) -> None:
        at = {"room_id": room, "window_start": ago(minutes=minutes_ago).replace(second=0)}
        rows.put("broadcast_1m_counters", **at, broadcast_id=name, active_users=active)
        rows.put("room_1m_counters", **at, active_users=active, orders_paid=orders)

    # "seen" had viewers for two minutes, and sold once more when they had gone; and while the next one was on, in a minute whose
    # orders are the next one's.
    views(rows, "r", "seen", ago(minutes=120), [60, 120])
    views(rows, "r", "next", ago(minutes=60), [600, 600])
    for minutes_ago, orders in ((120, 4), (119, 6), (110, 15), (60, 7)):
        minute("r", "seen", minutes_ago, 3, orders)
    minute("r", "day:2026-03-04", 110, 40, 15)  # and 40 chatted meanwhile
    # "told" is known by who took part; its last minute is filling.
    rows.put("broadcast_counters", room_id="s", broadcast_id="told", active_users=50, interacting_users=50)
    for minutes_ago, active, orders in ((2, 12, 2), (1, 10, 2), (0, 1, 0)):
        minute("s", "told", minutes_ago, active, orders)

    def shown(room: str, name: str) -> list[tuple[float, int]]:
        found = rows.shown("broadcast_review", "timeline", NOW, [room], minutes=180, broadcast=[name])
        return [(row["average_audience"], row["orders_paid"]) for row in found]

    def moved(room: str, name: str) -> list[tuple[float, float, int]]:
        found = rows.shown("broadcast_review", "moved", NOW, [room], minutes=180, broadcast=[name])
        return [(row["average_audience"], row["audience_change"], row["orders_change"]) for row in found]

    assert shown("r", "seen") == [(10, 4), (20, 6), (0, 15)]  # sixths of the slots
    assert shown("s", "told") == [(12, 2), (10, 2)]
    # 10 / (1 + 10) + 2 / (10 + 4) is less than 20 / (1 + 20) + 9 / (10 + 6).
    assert moved("r", "seen") == [(0, -20, 9), (20, 10, 2), (10, 0, 0)]
    assert moved("s", "told") == [(10, -2, 0), (12, 0, 0)]


def test_numbers_are_as_exact_as_the_newest_complete_window(rows: Database) -> None:
    def basis(room: str) -> str:
        return str(rows.shown("live_room", "trust", NOW, [room])[0]["viewers_basis"])

    present(rows, "stopped", 60, viewers=1_000, active=60)
    present(rows, "stopped", 25, viewers=0, active=60)
    assert basis("stopped") == "inferred"
    # The window that is filling may have no views yet, and one that is alone is not complete.
    present(rows, "on", 25, viewers=1_000, active=60)
    present(rows, "on", 5, viewers=0, active=60)
    present(rows, "first", 5, viewers=10, active=1)
    assert (basis("on"), basis("first"), basis("none")) == ("exact", "exact", "none")


def test_comments_of_hours_ago_are_late(rows: Database) -> None:
    def comments(count: int, hours: float, is_late: bool) -> None:
        events = [("r", ago(hours=hours), ago(minutes=1), is_late, offset) for offset in range(count)]
        rows.client.execute("INSERT INTO comment_event (room_id, event_time, received_at, is_late, _offset) VALUES", events)

    comments(30, 0.02, is_late=False)
    comments(10, 3, is_late=True)
    assert rows.shown("live_room", "trust", NOW, ["r"])[0]["late_comment_share"] == 0.25  # 10 of 40


def test_the_most_shown_product_is_what_most_people_were_shown(rows: Database) -> None:
    def exposed(user: str, product: str, times: int = 1) -> None:
        at = {"event_time": ago(minutes=3), "received_at": ago(minutes=3)}
        for number in range(times):
            row = {"event_id": f"{user} {product}", "user_id": user, "product_id": product, "_offset": 100 * ord(user[-1]) + number}
            rows.put("product_event", **at, **row, room_id="r", broadcast_id="b", action="expose")

    for user in ("u1", "u2", "u3"):
        exposed(user, "for three")
    exposed("u4", "for one", times=9)  # one event, delivered nine times
    [pin] = rows.shown("broadcast_review", "pins", NOW, ["r"], broadcast=["b"])
    assert (pin["product_id"], pin["exposed_users"]) == ("for three", 3)


def view(rows: Database, name: str) -> None:
    """Create a view that is written by hand."""
    rows.client.execute((VIEWS / f"{name}.sql").read_text(encoding="utf-8").replace("${time_zone}", "UTC"))


@pytest.mark.parametrize(("days", "buyers"), [(20, []), (21, [("r", 1)]), (36_500, [("r", 1)]), (65_535, [("r", 1)])])
def test_repurchase_looks_back_as_far_as_it_is_told(rows: Database, days: int, buyers: list[tuple[str, int]]) -> None:
    view(rows, "repurchase_as_of")
    rows.put("buyer_day_counters", room_id="r", user_id="u", day=date(2026, 3, 11), orders_paid=1)
    sql = "SELECT room_id, buyers FROM repurchase_as_of(as_of = '2026-03-31', days = %(days)s) WHERE room_id IN ('r')"
    assert rows.client.execute(sql, {"days": days}) == buyers


def test_a_rate_of_no_buyers_is_not_known(rows: Database) -> None:
    view(rows, "repurchase")
    nobody = {"repurchase_rate_30d": None, "repurchase_rate_90d": None, "repurchase_rate_all": None, "days_between_orders": None}
    assert rows.shown("repurchase", "rates", NOW, []) == [nobody | {"buyers_again": 0, "buyers": 0}]
    long_ago = {"first_paid_at": ago(days=60), "last_paid_at": ago(days=60)}
    rows.put("buyer_day_counters", room_id="r", user_id="u", day=ago(days=60).date(), orders_paid=1, **long_ago)
    [rates] = rows.shown("repurchase", "rates", datetime.now(UTC), [])
    assert (rates["repurchase_rate_all"], rates["repurchase_rate_30d"], rates["buyers"]) == (0, None, 1)


def test_how_fresh_nothing_is_is_not_known(rows: Database) -> None:
    assert rows.shown("pipeline_health", "state", NOW, [])[0]["freshness_seconds"] is None
    present(rows, "r", 15, viewers=1)
    assert rows.shown("pipeline_health", "state", NOW, [])[0]["freshness_seconds"] == 15


def test_without_views_the_peak_is_not_known(rows: Database) -> None:
    times = {"first_activity_at": ago(minutes=20), "last_activity_at": ago(minutes=1)}
    rows.put("broadcast_counters", room_id="s", broadcast_id="told", active_users=50, interacting_users=50, **times)
    views(rows, "r", "seen", ago(minutes=4), [60], peak=12)
    rows.put("broadcast_10s_counters", room_id="r", broadcast_id="seen", window_start=ago(minutes=4).replace(second=0), viewers=12)

    def peaks(rooms: list[str]) -> tuple[int | None, int | None]:
        live = rows.shown("live_room", "engaged", NOW, rooms)[0]["peak_concurrency"]
        review = rows.shown("broadcast_review", "summary", NOW, rooms, broadcast=["told", "seen"])[0]["peak_concurrency"]
        return live, review

    assert peaks(["s"]) == (None, None)
    assert peaks(["r", "s"]) == (12, 12)
    with board.Reader(rows.settings, minutes=30) as reader:
        assert {room.room_id: room.peak_viewers for room in reader.rooms(at=NOW.timestamp())} == {"r": 12, "s": None}


def test_money_is_divided_by_viewers_of_broadcasts_that_sold_in_its_currency(rows: Database) -> None:
    for room, currency, viewers in (("china", "CNY", 900), ("japan", "JPY", 100)):
        views(rows, room, room, ago(minutes=4), [60], viewers=viewers)
        sold = {"room_id": room, "broadcast_id": room, "currency": currency}
        for product in ("p1", "p2"):
            rows.put("broadcast_product_sales_counters", **sold, product_id=product, orders_paid=1, gmv_paid=4_500)
    found = {row["currency"]: row for row in rows.shown("live_room", "money", NOW, ["china", "japan"])}
    # 90.00 to 900 viewers, and 9,000 to 100: not to 1,000.
    assert (found["CNY"]["uv_value"], found["CNY"]["gpm"]) == (0.1, 100)
    assert (found["JPY"]["uv_value"], found["JPY"]["gpm"]) == (90, 90_000)


def test_products_rank_by_orders_as_money_of_several_currencies_does_not_compare(rows: Database) -> None:
    views(rows, "r", "b", ago(minutes=4), [60])

    def product(name: str, **orders: tuple[int, int]) -> None:
        ids = {"room_id": "r", "broadcast_id": "b", "product_id": name}
        rows.put("broadcast_product_counters", **ids, orders_paid=sum(count for count, _ in orders.values()))
        for currency, (count, money) in orders.items():
            rows.put("broadcast_product_sales_counters", **ids, currency=currency, orders_paid=count, gmv_paid=money)

    for number in range(20):
        product(f"won {number:02}", KRW=(1, 10_000))  # 7 USD
    product("dollars", USD=(5, 500_000), CNY=(2, 20_000))  # 5,000.00 USD
    shown = rows.shown("live_room", "products", NOW, ["r"])
    assert [(row["product_id"], row["currency"], row["orders_paid"], row["gmv_paid"]) for row in shown[:3]] == [
        ("dollars", "USD", 5, 5_000), ("dollars", "CNY", 2, 200), ("won 00", "KRW", 1, 10_000)
    ]  # fmt: skip
    review = rows.shown("broadcast_review", "products", NOW, ["r"], broadcast=["b"])
    assert [(row["product_id"], row["currency"]) for row in review[:2]] == [("dollars", "USD"), ("dollars", "CNY")]


def test_trends_of_a_table_have_one_time_axis(rows: Database) -> None:
    def minute(name: str, minutes_ago: int) -> None:
        at = {"window_start": NOW.replace(second=0) - timedelta(minutes=minutes_ago)}
        rows.put("room_1m_counters", room_id=name, viewers=10, orders_paid=1, **at)
        rows.put("group_1m_counters", group_id=name, messages=1, members=1, **at)

    minute("first", 23)
    minute("last", 1)
    for minutes_ago in range(24):
        minute("always", minutes_ago)
    ranking = {row["room_id"]: row for row in rows.shown("all_rooms", "ranking", NOW, ["always", "first", "last"], minutes=24)}
    groups = {row["group_id"]: row for row in rows.shown("community", "groups", NOW, [], minutes=24)}
    for found, trend in ((ranking, "audience_trend"), (ranking, "orders_trend"), (groups, "message_trend")):
        bars = {name: [place for place, bar in enumerate(row[trend]) if bar != " "] for name, row in found.items()}
        assert len(bars["always"]) > 20
        assert max(bars["first"]) < 4
        assert min(bars["last"]) > 20


def test_who_goes_on_chatting_after_a_broadcast_does_not_watch(rows: Database) -> None:
    def minute(room: str, minutes_ago: int, **counters: int) -> None:
        window = NOW.replace(second=0) - timedelta(minutes=minutes_ago)
        newest = {"last_record_at": ago(seconds=5)}
        rows.put("room_1m_counters", room_id=room, window_start=window, **newest, **counters)

    # "over" had 400 viewers, of whom 40 did something, until three minutes ago; 160 go on chatting, 10 of them in comments.
    for minutes_ago in range(4, 13):
        minute("over", minutes_ago, viewers=400, active_users=60, interacting_users=40, paying_users=8)
    for minutes_ago in range(4):
        minute("over", minutes_ago, active_users=160, interacting_users=10, group_messages=300)
    # "told" tells no views, and of its 100 ever fewer do anything else than chat.
    for minutes_ago in range(13):
        minute("told", minutes_ago, active_users=100, interacting_users=50 if minutes_ago > 3 else 5)
    found = rows.shown("all_rooms", "attention", NOW, ["over", "told"])
    assert [(row["room_id"], row["attention"], row["now_share"], row["usual_share"]) for row in found] == [
        ("over", "audience falls", 0, 360),  # 9 minutes of 400, of ten
        ("told", "interaction falls", 0.05, 0.5),
    ]


def test_a_room_with_nothing_but_group_chat_is_not_live(rows: Database) -> None:
    for room, doing in (("chat", {"group_messages": 8}), ("paid", {"paying_users": 1}), ("comments", {"interacting_users": 1})):
        rows.put("room_10s_counters", room_id=room, window_start=ago(seconds=15), active_users=8, **doing)
        rows.put("room_1m_counters", room_id=room, window_start=ago(seconds=125), active_users=8, **doing)
    rooms = ["chat", "comments", "paid"]
    [totals] = rows.shown("all_rooms", "totals", NOW, rooms)
    assert (totals["watching"], totals["rooms_live"]) == (16, 2)
    assert {row["room_id"]: row["watching"] for row in rows.shown("all_rooms", "ranking", NOW, rooms)} == {
        "chat": 0, "comments": 8, "paid": 8
    }  # fmt: skip


def test_a_refund_in_another_currency_is_none_of_its_payment(rows: Database) -> None:
    view(rows, "sales_by_payment_day")

    def order(number: int, order_id: str, status: str, amount: int, currency: str) -> None:
        at = {"day": NOW.date(), "event_time": NOW, "received_at": NOW, "_offset": number}
        ids = {"event_id": f"e{number}", "room_id": "r", "order_id": order_id}
        rows.put("order_event", **at, **ids, status=status, amount=amount, currency=currency)

    order(1, "o1", "paid", 10_000, "JPY")
    order(2, "o1", "refunded", 7_000, "USD")
    order(3, "o1", "refunded", 400, "JPY")
    sql = "SELECT currency, gmv_paid, gmv_refunded, gmv_net, orders_refunded FROM sales_by_payment_day"
    assert rows.client.execute(sql) == [("JPY", 10_000, 400, 9_600, 1)]


def test_buyers_are_shown_of_broadcasts_of_the_time_range(rows: Database) -> None:
    sold = {"paying_users": 2, "orders_paid": 2}
    views(rows, "r", "before", ago(days=1), [60], **sold)
    views(rows, "r", "in it", ago(minutes=20), [60], **sold)
    rows.put("broadcast_counters", room_id="r", broadcast_id="before", refunds=1, last_record_at=ago(minutes=5))
    assert [row["broadcast_id"] for row in rows.shown("repurchase", "broadcasts", NOW, ["r"])] == ["in it"]
