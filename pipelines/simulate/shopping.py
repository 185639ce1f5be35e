"""From a pinned product to an order, and what becomes of the order."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from pipelines.simulate.audience import Visit
from pipelines.simulate.catalogue import Product
from pipelines.simulate.rooms import Room
from pipelines.simulate.world import Fact, World

EXPOSED_BY_PIN = 0.6
EXPOSED_ON_ENTER = 0.5
"""Shares of those present, and of newcomers while a product is pinned, on whose screen the card is shown."""

CLICK, CART, ORDER_FROM_CART, ORDER_FROM_CLICK = 0.2, 0.45, 0.65, 0.03
FAN_FACTOR, BUYER_FACTOR = 1.4, 1.8
"""Those who came for the room click more often, and so do those who have bought before."""

PAID, CANCELLED = 0.82, 0.14
"""What becomes of an order; the rest stays open."""

REFUNDED, REFUNDED_SOON, REFUNDED_IN_PARTS = 0.08, 0.4, 0.2
LATE_REFUND_HOURS = (2.0, 240.0)


@dataclass(frozen=True)
class _Order:
    id: str
    key: str
    base: str
    """JSON between the time and the quantity."""
    rest: str
    """JSON behind the status."""
    quantity: int
    amount: int
    currency: str

    def tail(self, status: str, quantity: int, amount: int) -> str:
        return f'{self.base},"quantity":{quantity},"amount":{amount},"currency":"{self.currency}","status":"{status}"{self.rest}}}'


class Shopping:
    """The funnel of every viewer. Orders are reported by the shop, whose clock is right, so they have no skew."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._buyers: set[str] = set()
        self._orders = 0
        self._refunds: list[tuple[int, int, str, str]] = []
        """Due later, earliest first: time, number that keeps the order total, key, JSON."""

    def pin(self, room: Room) -> None:
        """The product just pinned appears on the screens, here sooner, there later."""
        world, random, product = self._world, self._world.random, room.pinned
        assert product
        for visit in room.visits:
            if random.random() < EXPOSED_BY_PIN:
                world.at(world.now + int(random.triangular(200, 20_000, 2_000)), partial(self._expose, visit, product))

    def greet(self, newcomers: list[tuple[int, Visit]]) -> None:
        """Who enters sees the product that is pinned."""
        random = self._world.random
        for time, visit in newcomers:
            if visit.room.pinned and random.random() < EXPOSED_ON_ENTER:
                self._world.at(time + random.randint(300, 4_000), partial(self._expose, visit, visit.room.pinned))

    def advance(self) -> None:
        """Refunds that are due now."""
        until = self._world.now
        while self._refunds and self._refunds[0][0] <= until:
            _, _, key, tail = heapq.heappop(self._refunds)
            self._world.emit(self._world.within_step(), "order", key, 0, tail)

    def outstanding(self, until: int) -> Iterator[Fact]:
        """Refunds after the end of the run, each at its own time."""
        while self._refunds and self._refunds[0][0] <= until:
            time, _, key, tail = heapq.heappop(self._refunds)
            self._world.serial += 1
            yield time, self._world.serial, "order", key, 0, tail

    def _product(self, action: str, visit: Visit, product: Product, time: int) -> None:
        tail = f'{visit.head},"action":"{action}","product_id":"{product.id}"}}'
        self._world.emit(time, "product", visit.room.id, visit.skew, tail)

    def _expose(self, visit: Visit, product: Product, time: int) -> None:
        if time >= visit.end:
            return
        self._product("expose", visit, product, time)
        random = self._world.random
        chance = CLICK
        if visit.source in ("follow", "community"):
            chance *= FAN_FACTOR
        if visit.user_id in self._buyers:
            chance *= BUYER_FACTOR
        if random.random() < chance:
            self._world.at(time + random.randint(1_000, 15_000), partial(self._click, visit, product))

    def _click(self, visit: Visit, product: Product, time: int) -> None:
        if time >= visit.end:
            return
        self._product("click", visit, product, time)
        random = self._world.random
        if random.random() < CART:
            self._world.at(time + random.randint(2_000, 20_000), partial(self._cart, visit, product))
        elif random.random() < ORDER_FROM_CLICK:
            self._world.at(time + random.randint(3_000, 30_000), partial(self._create, visit, product))

    def _cart(self, visit: Visit, product: Product, time: int) -> None:
        if time >= visit.end:
            return
        self._product("cart", visit, product, time)
        random = self._world.random
        if random.random() < ORDER_FROM_CART:
            self._world.at(time + random.randint(3_000, 45_000), partial(self._create, visit, product))

    def _create(self, visit: Visit, product: Product, time: int) -> None:
        world, random = self._world, self._world.random
        self._orders += 1
        quantity = 1 if random.random() < 0.8 else random.randint(2, 4)
        identity = f"o-{world.run_id}-{self._orders}"
        promotion = f',"promotion_id":"{product.promotion}"' if product.promotion else ""
        order = _Order(
            id=identity,
            key=visit.user_id,
            base=f'{visit.head},"order_id":"{identity}","product_id":"{product.id}"',
            rest=f',"source":"{visit.source}"{promotion}',
            quantity=quantity,
            amount=quantity * product.price,
            currency=visit.room.platform.currency,
        )
        self._emit(order, "created", time)
        fate = random.random()
        if fate < PAID:
            world.at(time + random.randint(2_000, 40_000), partial(self._pay, order))
        elif fate < PAID + CANCELLED:
            world.at(time + random.randint(20_000, 300_000), partial(self._emit, order, "cancelled"))

    def _emit(self, order: _Order, status: str, time: int) -> None:
        self._world.emit(time, "order", order.key, 0, order.tail(status, order.quantity, order.amount))

    def _pay(self, order: _Order, time: int) -> None:
        self._emit(order, "paid", time)
        self._buyers.add(order.key)
        random = self._world.random
        if random.random() >= REFUNDED:
            return
        if random.random() < REFUNDED_SOON:
            due = time + random.randint(15_000, 300_000)
        else:
            low, high = (math.log(hours) for hours in LATE_REFUND_HOURS)
            due = time + int(math.exp(random.uniform(low, high)) * 3_600_000)
        if order.quantity > 1 and random.random() < REFUNDED_IN_PARTS * 2:
            first = random.randint(1, order.quantity - 1)
            price = order.amount // order.quantity
            parts = [(first, first * price), (order.quantity - first, order.amount - first * price)]
        elif random.random() < REFUNDED_IN_PARTS:
            parts = [(order.quantity, order.amount // 2)]  # kept, for half of the money
        else:
            parts = [(order.quantity, order.amount)]
        for part, (quantity, amount) in enumerate(parts):
            number = self._orders * 2 + part
            heapq.heappush(
                self._refunds,
                (due + part * random.randint(1_000, 60_000), number, order.key, order.tail("refunded", quantity, amount)),
            )
