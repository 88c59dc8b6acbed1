"""Plain HTTP that only says where HTTPS is; nothing is asked and nothing is told over it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

HOST_FORM = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::\d{1,5})?")

Asgi = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]


def redirect_app(port: Callable[[], int]) -> Asgi:
    """An ASGI application that sends every browser to HTTPS.

    Args:
        port: of HTTPS, as it is open now.
    """

    async def app(
        scope: MutableMapping[str, Any],
        _: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            return
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        named = HOST_FORM.fullmatch(host)
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        if named:
            place = f"https://{named[1]}:{port()}/"
            headers.append((b"location", place.encode()))
        await send({"type": "http.response.start", "status": 307 if named else 400, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return app
