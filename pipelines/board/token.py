"""Who may see a board that is not on loopback: those who have its token."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from hmac import compare_digest

from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

_COOKIE = "livepulse_board"
_SCHEME = "bearer "
_DAYS = 30


def asks_for(token: str) -> Callable[[Request, RequestResponseEndpoint], Awaitable[Response]]:
    """Middleware that answers only those who have the token, and the others with 401.

    It comes as `Authorization: Bearer …`, or with the first visit as `?token=…`: that is answered with a cookie (which does not
    hold the token) and the same address without it.
    """
    # A cookie may be seen in a browser's settings; it opens this board, not whatever else has the same token.
    pass_ = hashlib.sha256(b"livepulse board\0" + token.encode()).hexdigest()

    async def dispatch(request: Request, answer: RequestResponseEndpoint) -> Response:
        if request.method == "GET" and _same(request.query_params.get("token", ""), token):
            # The path alone is taken from the request: a redirect to another host is not to be had.
            found = RedirectResponse(
                "/" + str(request.url.remove_query_params("token").replace(scheme="", netloc="")).lstrip("/"), 303
            )
            https = request.url.scheme == "https"
            found.set_cookie(_COOKIE, pass_, max_age=_DAYS * 86_400, httponly=True, samesite="strict", secure=https)
            found.headers["Referrer-Policy"] = "no-referrer"
            return found
        header = request.headers.get("authorization", "")
        if header.lower().startswith(_SCHEME) and _same(header[len(_SCHEME) :], token):
            return await answer(request)
        if _same(request.cookies.get(_COOKIE, ""), pass_):
            return await answer(request)
        message = "This board wants its token: open it with ?token=… once."
        return JSONResponse({"error": message}, 401, {"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"})

    return dispatch


def _same(given: str, wanted: str) -> bool:
    return compare_digest(given.encode(errors="surrogateescape"), wanted.encode())
