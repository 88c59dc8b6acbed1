"""RTP packets (RFC 3550 5.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from camward.rtsp.core.errors import RtpError

HEADER = 12
_HEAD = struct.Struct(">BBHII")


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet, its payload not copied.

    Args:
        data: what the payload is part of.
        begin: where the payload starts in `data`.
        end: the byte behind it, padding taken off.
    """

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    data: bytes
    begin: int
    end: int

    @property
    def payload(self) -> memoryview:
        """The payload."""
        return memoryview(self.data)[self.begin : self.end]


def parse_rtp(data: bytes) -> RtpPacket:
    """Read a packet.

    Raises:
        RtpError: too short for what its header says, or not version 2.
    """
    if len(data) < HEADER:
        raise RtpError("An RTP packet is shorter than its header")
    first, second, sequence, timestamp, ssrc = _HEAD.unpack_from(data)
    if first >> 6 != 2:
        raise RtpError("Not an RTP packet of version 2")
    begin, end = HEADER + 4 * (first & 15), len(data)
    if first & 0x10:
        if end < begin + 4:
            raise RtpError("An RTP header extension is cut off")
        begin += 4 + 4 * (data[begin + 2] << 8 | data[begin + 3])
    if first & 0x20:
        end -= data[-1]
        if data[-1] == 0:
            raise RtpError("An RTP packet has a padding of no bytes")
    if begin > end:
        raise RtpError("An RTP packet is shorter than its header says")
    return RtpPacket(bool(second & 0x80), second & 0x7F, sequence, timestamp, ssrc, data, begin, end)


def build_header(*, payload_type: int, sequence: int, timestamp: int, ssrc: int, marker: bool = False) -> bytes:
    """The 12 bytes in front of a payload; numbers are taken modulo their size."""
    second = payload_type & 0x7F | (0x80 if marker else 0)
    return _HEAD.pack(0x80, second, sequence & 0xFFFF, timestamp & 0xFFFF_FFFF, ssrc & 0xFFFF_FFFF)
