"""Names, texts and prices that the model draws from."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import orjson


def _json(*texts: str) -> tuple[str, ...]:
    """Texts as they stand in JSON: encoded once here instead of once an event."""
    return tuple(orjson.dumps(text).decode() for text in texts)


COMMENTS = _json(
    "来了来了",
    "主播好",
    "第一次来",
    "哈哈哈哈",
    "666",
    "声音有点小",
    "有没有大码",
    "多少钱？",
    "发什么快递",
    "什么时候发货",
    "之前买过，质量很好 👍",
    "孕妇可以用吗",
    "能便宜点吗",
    "主播今天好漂亮😍",
    "hello from Manila",
    "love it!",
    "how much is shipping?",
    'does it come in "petite"?',
    "first time here",
    "is this real leather",
    "back again 🙌",
    "讲一下面料吧\\成分",
    "学到了",
    "关注了",
)
"""What people write when nothing in particular goes on."""

PINNED_COMMENTS = _json(
    "已拍",
    "拍了两件",
    "抢到了！",
    "没抢到😭",
    "加库存加库存",
    "1号链接多少钱",
    "链接在哪里",
    "还有券吗",
    "想要想要",
    "要要要",
    "冲！",
    "just ordered",
    "got it!!",
    "sold out already?",
    "link please",
    "is there a coupon",
    "need this 🔥🔥",
    "再上一点吧",
)
"""What people write just after a product was pinned."""

MEMBERS_BEFORE = _json(
    "今晚几点开播？", "蹲一个", "有预告吗", "今天有什么福利", "what's on tonight?", "set my alarm ⏰", "上次那个面霜还有吗"
)
MEMBERS_LIVE = _json("快来直播间", "已下单", "主播在讲了", "刚才那个链接几号", "watching now", "帮我抢一个！", "券领了吗")
MEMBERS_AFTER = _json(
    "什么时候发货", "今天买的好值", "退款怎么申请", "没赶上，有回放吗", "when will it ship?", "到货了晒个图", "尺码偏大可以换吗"
)
STAFF_BEFORE = _json(
    "今晚8点准时开播，记得来～", "预告：今晚有新品首发", "We go live at 8, see you there", "进群福利：直播间暗号领券"
)
STAFF_LIVE = _json("直播已开始，点链接进", "3号链接库存不多了", "We are live now!", "下一个就是大家要的那款")
STAFF_AFTER = _json("订单48小时内发出", "需要退换的私信客服", "Thanks for watching, replay is up", "明天同一时间见")


@dataclass(frozen=True)
class Platform:
    """An app: its rooms sell in one currency and share their users."""

    name: str
    currency: str
    user_prefix: str


DOMESTIC = Platform("douyin", "CNY", "u")
ABROAD = Platform("tiktok", "USD", "x")


@dataclass(frozen=True)
class Product:
    """Something a room sells; the price is in minor units."""

    id: str
    price: int
    promotion: str | None


def products(random: Random, room: str, platform: Platform) -> list[Product]:
    """What a room has to sell: many cheap things, a few dear ones, all priced just under a round number."""
    middle = 3.0 if platform is ABROAD else 4.2  # exp: about 20 dollars, 67 yuan
    found = []
    for number in range(1, random.randint(10, 30) + 1):
        whole = max(2, round(random.lognormvariate(middle, 0.8)))
        promotion = f"promo-{room}-{number:02d}" if random.random() < 0.3 else None
        found.append(Product(f"p-{room}-{number:02d}", whole * 100 - random.choice((1, 10, 10, 50)), promotion))
    return found
