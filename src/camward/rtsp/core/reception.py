"""Receiving one track: RTP packets of one source, in order, to access units with their times; and how well it goes.

The packets that matter for speed are the middle fragments of a NAL unit: nine in ten. `Reception.run` takes as many
of them as follow each other in the receive buffer in one loop, with the same result as `packet` for each.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from camward.media.unit import AccessUnit, Flags, Track
from camward.rtsp.core.depacketizer import Depacketizer, PayloadError, PictureDepacketizer
from camward.rtsp.core.errors import RtpError
from camward.rtsp.core.messages import DOLLAR
from camward.rtsp.core.rtcp import ReportBlock, SenderReport
from camward.rtsp.core.rtp import HEADER, parse_rtp
from camward.rtsp.core.timeline import Moment

_HEAD = struct.Struct(">BBHII")
_FRAME = 4
_MALFORMED = 200
"""Malformed payloads in a row until the sender is given up."""
_RESTART = 3000
"""A sequence number this far off is a new start."""

Place = Callable[[int, bool], Moment | None]
"""Gets an RTP timestamp and whether a step of time may be made; the moment, or None if the unit can't be placed yet."""


@lru_cache(maxsize=256)
def _row(size: int, skip: int) -> struct.Struct:
    """An interleaved frame: up to and with RTP's sequence number, up to a fragment's data, the data."""
    return struct.Struct(f">Q{skip - 8}s{size - skip}s")


@dataclass(slots=True)
class Heard:
    """What receiver reports and the status tell of one source."""

    packets: int = 0
    lost: int = 0
    units: int = 0
    malformed: int = 0


