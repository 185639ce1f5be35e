"""Recordings through the converters and the judge, against figures that were counted straight from the files."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.judge.recompute import recompute
from tests.judge.tables import Key, Rows
from tests.realdata import cdnow, danmaku, expected, irc
from tests.realdata.record import Record

DATA = Path(__file__).parents[2].parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the recordings (shared/data beside the checkout) are not here")

ROOMS = sorted(path for path in (DATA / "danmaku").glob("*") if path.is_dir())
EXCERPTS = sorted((DATA / "irc").glob("*.raw.txt"))


def events(records: list[Record]) -> list[dict[str, Any]]:
    return [orjson.loads(one.value) for one in records]


def of(rows: Rows, first: str) -> dict[Key, dict[str, int]]:
    return {key: row for key, row in rows.items() if key[0] == first}


@pytest.mark.parametrize("folder", ROOMS, ids=lambda folder: folder.name)
def test_danmaku(folder: Path) -> None:
    records = list(danmaku.records(folder))
    result = recompute(records, time_zone="Asia/Shanghai")
    per_minute = expected.danmaku_comments_per_minute(folder)
    assert result.summary() == Counter(valid=per_minute.total())
    counted = {datetime.fromtimestamp(int(key[1]), UTC): row["comments"] for key, row in result.tables["room_1m"].items()}
    assert counted == per_minute
    assert {key[0] for key in result.tables["room_1m"]} == {folder.name}
    # Spread within the minute, in the file's order, and never beyond it.
    times = [one.timestamp_ms for one in records]
    assert times == sorted(times)
    assert len({event["event_id"] for event in events(records)}) == len(records)
    # One broadcast a day, the day of Shanghai that names the file.
    days = {f"day:{datetime.strptime(file.stem, '%Y-%m-%d').date()}" for file in folder.iterdir()}
    assert {key[1] for key in result.tables["broadcast"]} == days
    assert all(str(event["user_id"]).startswith("invented-") for event in events(records))


def test_danmaku_in_figures() -> None:
    totals = {folder.name: expected.danmaku_comments_per_minute(folder).total() for folder in ROOMS}
    assert totals == {"14917277": 63_044, "21195793": 5_309, "21302477": 22_731}


@pytest.mark.parametrize("file", EXCERPTS, ids=lambda file: file.name)
def test_irc(file: Path) -> None:
    records = list(irc.records(file))
    result = recompute(records)
    chat = expected.irc(file)
    assert set(result.summary()) == {"valid"}
    key = ("ubuntu", file.name.removesuffix(".raw.txt"))
    broadcast = result.tables["broadcast"][key]
    assert list(result.tables["broadcast"]) == [key]
    assert broadcast["group_messages"] == chat.messages
    assert broadcast["active_users"] == len(chat.nicks)
    assert broadcast["viewers"] == broadcast["viewers_community"] == len(chat.joined)
    assert sum(row["messages"] for row in result.tables["group_1m"].values()) == chat.messages
    assert all(row["staff"] == 0 for row in result.tables["group_1m"].values())
    times = [one.timestamp_ms for one in records]
    assert times == sorted(times)
    # Sessions: the converted events pair up as the file's lines do.
    inside: dict[str, int] = {}
    sessions = []
    for event in events(records):
        if event.get("action") == "enter":
            inside[event["user_id"]] = event["event_time"] // 60_000
        elif event.get("action") == "leave" and event["user_id"] in inside:
            sessions.append((event["user_id"], event["event_time"] // 60_000 - inside.pop(event["user_id"])))
    assert sessions == chat.sessions


def test_irc_in_figures() -> None:
    chats = {file.name.removesuffix(".raw.txt"): expected.irc(file) for file in EXCERPTS}
    assert sum(chat.messages for chat in chats.values()) == 11_615
    # Who wrote, who joined, and the minutes of the sessions that have a join and a leave: since 2008 the log tells of neither.
    assert {
        name: (len(chat.nicks), len(chat.joined), [minutes for _, minutes in chat.sessions]) for name, chat in chats.items()
    } == {
        "2004-11-15_03": (76, 104, [0, 13, 28, 4, 19, 0, 61, 40, 8, 28]),
        "2005-06-27_12": (77, 173, [3, 1, 2, 10, 5, 2, 10, 83, 24]),
        "2005-08-08_01": (95, 124, [10, 2, 39, 8, 0, 8, 2, 16, 9, 13]),
        "2008-12-11_11": (142, 0, []),
        "2009-02-23_10": (111, 0, []),
        "2009-03-03_10": (134, 0, []),
        "2009-10-01_17": (166, 0, []),
        "2011-05-29_19": (152, 0, []),
        "2011-11-13_02": (164, 0, []),
        "2016-12-19_20": (165, 0, []),
    }


def test_irc_clocks() -> None:
    """The excerpts of 2004 and 2005-08 pass noon by a clock of twelve hours; that of 2011-11 passes midnight."""

    def hours(name: str) -> tuple[datetime, datetime]:
        times = [one.timestamp_ms for one in irc.records(DATA / "irc" / f"{name}.raw.txt")]
        return datetime.fromtimestamp(times[0] // 1_000, UTC), datetime.fromtimestamp(times[-1] // 1_000, UTC)

    begin, end = hours("2004-11-15_03")
    assert (begin.strftime("%d %H:%M"), end.strftime("%d %H:%M")) == ("15 12:18", "15 16:51")
    begin, end = hours("2005-08-08_01")
    assert (begin.strftime("%d %H:%M"), end.strftime("%d %H:%M")) == ("08 11:29", "08 13:23")
    begin, end = hours("2011-11-13_02")
    assert (begin.strftime("%d %H:%M"), end.strftime("%d %H:%M")) == ("13 21:29", "14 03:26")


def test_cdnow() -> None:
    file = DATA / "cdnow" / "CDNOW_sample.txt"
    result = recompute(cdnow.records(file))
    purchases = expected.cdnow(file)
    assert result.summary() == Counter(valid=purchases.purchases)
    sales = of(result.tables["broadcast_sales"], "cdnow").values()
    assert {key[2] for key in result.tables["broadcast_sales"]} == {"USD"}
    assert sum(row["orders_paid"] for row in sales) == purchases.purchases
    assert sum(row["units_paid"] for row in sales) == purchases.units
    assert sum(row["gmv_paid"] for row in sales) == purchases.cents
    orders: Counter[str] = Counter()
    for (_, user, _), row in result.tables["buyer_day"].items():
        orders[str(user)] += row["orders_paid"]
    assert len(orders) == purchases.customers
    assert sum(count >= 2 for count in orders.values()) == purchases.repeat_customers
    minutes = result.tables["room_1m"].values()
    assert sum(row["orders_paid"] - row["repeat_orders"] for row in minutes) == purchases.customers  # each is new once


def test_cdnow_in_figures() -> None:
    purchases = expected.cdnow(DATA / "cdnow" / "CDNOW_sample.txt")
    assert (purchases.purchases, purchases.customers) == (6_919, 2_357)
    assert purchases.repeat_customers == 1_152
    assert round(purchases.repeat_rate, 4) == 0.4888
    assert purchases.units == 16_479
    assert purchases.cents == 24_409_194


def test_cdnow_day_does_not_depend_on_the_zone() -> None:
    """Noon UTC is the same day from Honolulu to Tokyo."""
    records = list(cdnow.records(DATA / "cdnow" / "CDNOW_sample.txt"))
    west, east = (recompute(records, time_zone=zone).tables["buyer_day"] for zone in ("Pacific/Honolulu", "Asia/Tokyo"))
    assert west == east
