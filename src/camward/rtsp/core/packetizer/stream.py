"""The RTP sender of one stream: SSRC, sequence numbers and the base of the timestamps, the same for every reader."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass

from camward.base.clock import NS
from camward.media.unit import AccessUnit, StreamFormat, Track
from camward.rtsp.core.packetizer.payloads import Payload, payloads_for
from camward.rtsp.core.packetizer.unit import PACKET, PacketizedUnit
from camward.rtsp.core.rtcp import SenderReport, build_goodbye, build_sender_report, ntp_from_utc
from camward.rtsp.core.rtp import HEADER
from camward.rtsp.core.sdp import PAYLOAD_TYPES, clock_rate

REPORT_SECONDS = 5
"""Between two sender reports of a track (RFC 3550 6.2)."""

_HEAD = struct.Struct(">BBHII")


@dataclass(slots=True)
class _Sender:
    """One track's sender; counters are the stream's, since all readers share its packets."""

    ssrc: int
    sequence: int
    clock: int
    payloads: Callable[[AccessUnit, int], list[Payload]]
    marks: bool = True
    """Whether the marker bit ends a unit; in Opus it means the start of a talk spurt (RFC 7587 4.1)."""
    packets: int = 0
    octets: int = 0
    reported: int | None = None
    last: tuple[int, int] | None = None
    """UTC and ticks of the newest unit."""


class StreamPacketizer:
    """Packetises the units of one stream, each once.

    RTP timestamp = (ticks + base) mod 2^32, with one random base as long as this object lives, so that any receiver
    at any time sees the same clock.

    Args:
        cname: canonical name in RTCP: binds the tracks of this stream together.
        random: a random number of 32 bits.
    """

    def __init__(self, *, cname: str, random: Callable[[], int] = lambda: secrets.randbits(32)) -> None:
        self._cname = cname
        self.base = random()
        self.count = 0
        """Units so far; the next one's number."""
        self._senders = {
            track: _Sender(random(), random() & 0xFFFF, 90_000, lambda unit, size: [(b"", unit.data)])
            for track in Track
        }

    def set_format(self, form: StreamFormat) -> None:
        """What the tracks are from now on."""
        for track, sender in self._senders.items():
            sender.payloads = payloads_for(form, track)
            sender.clock = clock_rate(form, track)
            sender.marks = track is not Track.AUDIO or form.audio is None or form.audio.codec != "opus"
            sender.reported = sender.last = None

    def packetize(self, unit: AccessUnit) -> PacketizedUnit:
        """The unit's packets; every few seconds of a track with a sender report.

        Raises:
            BitstreamError: the unit is malformed; nothing was counted.
        """
        sender = self._senders[unit.track]
        payloads = sender.payloads(unit, PACKET - HEADER)
        report = b""
        if sender.reported is None or not 0 <= unit.ticks - sender.reported < REPORT_SECONDS * sender.clock:
            sender.reported = unit.ticks
            report = self._report(sender, unit.utc, unit.ticks)
        timestamp = unit.ticks + self.base & 0xFFFF_FFFF
        first, kind = sender.sequence, PAYLOAD_TYPES[unit.track]
        pack, ssrc = _HEAD.pack, sender.ssrc
        packets = [
            (pack(0x80, kind, first + index & 0xFFFF, timestamp, ssrc) + head, piece)
            for index, (head, piece) in enumerate(payloads)
        ]
        if packets and sender.marks:
            head, piece = packets[-1]
            packets[-1] = (head[:1] + bytes((kind | 0x80,)) + head[2:], piece)
        result = PacketizedUnit(
            track=unit.track,
            number=self.count,
            key=unit.track is Track.VIDEO and unit.key,
            sequence=first,
            timestamp=timestamp,
            utc=unit.utc,
            packets=packets,
            report=report,
        )
        self.count += 1
        sender.sequence = first + len(packets) & 0xFFFF
        sender.packets += len(packets)
        sender.octets += result.size - HEADER * len(packets)
        sender.last = (unit.utc, unit.ticks)
        return result

    def report_at(self, unit: PacketizedUnit) -> bytes:
        """A sender report that says when this unit was captured."""
        return self._build(self._senders[unit.track], unit.utc, unit.timestamp)

    def report_now(self, track: Track, utc: int) -> bytes:
        """A sender report for a moment without units, the track's clock counted on; empty before its first unit."""
        sender = self._senders[track]
        if sender.last is None:
            return b""
        last_utc, last_ticks = sender.last
        return self._report(sender, utc, last_ticks + (utc - last_utc) * sender.clock // NS)

    def goodbye(self, track: Track) -> bytes:
        """RTCP BYE of a track."""
        return build_goodbye(self._senders[track].ssrc, cname=self._cname)

    def ssrc(self, track: Track) -> int:
        """Of a track."""
        return self._senders[track].ssrc

    def _report(self, sender: _Sender, utc: int, ticks: int) -> bytes:
        return self._build(sender, utc, ticks + self.base & 0xFFFF_FFFF)

    def _build(self, sender: _Sender, utc: int, rtp_time: int) -> bytes:
        report = SenderReport(sender.ssrc, ntp_from_utc(utc), rtp_time, sender.packets, sender.octets)
        return build_sender_report(report, cname=self._cname)