class Reception:
    """One track of one session.

    Args:
        track: which.
        payload_type: that the description promises.
        place: gives units their times.
        on_unit: gets each unit.
        on_lost: told of each loss, with its reason.

    Attributes:
        depacketizer: set it before the first packet; its `emit` is `give`.
    """

    depacketizer: Depacketizer

    def __init__(
        self,
        track: Track,
        *,
        payload_type: int,
        place: Place,
        on_unit: Callable[[AccessUnit], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self.track, self.heard = track, Heard()
        self._payload_type, self._place, self._on_unit, self._on_lost = payload_type, place, on_unit, on_lost
        self._taken_type: int | None = None
        self._expected = -1
        self._first = 0
        self._cycles = 0
        self._broken = 0
        self._reported = (0, 0)
        self._last_report: tuple[int, float] | None = None
        self.ssrc = -1
        self.on_restart: Callable[[], None] = lambda: None
        self._pictures: PictureDepacketizer | None = None

    def start(self, depacketizer: Depacketizer) -> None:
        """Use this from now on."""
        self.depacketizer = depacketizer
        self._pictures = depacketizer if isinstance(depacketizer, PictureDepacketizer) else None

    # Packets

    def packet(self, packet: memoryview) -> None:
        """One RTP packet.

        Raises:
            RtpError: not RTP, or nothing but malformed payloads.
        """
        if len(packet) < HEADER:
            raise RtpError("An RTP packet is shorter than its header")
        first, second, sequence, timestamp, ssrc = _HEAD.unpack_from(packet)
        if first == 0x80:
            payload = packet[HEADER:]
        else:
            payload = parse_rtp(bytes(packet)).payload
        if second & 0x7F != self._taken_type and not self._accepts(second & 0x7F):
            return
        if ssrc != self.ssrc:
            self._new_source(ssrc, sequence)
        if sequence != self._expected and not self._out_of_order(sequence):
            return
        self._expected = sequence + 1 & 0xFFFF
        if not self._expected:
            self._cycles += 1
        self.heard.packets += 1
        if not payload:
            return
        try:
            self.depacketizer.packet(payload, timestamp, marker=second >= 0x80)
        except PayloadError as error:
            self._malformed(error)

    def run(self, view: memoryview, position: int, limit: int, channel: int) -> int:
        """Take the interleaved frames from `position` on that go on with an open NAL unit; where they end.

        Fragments of one NAL unit are of one length, and what stands ahead of their data is the same in all but for
        the sequence number, which ends the first 8 bytes. So they are read as rows of a table, of which the first 8
        bytes count up. The last one is not among them, nor is one where the numbers wrap; see `packet`.
        """
        pictures = self._pictures
        if pictures is None or pictures.fragment < 0 or limit - position < _FRAME:
            return position
        assert self._taken_type is not None
        length = view[position + 2] << 8 | view[position + 3]
        size, skip = _FRAME + length, _FRAME + HEADER + pictures.head
        if size <= skip:
            return position
        begun = (DOLLAR << 24 | channel << 16 | length) << 32 | 0x8000_0000 | self._taken_type << 16 | self._expected
        source = pictures.timestamp << 32 | self.ssrc
        same = source.to_bytes(8, "big") + pictures.fragment.to_bytes(4, "big")[: pictures.head]
        expected, append = begun, pictures.pieces.append
        rows = view[position : limit - (limit - position) % size]
        for counted, its, piece in _row(size, skip).iter_unpack(rows):
            if counted != expected or its != same:
                break
            append(piece)
            expected += 1
        count = expected - begun
        if count:
            self._ran(pictures, count, count * (size - skip))
        return position + count * size

    def _ran(self, pictures: PictureDepacketizer, count: int, size: int) -> None:
        """So many fragments with so many bytes were taken."""
        before = self._expected
        self._expected = before + count & 0xFFFF
        if self._expected < before:
            self._cycles += 1
        self.heard.packets += count
        try:
            pictures.grow(size)
        except PayloadError as error:
            self._malformed(error)

    def _accepts(self, payload_type: int) -> bool:
        """Whether to take this type: the promised one, or, until that is seen, the first that comes."""
        if self._taken_type is not None and payload_type != self._payload_type:
            return False
        self._taken_type = payload_type
        return True

    def _new_source(self, ssrc: int, sequence: int) -> None:
        if self.ssrc >= 0:
            self.depacketizer.lost()
            self.on_restart()
            self._on_lost("the sender started anew")
        self.ssrc = ssrc
        self._expected, self._first, self._cycles = sequence, sequence, 0
        self.heard.packets = self.heard.lost = 0
        self._reported, self._last_report = (0, 0), None

    def _out_of_order(self, sequence: int) -> bool:
        """Packets are missing before this one, or it is late (False: drop it)."""
        ahead = (sequence - self._expected + 0x8000 & 0xFFFF) - 0x8000
        if -_RESTART < ahead < 0:
            return False
        if sequence < self._expected and ahead > 0:
            self._cycles += 1
        self.heard.lost += ahead if 0 < ahead < _RESTART else 0
        self.depacketizer.lost()
        self._on_lost(f"{ahead} packets lost" if 0 < ahead < _RESTART else "the sender counts anew")
        return True

    def _malformed(self, error: PayloadError) -> None:
        self.heard.malformed += 1
        self._broken += 1
        if self._broken > _MALFORMED:
            raise RtpError("Nothing but malformed packets comes", why=error.what) from error
        self.depacketizer.lost()
        self._on_lost(error.what)

    # Units

    def give(self, timestamp: int, data: bytes, flags: Flags) -> None:
        """The depacketizer's `emit`."""
        self._broken = 0
        moment = self._place(timestamp, Flags.KEY in flags)
        if moment is None:
            return
        if moment.jumped:
            flags |= Flags.DISCONTINUITY
        self.heard.units += 1
        self._on_unit(AccessUnit(self.track, moment.ticks, moment.utc, data, flags))

    # Reports

    def reported(self, report: SenderReport, now: float) -> bool:
        """A sender report came; whether it is this source's, or comes ahead of its first packet."""
        if self.ssrc not in (-1, report.ssrc):
            return False
        self._last_report = (report.ntp >> 16 & 0xFFFF_FFFF, now)
        return True

    def block(self, now: float) -> ReportBlock | None:
        """How well this source is heard; None before its first packet. The jitter of interleaved packets says nothing
        of the network, so it is left 0."""
        if self.ssrc < 0:
            return None
        highest = (self._cycles << 16) + self._expected - 1
        expected, lost = highest - self._first + 1, self.heard.lost
        new, gone = expected - self._reported[0], lost - self._reported[1]
        self._reported = (expected, lost)
        fraction = min(255, max(0, gone * 256 // new)) if new > 0 else 0
        last, delay = 0, 0
        if self._last_report is not None:
            last = self._last_report[0]
            delay = min(0xFFFF_FFFF, round((now - self._last_report[1]) * 65536))
        return ReportBlock(self.ssrc, fraction, lost, highest & 0xFFFF_FFFF, 0, last, delay)
