"""The `Transport` header (RFC 2326 12.39): what a client offers, what a server chose."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from camward.rtsp.core.errors import MessageError

_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)
_OFFERS = 16


@dataclass(frozen=True, slots=True)
class Transport:
    """One way to carry a track.

    Args:
        lower: "tcp" or "udp".
        profile: "RTP/AVP"; "RTP/SAVP" is SRTP.
        multicast: whether the stream goes to a group.
        interleaved: channels of RTP and RTCP in the RTSP connection.
        client_port: UDP ports of the client, RTP and RTCP.
        server_port: UDP ports of the server.
        ssrc: of the sender, 8 hexadecimal digits, or empty.
        source: address that a server says it sends from, or empty.
        play: False when `mode` names something else than PLAY.
    """

    lower: Literal["tcp", "udp"] = "udp"
    profile: str = "RTP/AVP"
    multicast: bool = False
    interleaved: tuple[int, int] | None = None
    client_port: tuple[int, int] | None = None
    server_port: tuple[int, int] | None = None
    ssrc: str = ""
    source: str = ""
    play: bool = True

    @classmethod
    def parse(cls, value: str) -> Transport:
        """Read one transport (a header may list several: see `parse_transports`).

        Raises:
            MessageError: no profile, or a port or channel out of its range.
        """
        spec, *parameters = (part.strip() for part in value.split(";"))
        pieces = spec.upper().split("/")
        if len(pieces) not in (2, 3) or pieces[0] != "RTP":
            raise MessageError("A Transport header names no RTP profile", status=461)
        lower: Literal["tcp", "udp"] = "tcp" if pieces[2:] == ["TCP"] else "udp"
        # RFC 2326 says multicast when a transport says neither; everyone means unicast.
        result = cls(lower=lower, profile="/".join(pieces[:2]))
        for parameter in parameters:
            result = _with(result, parameter)
        return result

    def serialise(self) -> str:
        """The value."""
        parts = [self.profile + ("/TCP" if self.lower == "tcp" else ""), "multicast" if self.multicast else "unicast"]
        for name, pair in (
            ("interleaved", self.interleaved),
            ("client_port", self.client_port),
            ("server_port", self.server_port),
        ):
            if pair is not None:
                parts.append(f"{name}={pair[0]}-{pair[1]}")
        if self.source:
            parts.append(f"source={self.source}")
        if self.ssrc:
            parts.append(f"ssrc={self.ssrc}")
        return ";".join(parts)


def _with(transport: Transport, parameter: str) -> Transport:
    name, _, value = parameter.partition("=")
    value = value.strip().strip('"')
    match name.strip().lower():
        case "multicast":
            return replace(transport, multicast=True)
        case "interleaved":
            return replace(transport, interleaved=_pair(value, most=255))
        case "client_port":
            return replace(transport, client_port=_pair(value, most=65535))
        case "server_port":
            return replace(transport, server_port=_pair(value, most=65535))
        case "ssrc":
            return replace(transport, ssrc=value[:8])
        case "source":
            return replace(transport, source=value[:64])
        case "mode":
            return replace(transport, play=value.upper() == "PLAY")
    return transport


def _pair(value: str, *, most: int) -> tuple[int, int]:
    match = _RANGE.fullmatch(value)
    if match is None:
        raise MessageError("A Transport header has an unreadable range")
    first = int(match[1])
    second = int(match[2]) if match[2] else first + 1
    if max(first, second) > most:
        raise MessageError("A Transport header has a number out of range")
    return first, second


def parse_transports(value: str) -> list[Transport]:
    """Every transport of a header, in the order of preference; unknown profiles are left out.

    Raises:
        MessageError: one is malformed, or there are too many.
    """
    offers = value.split(",")
    if len(offers) > _OFFERS:
        raise MessageError("A Transport header offers too many transports")
    found = []
    for offer in offers:
        try:
            found.append(Transport.parse(offer))
        except MessageError as error:
            if error.status != 461:
                raise
    return found
