"""The server's side of one RTSP connection, without I/O: requests in their order, general checks, answers.

Bytes go in by `receive`; `next` gives what the shell must act on: a request that has passed every check that needs no
knowledge of streams, or an RTCP packet. What fails a check is answered here.
"""

from __future__ import annotations

from dataclasses import dataclass

from camward.rtsp.core.errors import MessageError, RefusedError
from camward.rtsp.core.headers import Headers
from camward.rtsp.core.limits import MESSAGE_LIMITS, MessageLimits
from camward.rtsp.core.messages import Interleaved, MessageParser, Request, Response
from camward.rtsp.core.target import Target, parse_target

METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER")
PUBLIC = ", ".join(METHODS)
NOT_HERE = frozenset({"ANNOUNCE", "RECORD", "REDIRECT"})
"""Methods of RFC 2326 that a camera's server never allows."""

PLAIN_REFUSED = Response(
    403,
    Headers(("CSeq", "1"), ("Connection", "close")),
    reason="Plain RTSP is off on this device, use rtsps",
).serialise()
"""What a client hears that comes without TLS where only TLS is served (its first request has CSeq 1 in practice)."""


@dataclass(frozen=True, slots=True)
class ServerDialogLimits:
    """What one connection may cost.

    Args:
        message: of each request.
        request: seconds from the first byte of a request to its last.
        idle: seconds that a connection without a session may be silent.
        refusals: answers of 4xx in a row, then the connection is closed.
    """

    message: MessageLimits = MESSAGE_LIMITS
    request: float = 10.0
    idle: float = 60.0
    refusals: int = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to act on.

    Args:
        request: as it came; its CSeq is there, its version is ours, its method is one of `METHODS`.
        target: what its URL names.
        session: the id in its Session header, or empty.
    """

    request: Request
    target: Target
    session: str


class ServerDialog:
    """See the module.

    Args:
        limits: see `ServerDialogLimits`.
        now: monotonic.
    """

    def __init__(self, limits: ServerDialogLimits, now: float) -> None:
        self._limits = limits
        self._parser = MessageParser(limits.message)
        self._out: list[bytes] = []
        self._heard = now
        self._since: float | None = None
        self._refused = 0
        self.closed = False

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes; then call `next` until it gives None."""
        self._heard = now
        if self._since is None:
            self._since = now
        self._parser.receive(data)

    def next(self) -> Asked | Interleaved | None:
        """What to act on next; None when more bytes are needed or the connection is to be closed."""
        while not self.closed:
            try:
                message = self._parser.next()
            except MessageError as error:
                self.answer(None, Response(error.status))
                self.closed = True
                return None
            if message is None:
                if not self._parser.pending:
                    self._since = None
                return None
            self._since = self._heard if self._parser.pending else None
            if isinstance(message, Interleaved):
                return message
            if isinstance(message, Request):
                try:
                    return self._check(message)
                except RefusedError as error:
                    self.answer(message, Response(error.status, Headers(*error.fields)))
            # A response: we ask nothing of clients, so it is an answer to nothing.
        return None

    @staticmethod
    def _check(request: Request) -> Asked:
        """The checks of each request, in the order of how much of it is understood."""
        if request.version != "1.0":
            raise RefusedError(505, "Not RTSP 1.0")
        if request.cseq is None:
            raise RefusedError(400, "A request without CSeq")
        if request.method in NOT_HERE:
            raise RefusedError(405, "Nothing is published here", ("Allow", PUBLIC))
        if request.method not in METHODS:
            raise RefusedError(501, "An unknown method", ("Public", PUBLIC))
        if required := request.headers.get("Require") or request.headers.get("Proxy-Require"):
            raise RefusedError(551, "An unknown option", ("Unsupported", required))
        target = parse_target(request.uri)
        if target is None:
            raise RefusedError(404 if "://" in request.uri else 400, "A URL that names nothing here")
        return Asked(request, target, request.headers.get("Session").partition(";")[0].strip())

    def answer(self, request: Request | None, response: Response) -> None:
        """Queue the answer to a request (None: to what couldn't be read)."""
        first = (("CSeq", str(request.cseq)),) if request and request.cseq is not None else ()
        fields = Headers(*first, ("Server", "Camward"), *response.headers)
        self._out.append(Response(response.status, fields, response.body, response.reason).serialise())
        self._refused = self._refused + 1 if response.status >= 400 else 0
        if self._refused > self._limits.refusals:
            self.closed = True

    def to_send(self) -> bytes:
        """Bytes to write now."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def expired(self, now: float, *, sessions: bool) -> bool:
        """Whether the peer takes too long over a request, or says nothing and has no session."""
        if self._since is not None and now - self._since > self._limits.request:
            return True
        return not sessions and now - self._heard > self._limits.idle
