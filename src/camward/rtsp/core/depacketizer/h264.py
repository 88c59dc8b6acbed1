"""H.264 from RTP (RFC 6184): single NAL units, STAP-A, FU-A; also NAL units with start codes, as some cameras send."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from camward.media.nal import split_annexb
from camward.media.unit import VideoFormat
from camward.rtsp.core.depacketizer.contract import LIMITS, DepacketizerLimits, Emit, PayloadError
from camward.rtsp.core.depacketizer.picture import Nal, PictureDepacketizer

STAP_A, FU_A = 24, 28
_ZEROS = memoryview(bytes(2))
_KINDS = tuple(
    Nal.KEY_SLICE
    if number == 5
    else Nal.SLICE
    if 1 <= number <= 4
    else Nal.PARAMETERS
    if number in (7, 8, 13)
    else Nal.AHEAD
    if number in (6, 9) or 14 <= number <= 18
    else Nal.OTHER
    for number in range(32)
)
"""H.264 7.4.1.2.3: what may stand ahead of a picture's first slice only."""


class H264Depacketizer(PictureDepacketizer):
    """Packetization modes 0 and 1. See `PictureDepacketizer`."""

    head = 2

    def __init__(
        self,
        *,
        emit: Emit,
        on_format: Callable[[VideoFormat], None],
        parameter_sets: Sequence[bytes] = (),
        limits: DepacketizerLimits = LIMITS,
    ) -> None:
        super().__init__("h264", emit=emit, on_format=on_format, parameter_sets=parameter_sets, limits=limits)

    def packet(self, payload: memoryview, timestamp: int, *, marker: bool) -> None:
        """See `Depacketizer.packet`."""
        if not payload:
            raise PayloadError("An H.264 payload is empty")
        kind = payload[0] & 0x1F
        if kind == FU_A:
            self._fragment(payload, timestamp)
        elif 0 < kind < STAP_A:
            self._whole(payload, timestamp)
        elif kind == STAP_A:
            self._aggregate(payload, timestamp)
        elif payload[:2] == _ZEROS:  # a start code
            for nal in split_annexb(bytes(payload)):
                self._whole(memoryview(nal), timestamp)
        else:
            raise PayloadError(f"H.264 payloads of type {kind} are not supported")
        self._end_packet(marker=marker)

    def _whole(self, nal: memoryview, timestamp: int) -> None:
        first = len(nal) > 1 and nal[1] & 0x80 != 0
        self._nal(_KINDS[nal[0] & 0x1F], nal, timestamp, first=first)

    def _fragment(self, payload: memoryview, timestamp: int) -> None:
        piece = payload[2:]
        if not piece:
            raise PayloadError("An H.264 fragment is empty")
        indicator, head = payload[0], payload[1]
        if not head & 0x80:
            self._go_on(piece, timestamp, last=head & 0x40 != 0)
            return
        kind = _KINDS[head & 0x1F]
        header = bytes((indicator & 0xE0 | head & 0x1F,))
        goes_on = indicator << 24 | (head & 0x1F) << 16
        self._open(kind, header, piece, timestamp, first=piece[0] & 0x80 != 0, goes_on=goes_on)
        if head & 0x40 and self.fragment >= 0:
            self._go_on(piece[:0], timestamp, last=True)

    def _aggregate(self, payload: memoryview, timestamp: int) -> None:
        position, end = 1, len(payload)
        while position < end:
            begin = position + 2
            position = begin + int.from_bytes(payload[position:begin], "big")
            if position > end:
                raise PayloadError("A length in an H.264 aggregation packet points outside it")
            if position > begin:
                self._whole(payload[begin:position], timestamp)
