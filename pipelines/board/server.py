"""The board's web server: the page, the dashboards' files, and the answers to their own statements. It takes no SQL from anyone."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import uvicorn
from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import dashboards.board
from dashboards.fields import Language
from pipelines.board.panels import Answers, Dashboards, NotFound
from pipelines.board.token import asks_for
from pipelines.errors import UserError
from pipelines.grafana.macros import Selection
from pipelines.grafana.reader import Reader
from pipelines.settings import Settings
from pipelines.stack.layout import Layout
from pipelines.stack.ports import refuse_taken

_PAGE = Path(dashboards.board.__file__).parent
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
_START_SECONDS = 10
_SHORTEST_TOKEN = 16


class Asked(BaseModel):
    """What the page asks for: which statement, and what the user has chosen."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    dashboard: str
    panel: int | None = None
    variable: str | None = None
    start_ms: int = Field(alias="from", ge=0, le=4_102_444_800_000)
    end_ms: int = Field(alias="to", ge=0, le=4_102_444_800_000)
    interval_seconds: int = Field(default=10, ge=1, le=86_400)
    variables: dict[str, list[str]] = {}

    def selection(self) -> Selection:
        """The same for `bind`."""
        start, end = (datetime.fromtimestamp(ms / 1_000, UTC) for ms in (self.start_ms, self.end_ms))
        return Selection(start, end, self.interval_seconds, self.variables)


def application(settings: Settings, language: Language) -> Starlette:
    """The server's application.

    Raises:
        UserError: a dashboard's file or the page's chart library is missing.
    """
    pages, answers = Dashboards(language), Answers(Reader(settings))
    library = Layout.of(settings).board_package / "node_modules" / "echarts" / "dist"
    if not library.is_dir():
        raise UserError("The board's chart library is not installed.", "Run: livepulse install")

    token = settings.board_token.get_secret_value()

    async def titles(_: Request) -> Response:
        return JSONResponse({"language": language, "dashboards": pages.titles()})

    async def model(request: Request) -> Response:
        return JSONResponse(pages.model(request.path_params["uid"]))

    async def query(request: Request) -> Response:
        try:
            asked = Asked.model_validate_json(await request.body())
        except ValidationError as error:
            return _refusal(400, "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()))
        if asked.panel is not None:
            sql = pages.statement(asked.dashboard, asked.panel)
        else:
            sql = pages.variable(asked.dashboard, asked.variable or "")
        result = await to_thread.run_sync(partial(answers.ask, sql, asked.selection()))
        return JSONResponse(asdict(result))

    async def index(_: Request) -> Response:
        return Response((_PAGE / "index.html").read_bytes(), media_type="text/html")

    return Starlette(
        routes=[
            Route("/api/dashboards", titles),
            Route("/api/dashboards/{uid}", model),
            Route("/api/query", query, methods=["POST"]),
            Route("/", index),
            Route("/d/{uid}", index),
            Mount("/echarts", StaticFiles(directory=library)),
            Mount("/page", StaticFiles(directory=_PAGE / "page")),
        ],
        middleware=[
            # Other names that lead here are someone else's page reaching for this machine.
            # With a token there is no need to know under which name the board is reached.
            Middleware(TrustedHostMiddleware, allowed_hosts=["*"] if token else ["127.0.0.1", "localhost", "[::1]"]),
            *([Middleware(BaseHTTPMiddleware, dispatch=asks_for(token))] if token else []),
            Middleware(BaseHTTPMiddleware, dispatch=_same_origin),
            Middleware(GZipMiddleware),
        ],
        exception_handlers={NotFound: _handler(404), UserError: _handler(422)},
    )


async def _same_origin(request: Request, answer: RequestResponseEndpoint) -> Response:
    origin = request.headers.get("origin")
    # Not the scheme: behind a proxy that speaks TLS it is another here.
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return _refusal(403, "Only the board's own page may ask.")
    response = await answer(request)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.url.path.startswith("/api/"):
        response.headers["Cache-Control"] = "no-store"
    return response


def _refusal(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)


def _handler(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(_: Request, error: Exception) -> Response:
        assert isinstance(error, UserError)
        return _refusal(status, f"{error.message} {error.hint or ''}".strip())

    return handle


def _refuse_everyone(settings: Settings) -> None:
    """Raises a `UserError` for a board that others can reach and that asks for no token, or for a short one."""
    try:
        loopback = ip_address(settings.board_host).is_loopback
    except ValueError:
        raise UserError(
            f"{settings.board_host} is no address of a network interface.", "For example 127.0.0.1, or 0.0.0.0"
        ) from None
    token = settings.board_token.get_secret_value()
    if not loopback and not token:
        hint = "Set LIVEPULSE_BOARD_TOKEN, for example to the output of: openssl rand -hex 24"
        raise UserError(f"A board at {settings.board_host} could be seen by everyone who reaches this machine.", hint)
    if token and len(token) < _SHORTEST_TOKEN:
        raise UserError(f"LIVEPULSE_BOARD_TOKEN has less than {_SHORTEST_TOKEN} characters.", "For example: openssl rand -hex 24")


class BoardServer:
    """The server in a thread of its own, listening when entered."""

    def __init__(self, settings: Settings, language: Language = "en") -> None:
        """Listens on `board_host` and `board_port`.

        Raises:
            UserError: the port is taken, a file is missing, or everyone could see it.
        """
        _refuse_everyone(settings)
        refuse_taken(settings, "board_port")
        host = settings.board_host
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{settings.board_port}/"
        config = uvicorn.Config(
            application(settings, language),
            host=host,
            port=settings.board_port,
            log_level="error",
            access_log=False,
            lifespan="off",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="board", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while self._thread.is_alive() and not self._server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        if not self._server.started:
            raise UserError(
                f"The board cannot listen at {self.address}.", "Is the port taken? Choose another: LIVEPULSE_BOARD_PORT"
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether it still serves."""
        return self._thread.is_alive()

    def _run(self) -> None:
        # uvicorn ends the process when it cannot bind; here only this thread has to end.
        try:
            self._server.run()
        except SystemExit:
            return
