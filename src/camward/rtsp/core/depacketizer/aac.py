"""AAC from RTP (RFC 3640, mpeg4-generic): AAC-hbr, AAC-lbr, several frames in a packet, a frame in several packets."""

from __future__ import annotations

from collections.abc import Mapping

from camward.media.bits import BitReader
from camward.media.unit import Flags
from camward.rtsp.core.depacketizer.contract import LIMITS, DepacketizerLimits, Emit, PayloadError

_MODES = {"aac-hbr": (13, 3, 3), "aac-lbr": (6, 2, 2)}


class AacDepacketizer:
    """See `Depacketizer`.

    Args:
        parameters: of the session description's `a=fmtp`, names in lower case.
        frame: ticks of the RTP clock from one frame of a packet to the next.
        emit: gets each frame.

    Raises:
        PayloadError: the parameters name no form that is known here.
    """

    def __init__(
        self, parameters: Mapping[str, str], *, frame: int, emit: Emit, limits: DepacketizerLimits = LIMITS
    ) -> None:
        usual = _MODES.get(parameters.get("mode", "AAC-hbr").lower(), (0, 0, 0))
        names = ("sizelength", "indexlength", "indexdeltalength")
        sizes = [_bits(parameters, name, default) for name, default in zip(names, usual, strict=True)]
        extras = ("ctsdeltalength", "dtsdeltalength", "randomaccessindication", "streamstateindication")
        if not sizes[0] or any(_bits(parameters, name, 0) for name in (*extras, "auxiliarydatasizelength")):
            raise PayloadError("AAC audio in a form that is not supported")
        self._size, self._index, self._delta = sizes
        self._frame, self._emit, self._limits = frame, emit, limits
        self._begun = bytearray()
        self._expected = 0
        self._gap = True

    def packet(self, payload: memoryview, timestamp: int, *, marker: bool) -> None:
        """See `Depacketizer.packet`."""
        sizes, position = self._headers(payload)
        if len(sizes) == 1 and (self._begun or sizes[0] > len(payload) - position):
            self._fragment(payload[position:], sizes[0], timestamp)
            return
        self._begun.clear()
        for number, size in enumerate(sizes):
            end = position + size
            if end > len(payload):
                raise PayloadError("An AAC frame ends outside its packet")
            if size:
                self._give(timestamp + number * self._frame, bytes(payload[position:end]))
            position = end

    def _headers(self, payload: memoryview) -> tuple[list[int], int]:
        """Sizes of the frames, and where the first one starts."""
        if len(payload) < 2:
            raise PayloadError("An AAC payload is too short")
        length = payload[0] << 8 | payload[1]
        begin = 2 + (length + 7) // 8
        if begin > len(payload):
            raise PayloadError("The headers of an AAC payload end outside it")
        reader = BitReader(bytes(payload[2:begin]))
        sizes: list[int] = []
        while length >= self._size + (self._delta if sizes else self._index):
            index = self._delta if sizes else self._index
            sizes.append(reader.bits(self._size))
            if reader.bits(index):
                raise PayloadError("Interleaved AAC frames are not supported")
            length -= self._size + index
        if not sizes:
            raise PayloadError("An AAC payload has no frames")
        return sizes, begin

    def _fragment(self, piece: memoryview, size: int, timestamp: int) -> None:
        if not self._begun:
            self._expected = size
        if size != self._expected or size > self._limits.sample or len(self._begun) + len(piece) > size:
            raise PayloadError("The fragments of an AAC frame don't fit together")
        self._begun += piece
        if len(self._begun) == size:
            data = bytes(self._begun)
            self._begun.clear()
            self._give(timestamp, data)

    def _give(self, timestamp: int, data: bytes) -> None:
        flags = Flags.KEY | Flags.DISCONTINUITY if self._gap else Flags.KEY
        self._gap = False
        self._emit(timestamp & 0xFFFF_FFFF, data, flags)

    def lost(self) -> None:
        """See `Depacketizer.lost`."""
        self._begun.clear()
        self._gap = True


def _bits(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 2) or int(text) > 32:
        raise PayloadError(f"AAC parameter {name} is unreadable")
    return int(text)
