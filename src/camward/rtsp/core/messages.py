"""RTSP messages (RFC 2326 4 to 7 and 10.12): an incremental parser with bounds, and their bytes.

Tolerated, because real peers send it: bare LF, empty lines ahead of a message, folded header lines, a space before
the colon, a missing reason phrase. Interleaved frames come out between messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from camward.rtsp.core.errors import MessageError
from camward.rtsp.core.headers import Headers
from camward.rtsp.core.limits import MESSAGE_LIMITS, MessageLimits

DOLLAR = 0x24
VERSION = "1.0"

_REQUEST = re.compile(r"([A-Za-z_]{1,32}) +(\S+) +RTSP/(\d\.\d)", re.ASCII)
_RESPONSE = re.compile(r"RTSP/(\d\.\d) +(\d{3})(?: +(.*))?", re.ASCII)
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

REASONS = {
    100: "Continue",
    200: "OK",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Time-out",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    451: "Parameter Not Understood",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    457: "Invalid Range",
    459: "Aggregate Operation Not Allowed",
    460: "Only Aggregate Operation Allowed",
    461: "Unsupported Transport",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "RTSP Version Not Supported",
    551: "Option not supported",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a client (or, rarely, of a server)."""

    method: str
    uri: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    version: str = VERSION

    @property
    def cseq(self) -> int | None:
        """The number to answer with; None when missing or no number."""
        return _number(self.headers.get("CSeq"))

    def serialise(self) -> bytes:
        """The bytes; Content-Length is added where there is a body."""
        return _serialise(f"{self.method} {self.uri} RTSP/{self.version}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    reason: str = ""
    version: str = VERSION

    @property
    def cseq(self) -> int | None:
        """The number of the request that it answers; None when missing or no number."""
        return _number(self.headers.get("CSeq"))

    def serialise(self) -> bytes:
        """The bytes; Content-Length is added where there is a body, the usual reason where there is none."""
        reason = self.reason or REASONS.get(self.status, "Unknown")
        return _serialise(f"RTSP/{self.version} {self.status} {reason}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Interleaved:
    """An RTP or RTCP packet within the RTSP connection."""

    channel: int
    data: bytes


Message = Request | Response | Interleaved


class MessageParser:
    """Bytes in, messages out; `receive` and `next` do bounded work and hold at most one message's limit.

    After a `MessageError` the parser is spent: the place of the next message is not known.
    """

    def __init__(self, limits: MessageLimits = MESSAGE_LIMITS) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._position = 0
        self._scanned = 0
        self._blank = 0
        self._lines: list[str] = []
        self._need: int | None = None

    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes as they came. Call `next` until it gives None before the next call."""
        if self._position:
            del self._buffer[: self._position]
            self._scanned -= self._position
            self._position = 0
        self._buffer += data

    @property
    def pending(self) -> int:
        """Bytes held of a message that isn't complete (or not asked for yet)."""
        return len(self._buffer) - self._position + (1 if self._lines else 0)

    def next(self) -> Message | None:
        """The next message, None when more bytes are needed.

        Raises:
            MessageError: the peer broke the syntax or a limit.
        """
        if self._need is None and not self._lines:
            if self._skip_blank():
                return None
            if self._buffer[self._position] == DOLLAR:
                return self._interleaved()
        if self._need is None and not self._head():
            return None
        return self._body()

    def _skip_blank(self) -> bool:
        """Pass over empty lines; True when nothing is left."""
        buffer = self._buffer
        while self._position < len(buffer) and buffer[self._position] in (0x0D, 0x0A):
            self._position += 1
            self._blank += 1
            if self._blank > 2 * self._limits.blank_lines:
                raise MessageError("Too many empty lines")
        self._scanned = max(self._scanned, self._position)
        return self._position >= len(buffer)

    def _interleaved(self) -> Interleaved | None:
        buffer, start = self._buffer, self._position
        if len(buffer) - start < 4:
            return None
        end = start + 4 + (buffer[start + 2] << 8 | buffer[start + 3])
        if len(buffer) < end:
            return None
        self._position = self._scanned = end
        self._blank = 0
        return Interleaved(buffer[start + 1], bytes(memoryview(buffer)[start + 4 : end]))

    def _head(self) -> bool:
        """Take lines up to the empty one; False when it hasn't come yet."""
        while (line := self._line()) is not None:
            if not line:
                self._need = self._content_length()
                return True
            if line[0] in " \t" and len(self._lines) > 1:
                self._lines[-1] += " " + line.strip()
                if len(self._lines[-1]) > self._limits.header_line:
                    raise MessageError("A header is too long")
                continue
            self._lines.append(line)
            if len(self._lines) == 1:
                self._check_start(line)
            elif len(self._lines) > self._limits.headers + 1:
                raise MessageError("Too many headers")
        return False

    def _line(self) -> str | None:
        limit = self._limits.header_line if self._lines else self._limits.start_line
        end = self._buffer.find(b"\n", max(self._scanned, self._position))
        if end < 0:
            self._scanned = len(self._buffer)
        if (end if end >= 0 else len(self._buffer)) - self._position > limit:
            if self._lines:
                raise MessageError("A header is too long")
            raise MessageError("The first line is too long", status=414)
        if end < 0:
            return None
        line = self._buffer[self._position : end].removesuffix(b"\r")
        self._position = self._scanned = end + 1
        text = line.decode("utf-8", "replace")
        if _CONTROL.search(text):
            raise MessageError("A line has control characters in it")
        return text

    @staticmethod
    def _check_start(line: str) -> None:
        if not (_RESPONSE.fullmatch(line.rstrip()) or _REQUEST.fullmatch(line.rstrip())):
            raise MessageError("Neither an RTSP request nor a response")

    def _content_length(self) -> int:
        lengths = {line.partition(":")[2].strip() for line in self._lines[1:] if _is_length(line)}
        if not lengths:
            return 0
        number = _number(lengths.pop()) if len(lengths) == 1 else None
        if number is None:
            raise MessageError("Content-Length is not one number")
        if number > self._limits.body:
            raise MessageError("The body is too long", status=413)
        return number

    def _body(self) -> Request | Response | None:
        assert self._need is not None
        end = self._position + self._need
        if len(self._buffer) < end:
            return None
        body = bytes(memoryview(self._buffer)[self._position : end])
        self._position = self._scanned = end
        start, *lines = self._lines
        self._lines, self._need, self._blank = [], None, 0
        return _message(start.rstrip(), Headers(*map(_field, lines)), body)


def _message(start: str, headers: Headers, body: bytes) -> Request | Response:
    if match := _RESPONSE.fullmatch(start):
        return Response(int(match[2]), headers, body, (match[3] or "").strip(), match[1])
    match = _REQUEST.fullmatch(start)
    assert match is not None
    return Request(match[1], match[2], headers, body, match[3])


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name = name.rstrip()
    if not colon or not _NAME.fullmatch(name):
        raise MessageError("A header line is malformed")
    return name, value.strip()


def _is_length(line: str) -> bool:
    return line.partition(":")[0].strip().lower() == "content-length"


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def _serialise(start: str, headers: Headers, body: bytes) -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    text = "\r\n".join([*lines, "", ""])
    if text.count("\n") != len(lines) + 1 or text.count("\r") != len(lines) + 1:
        raise ValueError("a line break within a header")
    return text.encode() + body
