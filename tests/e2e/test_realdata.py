"""Recorded rooms, chats and purchases through the whole pipeline, held against a few lines of Python over the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from pipelines.settings import Settings
from tests.e2e.pipeline import await_tables, new_prefix, prefixed, query, send, wait_for
from tests.golden.case import TIME_ZONE
from tests.judge.recompute import recompute
from tests.realdata import cdnow, danmaku, expected, irc
from tests.realdata.record import Record

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the recordings (shared/data, not ours to ship) are not beside this checkout"
)


def own(records: Iterator[Record], prefix: str) -> list[Record]:
    """The records of a recording, all prefixed."""
    return [prefixed(record, prefix) for record in records]


@pytest.mark.parametrize("room", ["14917277", "21195793", "21302477"])
def test_danmaku_comments_by_minute(room: str, stack: Settings) -> None:
    prefix = new_prefix()
    records = own(danmaku.records(DATA / "danmaku" / room), prefix)
    send(stack, records)
    by_minute = expected.danmaku_comments_per_minute(DATA / "danmaku" / room)

    def counted() -> Counter[object]:
        rows = query(stack, "SELECT window_start, comments FROM room_1m WHERE startsWith(room_id, %(prefix)s)", prefix=prefix)
        return Counter({start.replace(tzinfo=UTC): count for start, count in rows})

    wait_for(lambda: counted() == by_minute, f"{sum(by_minute.values())} comments in {len(by_minute)} minutes")

    def basis_and_rate() -> tuple[object, ...]:
        sql = "SELECT any(viewers_basis), max(interaction_rate) FROM broadcast WHERE startsWith(room_id, %(prefix)s)"
        [row] = query(stack, sql, prefix=prefix)
        return row

    # Who is only known to have commented has interacted. A topic of its own: minutes that are there say nothing of it.
    wait_for(lambda: basis_and_rate() == ("inferred", 1.0), "every inferred viewer interacting")


@pytest.mark.parametrize("file", sorted((DATA / "irc").glob("*.raw.txt")), ids=lambda file: file.name)
def test_irc_messages_nicks_and_sessions(file: Path, stack: Settings) -> None:
    prefix = new_prefix()
    chat = expected.irc(file)
    send(stack, own(irc.records(file), prefix))

    def messages() -> int:
        [(count,)] = query(stack, "SELECT sum(messages) FROM group_1m WHERE startsWith(group_id, %(p)s)", p=prefix)
        return int(count or 0)

    def nicks() -> int:
        [(count,)] = query(stack, "SELECT uniqExact(user_id) FROM group_message_event WHERE startsWith(user_id, %(p)s)", p=prefix)
        return int(count)

    def sessions() -> Counter[tuple[str, int]]:
        sql = """SELECT user_id, dateDiff('minute', started_at, ended_at) FROM viewer_session
            WHERE startsWith(user_id, %(p)s) AND has_left"""
        return Counter((nick.removeprefix(prefix), minutes) for nick, minutes in query(stack, sql, p=prefix))

    wait_for(lambda: messages() == chat.messages, f"{chat.messages} messages")
    wait_for(lambda: nicks() == len(chat.nicks), f"{len(chat.nicks)} nicks")
    # The topics are read apart: messages that are counted say nothing of joins and leaves.
    wait_for(lambda: sessions() == Counter(chat.sessions), f"sessions {chat.sessions}")


def test_cdnow_repurchase_and_revenue(stack: Settings) -> None:
    prefix = new_prefix()
    file = DATA / "cdnow" / "CDNOW_sample.txt"
    records = own(cdnow.records(file), prefix)
    send(stack, records)
    purchases = expected.cdnow(file)
    comparison = await_tables(stack, recompute(records, time_zone=TIME_ZONE).tables, prefix, seconds=120)
    assert comparison.ok, str(comparison)
    [(buyers, repeat_buyers, rate, orders)] = query(
        stack,
        """SELECT buyers, repeat_buyers, repurchase_rate, orders_paid FROM repurchase
        WHERE period = 'all' AND startsWith(room_id, %(p)s)""",
        p=prefix,
    )
    assert (buyers, repeat_buyers, orders) == (purchases.customers, purchases.repeat_customers, purchases.purchases)
    assert rate == pytest.approx(purchases.repeat_rate)
    [(cents, units)] = query(
        stack, "SELECT sum(gmv_paid), sum(units_paid) FROM broadcast_sales WHERE startsWith(room_id, %(p)s)", p=prefix
    )
    assert (cents, units) == (purchases.cents, purchases.units)
