"""The outermost layer: whom we are addressed as, the headers of every answer, and what happens when code fails."""

from __future__ import annotations

import ipaddress
import json

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from camward.web.site import Site

log = structlog.get_logger(__name__)

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
BODY_LIMIT = 64 * 1024
"""Bytes of a request's body: settings and forms; nothing larger is sent to a device yet."""
YEAR = 31_536_000
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Gate:
    """Wraps the application.

    A browser that was led here under somebody else's name (DNS rebinding) is turned away: by name we are called only
    as our TLS certificate names us; by address anybody may.
    """

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")
        strict = scope["scheme"] in ("https", "wss") and _bare(host) not in LOOPBACK
        started = False

        async def sealed(message: Message) -> None:
            nonlocal started
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                started = True
                _dress(MutableHeaders(raw=message.setdefault("headers", [])), strict=strict)
            await send(message)

        if not self._ours(host):
            await _answer(
                scope, receive, sealed, 421, "HOST", f'This device is not called "{host[:100]}"', self._advice()
            )
            return
        if int(Headers(scope=scope).get("content-length", "0") or 0) > BODY_LIMIT:
            await _answer(scope, receive, sealed, 413, "HTTP-413", "The request is too large", "send less at a time")
            return
        try:
            await self._app(scope, _bounded(receive) if scope["type"] == "http" else receive, sealed)
        except Exception:
            log.exception("request_crashed", path=scope["path"])
            if started or scope["type"] != "http":
                raise
            await _answer(
                scope, receive, sealed, 500, "INTERNAL", "Something went wrong here", "try again; the log says more"
            )

    def _ours(self, host: str) -> bool:
        name = _bare(host)
        if name in LOOPBACK or name.rstrip(".") in self._site.names():
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def _advice(self) -> str:
        return "open it by its address, or issue it a TLS certificate with this name"


def _bare(host: str) -> str:
    """Host without port, lower case."""
    name = host.lower()
    if name.startswith("["):
        return name.split("]", 1)[0] + "]"
    return name.rsplit(":", 1)[0] if ":" in name else name


def _dress(headers: MutableHeaders, *, strict: bool) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")
    # Not for localhost: the promise would bind every other server on the administrator's own machine.
    if strict:
        headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")


def _bounded(receive: Receive) -> Receive:
    """A body that does not say how long it is ends at the limit."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > BODY_LIMIT:
            raise HTTPException(413)
        return message

    return bounded


async def _answer(
    scope: Scope, receive: Receive, send: Send, status: int, code: str, what: str, next_step: str
) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    body = json.dumps({"code": code, "what": what, "why": "", "next": next_step}).encode()
    kind = b"application/json"
    if b"text/html" in dict(scope["headers"]).get(b"accept", b""):
        kind, body = b"text/plain; charset=utf-8", f"{what}. {next_step[:1].upper()}{next_step[1:]}.\n".encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", kind), (b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body})
