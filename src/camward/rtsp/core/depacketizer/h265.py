"""H.265 from RTP (RFC 7798): single NAL units, aggregation packets, fragmentation units; without DONs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from camward.media.nal import split_annexb
from camward.media.unit import VideoFormat
from camward.rtsp.core.depacketizer.contract import LIMITS, DepacketizerLimits, Emit, PayloadError
from camward.rtsp.core.depacketizer.picture import Nal, PictureDepacketizer

AGGREGATION, FRAGMENT, PACI = 48, 49, 50
_KINDS = tuple(
    Nal.KEY_SLICE
    if 16 <= number <= 23
    else Nal.SLICE
    if number < 32
    else Nal.PARAMETERS
    if number <= 34
    else Nal.AHEAD
    if number in (35, 39) or 41 <= number <= 44 or 48 <= number <= 55
    else Nal.OTHER
    for number in range(64)
)
"""H.265 7.4.2.4.4: what may stand ahead of a picture's first slice only."""


class H265Depacketizer(PictureDepacketizer):
    """Transmission mode SRST with sprop-max-don-diff 0. See `PictureDepacketizer`."""

    head = 3

    def __init__(
        self,
        *,
        emit: Emit,
        on_format: Callable[[VideoFormat], None],
        parameter_sets: Sequence[bytes] = (),
        limits: DepacketizerLimits = LIMITS,
    ) -> None:
        super().__init__("h265", emit=emit, on_format=on_format, parameter_sets=parameter_sets, limits=limits)

    def packet(self, payload: memoryview, timestamp: int, *, marker: bool) -> None:
        """See `Depacketizer.packet`."""
        if len(payload) < 2:
            raise PayloadError("An H.265 payload is too short")
        kind = payload[0] >> 1 & 0x3F
        if kind == FRAGMENT:
            self._fragment(payload, timestamp)
        elif kind == AGGREGATION:
            self._aggregate(payload, timestamp)
        elif payload[0] == payload[1] == 0:  # no NAL header has a temporal id of 0: it is a start code
            for nal in split_annexb(bytes(payload)):
                self._whole(memoryview(nal), timestamp)
        elif kind < AGGREGATION:
            self._whole(payload, timestamp)
        else:
            raise PayloadError(f"H.265 payloads of type {kind} are not supported")
        self._end_packet(marker=marker)

    def _whole(self, nal: memoryview, timestamp: int) -> None:
        if len(nal) < 2:
            raise PayloadError("An H.265 NAL unit is too short")
        first = len(nal) > 2 and nal[2] & 0x80 != 0
        self._nal(_KINDS[nal[0] >> 1 & 0x3F], nal, timestamp, first=first)

    def _fragment(self, payload: memoryview, timestamp: int) -> None:
        piece = payload[3:]
        if not piece:
            raise PayloadError("An H.265 fragment is empty")
        head = payload[2]
        if not head & 0x80:
            self._go_on(piece, timestamp, last=head & 0x40 != 0)
            return
        header = bytes((payload[0] & 0x81 | (head & 0x3F) << 1, payload[1]))
        goes_on = payload[0] << 24 | payload[1] << 16 | (head & 0x3F) << 8
        kind = _KINDS[head & 0x3F]
        self._open(kind, header, piece, timestamp, first=piece[0] & 0x80 != 0, goes_on=goes_on)
        if head & 0x40 and self.fragment >= 0:
            self._go_on(piece[:0], timestamp, last=True)

    def _aggregate(self, payload: memoryview, timestamp: int) -> None:
        position, end = 2, len(payload)
        while position < end:
            begin = position + 2
            position = begin + int.from_bytes(payload[position:begin], "big")
            if position > end:
                raise PayloadError("A length in an H.265 aggregation packet points outside it")
            if position > begin:
                self._whole(payload[begin:position], timestamp)
