"""CDNOW's purchases (data published by B. Hardie; copy of CamDavidsonPilon/lifetimes, MIT) as paid `order` records.

A line is `master_id sample_id YYYYMMDD quantity dollars`. The file names no orders: identical lines are different
purchases, so the line's number makes the order id. Declared here: one room, `cdnow`; one product, `cd`; noon UTC of
the day; US dollars. A purchase of $0.00 is real.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.realdata.record import Record, record

ROOM = "cdnow"


def records(file: Path) -> Iterator[Record]:
    """The purchases in the file's order, which is by customer and not by time; record timestamps are the event times."""
    for number, line in enumerate(file.read_text(encoding="ascii").splitlines(), start=1):
        customer, _, day, quantity, dollars = line.split()
        noon = datetime.strptime(day, "%Y%m%d").replace(hour=12, tzinfo=UTC)
        whole, cents = dollars.split(".")
        if len(cents) != 2:
            raise ValueError(f"line {number}: {dollars} is no amount in dollars and cents")
        yield record(
            "order",
            {
                "event_id": f"cdnow/{number}",
                "event_time": int(noon.timestamp()) * 1_000,
                "schema_version": 1,
                "platform": "cdnow",
                "room_id": ROOM,
                "user_id": customer,
                "order_id": f"cdnow/{number:05d}",
                "product_id": "cd",
                "quantity": int(quantity),
                "amount": int(whole) * 100 + int(cents),
                "currency": "USD",
                "status": "paid",
            },
        )
