"""Clients of services without their own complaints."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_CLIENTS = ("kafka", "clickhouse_driver", "httpx")


@contextmanager
def quiet(*clients: str) -> Iterator[None]:
    """These clients (all when empty) log nothing: it would tear tables and hide what we say of the same trouble.

    Two threads may not name the same one at the same time: the second would restore the silence of the first.
    """
    loggers = [logging.getLogger(name) for name in clients or _CLIENTS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
