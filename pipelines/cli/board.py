"""`livepulse board`."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated

import typer


class Language(StrEnum):
    """Languages that dashboards are built in."""

    EN = "en"
    ZH = "zh"


def board(
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="The port (LIVEPULSE_BOARD_PORT).")] = None,
    host: Annotated[str | None, typer.Option(help="Where to listen (LIVEPULSE_BOARD_HOST); on loopback when left out.")] = None,
    language: Annotated[Language, typer.Option(help="Of titles and descriptions.")] = Language.EN,
) -> None:
    """Serve the dashboards in a browser, without Grafana, until Ctrl-C.

    The same files, statements and ClickHouse as in Grafana; it only reads, and listens on this machine alone. For others
    (--host 0.0.0.0) it needs a token, LIVEPULSE_BOARD_TOKEN, which they give once as ?token=… in the address.

    Examples: [cyan]livepulse board[/]  ·  [cyan]livepulse board --language zh[/]  ·  [cyan]livepulse board --port 13001[/]
    """
    from pipelines.board.server import BoardServer
    from pipelines.cli.progress import Stop
    from pipelines.settings import settings
    from pipelines.stack.health import require

    given = {"board_port": port, "board_host": host}
    own = settings().model_copy(update={name: value for name, value in given.items() if value is not None})
    board_server = BoardServer(own, language.value)
    require(own, "clickhouse")
    with Stop() as stop, board_server as server:
        typer.echo(f"The board is at {server.address}    (Ctrl-C ends it)")
        while not stop.requested and server.alive:
            time.sleep(0.2)
