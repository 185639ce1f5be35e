"""Two rooms and two groups, in a year that no other test sends events of, so that panels which choose nothing are alone too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.realdata.record import Record

NOON = datetime(2021, 3, 3, 12, tzinfo=UTC)
"""When room A's broadcast "a2" begins."""
A, B = "panels-a", "panels-b"


class _Events:
    """Counts the events, for their ids, and knows what all of them have."""

    def __init__(self) -> None:
        self._count = 0

    def event(self, topic: str, second: float, user: str, room: str | None, stream: str | None, **fields: object) -> Record:
        self._count += 1
        at = int((NOON.timestamp() + second) * 1_000)
        known = {"room_id": room, "stream_id": stream} | fields
        event = {
            "event_id": f"panels-{self._count}",
            "event_time": at,
            "schema_version": 1,
            "platform": "douyin",
            "user_id": f"panels-{user}",
        } | {name: value for name, value in known.items() if value is not None}
        key = user if topic == "order" else room or str(fields["group_id"])
        return Record(topic, key.encode(), at, json.dumps(event).encode())


def records() -> Iterator[Record]:
    """Everything that happens, by room. Seconds are after `NOON`."""
    event = _Events().event

    # Room A, a broadcast that began a minute before the 14 days that 12:05 looks back: none of it is usual.
    edge = 300 - 14 * 86_400
    for second in (-60, 0):
        yield event("view", edge + second, "u7", A, "a-1", action="heartbeat", source="feed")

    # Room A, nine days before ("a0"): all that is known is that somebody bought.
    old = -9 * 86_400
    yield event("order", old, "u6", A, "a0", order_id="o0", product_id="p1", quantity=1, amount=700, currency="CNY", status="paid")

    # Room A, two hours before ("a1", from 10:00): three viewers, all from the feed; two buy, u6 for the second time.
    first = -7_200
    for user, until in (("u1", 120), ("u2", 60), ("u6", 60)):
        yield event("view", first, user, A, "a1", action="enter", source="feed")
        for second in range(0, until, 10):
            yield event("view", first + second, user, A, "a1", action="heartbeat", source="feed")
    for second in (5, 25):
        yield event("comment", first + second, "u2", A, "a1", text="hello")
    yield event("product", first + 10, "u1", A, "a1", action="click", product_id="p1")
    for second, user, number, amount in ((20, "u1", "o1", 1_000), (30, "u6", "o6", 700)):
        yield event(
            "order", first + second, user, A, "a1", order_id=number, product_id="p1", quantity=1, amount=amount, currency="CNY",
            status="paid",
        )  # fmt: skip

    # Room A, the broadcast that is on ("a2", from 12:00): five viewers over two minutes.
    visits = (("u1", "community", 0, 120), ("u2", "community", 0, 120), ("u3", "feed", 0, 60), ("u4", "search", 0, 60))
    for user, source, since, until in (*visits, ("u5", "paid", 60, 120)):
        yield event("view", since, user, A, "a2", action="enter", source=source)
        for second in range(since, until, 10):
            yield event("view", second, user, A, "a2", action="heartbeat", source=source)
    for second, user in ((5, "u1"), (15, "u1"), (70, "u3")):
        yield event("comment", second, user, A, "a2", text="nice")
    yield event("like", 20, "u2", A, "a2", count=50)
    yield event("like", 80, "u5", A, "a2", count=3)
    for user in ("u1", "u2", "u3", "u4"):
        yield event("product", 10, user, A, "a2", action="expose", product_id="p1")
    for user in ("u1", "u2"):
        yield event("product", 65, user, A, "a2", action="expose", product_id="p2")
        yield event("product", 12, user, A, "a2", action="click", product_id="p1")
    yield event("product", 70, "u2", A, "a2", action="click", product_id="p2")
    yield event("product", 14, "u1", A, "a2", action="cart", product_id="p1")

    def order(second: float, user: str, number: str, product: str, amount: int, currency: str, status: str = "paid") -> Record:
        return event(
            "order", second, user, A, "a2", order_id=number, product_id=product, quantity=1, amount=amount, currency=currency,
            status=status, source="community",
        )  # fmt: skip

    yield order(30, "u1", "o2", "p1", 1_000, "CNY")
    yield order(75, "u2", "o3", "p2", 3_000, "CNY")
    yield order(85, "u2", "o4", "p1", 500, "JPY")
    yield order(90, "u1", "o2", "p1", 400, "CNY", "refunded")

    # Room B ("b1", from 12:01): no views at all, so its audience is inferred from who was active.
    yield event("comment", 65, "b1", B, "b1", text="hi")
    yield event("comment", 70, "b2", B, "b1", text="hi")
    yield event("like", 75, "b1", B, "b1", count=2)
    yield event("order", 80, "b3", B, "b1", order_id="o5", product_id="p9", quantity=1, amount=2_000, currency="USD", status="paid")

    # Two groups: one is answered by staff, one waits. Group messages here belong to no room.
    for second, user, group, role in ((0, "m1", "g1", "member"), (10, "m2", "g1", "member"), (130, "s1", "g1", "staff")):
        yield event("group_message", second, user, None, None, group_id=f"panels-{group}", text="?", role=role)
    for second in (60, 200):
        yield event("group_message", second, "m3", None, None, group_id="panels-g2", text="?", role="member")
