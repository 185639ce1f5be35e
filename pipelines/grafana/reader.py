"""Runs the statements of dashboards: they may only read, not for long, and not without end."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipelines.errors import UserError
from pipelines.settings import Settings
from pipelines.stack.roles import roles
from pipelines.stack.secrets import role_password

if TYPE_CHECKING:
    from clickhouse_driver import Client


class StatementFailed(UserError):
    """ClickHouse refused a statement, or did not answer."""


@dataclass(frozen=True)
class Column:
    """A column of a result: a name, ClickHouse's type, and what a page makes of it."""

    name: str
    type: str
    kind: str
    """`time`, `number` or `text`."""


@dataclass(frozen=True)
class Result:
    """Rows as JSON can hold them: times in ms since the epoch, what is no number as None."""

    columns: tuple[Column, ...]
    rows: list[list[Any]]
    read_rows: int
    milliseconds: float


class Reader:
    """One connection for each thread that asks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # The dashboards' own user has its limits from ClickHouse; anyone else gets the same with each statement.
        self._limits = {} if role_password(settings, "dashboards") else {"readonly": 1, **roles()["dashboards"].limits}
        self._local = threading.local()

    def run(self, sql: str, parameters: dict[str, object]) -> Result:
        """The result of a bound statement (`macros.bind`).

        Raises:
            StatementFailed: with ClickHouse's own words, in one line.
        """
        from clickhouse_driver.errors import Error, ServerException

        from pipelines.clickhouse import in_one_line

        began = time.perf_counter()
        try:
            client = self._client()
            rows, types = client.execute(sql, parameters or None, with_column_types=True, settings=self._limits)
        except ServerException as error:
            raise StatementFailed(in_one_line(error.message)[:500]) from error
        except (Error, OSError, EOFError) as error:
            self._forget()
            raise StatementFailed(
                f"ClickHouse does not answer at {self._settings.clickhouse_address}.", "livepulse status"
            ) from error
        progress = client.last_query.progress
        columns = tuple(Column(name, kind, _kind(kind)) for name, kind in types)
        return Result(
            columns=columns,
            rows=[[_json(value) for value in row] for row in rows],
            read_rows=progress.rows if progress else 0,
            milliseconds=(time.perf_counter() - began) * 1_000,
        )

    def _client(self) -> Client:
        from pipelines.clickhouse import connect

        if not hasattr(self._local, "client"):
            self._local.client = connect(self._settings, role="dashboards")
        client: Client = self._local.client
        return client

    def _forget(self) -> None:
        client = self._local.__dict__.pop("client", None)
        if client is not None:
            with suppress(Exception):
                client.disconnect()


def _kind(clickhouse_type: str) -> str:
    inner = clickhouse_type
    for wrapper in ("SimpleAggregateFunction(max, ", "SimpleAggregateFunction(min, ", "Nullable(", "LowCardinality(", "Nullable("):
        inner = inner.removeprefix(wrapper)
    if inner.startswith("Date"):
        return "time"
    return "number" if inner.startswith(("Int", "UInt", "Float", "Decimal", "Bool")) else "text"


_CONVERTED: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (datetime, lambda value: round((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1_000)),
    (date, lambda value: round(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1_000)),
    (Decimal, float),
    (float, lambda value: value if math.isfinite(value) else None),
)


def _json(value: Any) -> Any:
    for kind, convert in _CONVERTED:
        if isinstance(value, kind):
            return convert(value)
    return value if value is None or isinstance(value, (int, str)) else str(value)
