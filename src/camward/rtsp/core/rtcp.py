"""RTCP (RFC 3550 6): sender and receiver reports, SDES CNAME, BYE."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from camward.base.clock import NS, Utc
from camward.rtsp.core.errors import RtpError

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE = 200, 201, 202, 203
EPOCH_1900 = 2_208_988_800
"""Seconds from NTP's epoch to 1970."""

_HEAD = struct.Struct(">BBH")
_SENDER = struct.Struct(">IQIII")
_BLOCK = struct.Struct(">IIIIII")
_PACKETS = 32


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How one receiver hears one source.

    Args:
        ssrc: the source.
        fraction_lost: since the last report, in 256ths.
        lost: since the start; may be negative with duplicates.
        highest: extended highest sequence number received.
        jitter: in the source's clock.
        last_report: middle 32 bits of the NTP time of the last sender report.
        delay: since that report, in 65536ths of a second.
    """

    ssrc: int
    fraction_lost: int = 0
    lost: int = 0
    highest: int = 0
    jitter: int = 0
    last_report: int = 0
    delay: int = 0


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What time it is, on the wall and in RTP.

    Args:
        ntp: 64 bits: seconds since 1900 and their fraction.
        rtp_time: the same instant in the track's clock.
    """

    ssrc: int
    ntp: int
    rtp_time: int
    packets: int = 0
    octets: int = 0
    blocks: tuple[ReportBlock, ...] = ()

    @property
    def utc(self) -> Utc:
        """The wall clock, to the nanosecond; a report of the next NTP era (2036) is understood."""
        return utc_from_ntp(self.ntp)


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """What a receiver got."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """The canonical name of a source."""

    ssrc: int
    cname: str


@dataclass(frozen=True, slots=True)
class Goodbye:
    """These sources stop."""

    ssrcs: tuple[int, ...]


RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye


def ntp_from_utc(utc: int) -> int:
    """64-bit NTP time, rounded to the nearest fraction so that `utc_from_ntp` gives the same nanosecond back."""
    seconds, rest = divmod(utc, NS)
    return ((seconds + EPOCH_1900 << 32) + ((rest << 32) + NS // 2) // NS) & 0xFFFF_FFFF_FFFF_FFFF


def utc_from_ntp(ntp: int) -> Utc:
    """Nanoseconds since 1970; before 1968 it is the era that starts in 2036 (RFC 4330 3)."""
    seconds = ntp >> 32
    if not seconds & 0x8000_0000:
        seconds += 1 << 32
    return Utc((seconds - EPOCH_1900) * NS + ((ntp & 0xFFFF_FFFF) * NS + (1 << 31) >> 32))


def parse_rtcp(data: bytes) -> list[RtcpPacket]:
    """Read a compound packet; types that we don't know are left out.

    Raises:
        RtpError: not RTCP, or a length points outside the data.
    """
    found: list[RtcpPacket] = []
    position, count = 0, 0
    while position < len(data):
        if len(data) - position < 4:
            raise RtpError("An RTCP packet is shorter than its header")
        first, kind, words = _HEAD.unpack_from(data, position)
        begin, position, count = position + 4, position + 4 * (words + 1), count + 1
        if first >> 6 != 2 or not 192 <= kind <= 223:
            raise RtpError("Not an RTCP packet of version 2")
        if position > len(data) or count > _PACKETS:
            raise RtpError("An RTCP packet's length points outside it, or there are too many")
        packet = _parse_one(kind, first & 31, data[begin:position])
        if packet is not None:
            found.append(packet)
    return found


def _parse_one(kind: int, count: int, body: bytes) -> RtcpPacket | None:
    if kind == SENDER_REPORT:
        if len(body) < _SENDER.size:
            raise RtpError("An RTCP sender report is cut off")
        ssrc, ntp, rtp_time, packets, octets = _SENDER.unpack_from(body)
        return SenderReport(ssrc, ntp, rtp_time, packets, octets, _blocks(body, _SENDER.size, count))
    if kind == RECEIVER_REPORT:
        if len(body) < 4:
            raise RtpError("An RTCP receiver report is cut off")
        return ReceiverReport(int.from_bytes(body[:4], "big"), _blocks(body, 4, count))
    if kind == GOODBYE:
        if len(body) < 4 * count:
            raise RtpError("An RTCP goodbye is cut off")
        return Goodbye(struct.unpack_from(f">{count}I", body))
    if kind == SOURCE_DESCRIPTION and count:
        return _description(body)
    return None


def _blocks(body: bytes, begin: int, count: int) -> tuple[ReportBlock, ...]:
    if len(body) < begin + count * _BLOCK.size:
        raise RtpError("An RTCP report has fewer blocks than it says")
    blocks = []
    for index in range(count):
        ssrc, losses, highest, jitter, last, delay = _BLOCK.unpack_from(body, begin + index * _BLOCK.size)
        lost = losses & 0xFF_FFFF
        blocks.append(
            ReportBlock(ssrc, losses >> 24, lost - (1 << 24) if lost >> 23 else lost, highest, jitter, last, delay)
        )
    return tuple(blocks)


def _description(body: bytes) -> SourceDescription | None:
    """The CNAME of the first source; other items and sources don't concern us."""
    position = 4
    while position + 1 < len(body) and body[position]:
        end = position + 2 + body[position + 1]
        if end > len(body):
            raise RtpError("An RTCP source description is cut off")
        if body[position] == 1:
            return SourceDescription(
                int.from_bytes(body[:4], "big"), body[position + 2 : end].decode("utf-8", "replace")
            )
        position = end
    return None


def build_sender_report(report: SenderReport, *, cname: str) -> bytes:
    """A compound packet: the report and the source's name."""
    body = _SENDER.pack(
        report.ssrc,
        report.ntp,
        report.rtp_time & 0xFFFF_FFFF,
        report.packets & 0xFFFF_FFFF,
        report.octets & 0xFFFF_FFFF,
    )
    return _packet(SENDER_REPORT, len(report.blocks), body + _pack_blocks(report.blocks)) + _cname(report.ssrc, cname)


def build_receiver_report(report: ReceiverReport, *, cname: str) -> bytes:
    """A compound packet: the report and the receiver's name."""
    body = report.ssrc.to_bytes(4, "big") + _pack_blocks(report.blocks)
    return _packet(RECEIVER_REPORT, len(report.blocks), body) + _cname(report.ssrc, cname)


def build_goodbye(ssrc: int, *, cname: str) -> bytes:
    """A compound packet (it must start with a report): an empty receiver report, the name, the goodbye."""
    return build_receiver_report(ReceiverReport(ssrc), cname=cname) + _packet(GOODBYE, 1, ssrc.to_bytes(4, "big"))


def _pack_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            (block.fraction_lost & 0xFF) << 24 | block.lost & 0xFF_FFFF,
            block.highest & 0xFFFF_FFFF,
            block.jitter & 0xFFFF_FFFF,
            block.last_report,
            block.delay & 0xFFFF_FFFF,
        )
        for block in blocks
    )


def _cname(ssrc: int, cname: str) -> bytes:
    name = cname.encode()[:255]
    item = ssrc.to_bytes(4, "big") + bytes((1, len(name))) + name + b"\x00"
    return _packet(SOURCE_DESCRIPTION, 1, item + bytes(-len(item) % 4))


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body
