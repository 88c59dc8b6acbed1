"""What a peer may make us hold and look at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """Limits of one RTSP message.

    Args:
        start_line: bytes of the first line, the URL in it.
        header_line: bytes of one header line.
        headers: number of header lines.
        body: bytes of a body (a client needs more: descriptions of some cameras are long).
        blank_lines: empty lines ahead of a message.
    """

    start_line: int = 2048
    header_line: int = 4096
    headers: int = 64
    body: int = 65_536
    blank_lines: int = 16


@dataclass(frozen=True, slots=True)
class SdpLimits:
    """Limits of a session description.

    Args:
        size: characters.
        media: `m=` sections; further ones are ignored.
        attributes: `a=` lines of one section; further ones are ignored.
    """

    size: int = 65_536
    media: int = 16
    attributes: int = 64


MESSAGE_LIMITS = MessageLimits()
SDP_LIMITS = SdpLimits()
