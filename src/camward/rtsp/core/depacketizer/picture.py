"""Pictures from NAL units: where one ends, what a loss spoils, when the format is known.

A picture ends where the timestamp changes, and at the marker bit if this sender's can be trusted: the first picture
shows whether it comes with the last packet, and with that alone. (Some cameras never set it, some set it with each
NAL unit.) Parameter sets and other units ahead of a slice belong to the picture of that slice, whatever timestamp
they were sent with.

After a loss everything up to the next sure boundary is dropped, then everything up to the next key picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto

from camward.media import codec
from camward.media.bits import BitstreamError
from camward.media.codec import VideoCodec
from camward.media.unit import Flags, VideoFormat
from camward.rtsp.core.depacketizer.contract import LIMITS, DepacketizerLimits, Emit, PayloadError


class Nal(Enum):
    """What a NAL unit means for the bounds of pictures."""

    SLICE = auto()
    KEY_SLICE = auto()
    AHEAD = auto()
    """Only ever ahead of the slices: behind one, it starts the next picture."""
    PARAMETERS = auto()
    """The same, and a parameter set."""
    OTHER = auto()


class PictureDepacketizer:
    """What H.264 and H.265 share. Subclasses read payloads.

    Args:
        video: which of the two.
        emit: gets each whole picture, from a key picture on.
        on_format: told ahead of the first picture and whenever the parameter sets change.
        parameter_sets: out of the session description; the format while there are none in band.

    Attributes:
        fragment: first 4 bytes that go on with the NAL unit in fragments, as a number; -1 when none is open.
        pieces: copies of its pieces so far.
        timestamp: of the picture being put together.
    """

    head = 2
    """Bytes ahead of a fragment's data."""

    def __init__(
        self,
        video: VideoCodec,
        *,
        emit: Emit,
        on_format: Callable[[VideoFormat], None],
        parameter_sets: Sequence[bytes] = (),
        limits: DepacketizerLimits = LIMITS,
    ) -> None:
        self._video, self._emit, self._on_format, self._limits = video, emit, on_format, limits
        self._sets = tuple(parameter_sets)
        self._seen_sets: tuple[bytes, ...] | None = None
        self.format: VideoFormat | None = None
        self.fragment = -1
        self.pieces: list[bytes] = []
        self.timestamp = -1
        self._parts: list[bytes] = []
        self._size = 0
        self._nals = 0
        self._piece_size = 0
        self._sliced = self._key = self._has_sets = False
        self._skipping: int | None = None
        self._skips = False
        self._waiting = True
        self._gap = True
        self._marker: bool | None = None
        self._marked = False
        self._ended = -1

    # What subclasses call

    def _nal(self, kind: Nal, nal: memoryview, timestamp: int, *, first: bool) -> None:
        """A whole NAL unit. `first`: it is a slice that starts a picture."""
        if self.fragment >= 0:
            raise PayloadError("A NAL unit came within the fragments of another")
        if self._begins(kind, timestamp, first=first):
            size = len(nal)
            self._count(size)
            self._parts.append(size.to_bytes(4, "big"))
            self._parts.append(bytes(nal))

    def _open(self, kind: Nal, header: bytes, piece: memoryview, timestamp: int, *, first: bool, goes_on: int) -> None:
        """The first fragment of a NAL unit. `goes_on`: what further fragments start with, see `fragment`."""
        if self.fragment >= 0:
            raise PayloadError("A NAL unit in fragments has no end")
        if self._begins(kind, timestamp, first=first):
            self.pieces += (header, bytes(piece))
            self._piece_size = len(header) + len(piece)
            self.fragment = goes_on

    def _go_on(self, piece: memoryview, timestamp: int, *, last: bool) -> None:
        """A further fragment."""
        if self.fragment < 0:
            if self._skips:
                self._passes(timestamp)
                return
            raise PayloadError("A fragment of a NAL unit has no beginning")
        if timestamp != self.timestamp:
            raise PayloadError("The timestamp changes within a NAL unit")
        self.pieces.append(bytes(piece))
        self.grow(len(piece))
        if last:
            self._close()

    def _close(self) -> None:
        self.fragment = -1
        size, self._piece_size = self._piece_size, 0
        self._count(size)
        self._parts.append(size.to_bytes(4, "big"))
        self._parts += self.pieces
        self.pieces.clear()

    def grow(self, size: int) -> None:
        """`pieces` has become so much longer.

        Raises:
            PayloadError: the picture is too large.
        """
        self._piece_size += size
        if self._size + self._piece_size > self._limits.unit:
            raise PayloadError("A picture is too large")

    def _end_packet(self, *, marker: bool) -> None:
        """The packet's NAL units are taken."""
        if not marker:
            return
        if self._skips:
            self._skips = self._marker is not True
        elif self._sliced:
            self._marked = True
            if self._marker:
                self._ended = self.timestamp
                self._finish()

    # See `Depacketizer`

    def lost(self) -> None:
        """Packets are missing here."""
        self._clear()
        self._skips, self._skipping = True, None
        self._waiting = self._gap = True

    # Bounds

    def _passes(self, timestamp: int) -> bool:
        """Within a skip: whether a boundary was reached, so that the skip is over."""
        if self._skipping is None:
            self._skipping = timestamp
        self._skips = timestamp == self._skipping
        return not self._skips

    def _begins(self, kind: Nal, timestamp: int, *, first: bool) -> bool:
        """A NAL unit begins: whether it is wanted. Ends the picture before it."""
        if self._skips and not self._passes(timestamp):
            return False
        slice_ = kind is Nal.SLICE or kind is Nal.KEY_SLICE
        ahead = kind is Nal.AHEAD or kind is Nal.PARAMETERS
        if self._sliced and (timestamp != self.timestamp or ahead):
            self._learn()
            self._finish()
        elif self._marked and not ahead:
            self._marker, self._marked = False, False
        elif timestamp == self._ended and not ahead and not first:
            self._marker = False
            self.lost()
            self._passes(timestamp)
            return False
        if slice_ and not (self._sliced or first):
            self.lost()  # the picture's first slice is missing: this is where the sender or we came in
            self._passes(timestamp)
            return False
        if slice_ or timestamp != self._ended:
            self._ended = -1
        self.timestamp = timestamp
        if kind is Nal.PARAMETERS:
            self._has_sets = True
        elif slice_ and not self._sliced:
            self._sliced, self._key = True, kind is Nal.KEY_SLICE
        return True

    def _learn(self) -> None:
        if self._marker is None:
            self._marker = self._marked

    def _count(self, size: int) -> None:
        self._nals += 1
        self._size += size + 4
        if self._nals > self._limits.nals or self._size > self._limits.unit:
            raise PayloadError("A picture is too large or has too many NAL units")

    def _clear(self) -> None:
        self._parts = []
        self.pieces.clear()
        self.fragment = -1
        self._size = self._nals = self._piece_size = 0
        self._sliced = self._key = self._has_sets = self._marked = False

    def _finish(self) -> None:
        """The picture is whole, if its last NAL unit is."""
        if self.fragment >= 0:
            self._clear()
            self._waiting = self._gap = True
            return
        parts, key, has_sets = self._parts, self._key, self._has_sets
        self._clear()
        if self._waiting and not key:
            return
        data = b"".join(parts)
        if key:
            if has_sets or self.format is None:
                self._read_sets(data)
            if self.format is None:
                return
            self._waiting = False
        flags = Flags.KEY if key else Flags.NONE
        if self._gap:
            flags |= Flags.DISCONTINUITY
            self._gap = False
        self._emit(self.timestamp, data, flags)

    def _read_sets(self, data: bytes) -> None:
        """Learn the format from a key picture; what can't be read leaves it as it was."""
        found = codec.parameter_sets_in(self._video, data)
        if found == self._seen_sets:
            return
        self._seen_sets = found
        kinds = {_kind(self._video, nal) for nal in found}
        sets = tuple(nal for nal in self._sets if _kind(self._video, nal) not in kinds) + found
        try:
            form = codec.video_format(self._video, sets)
        except BitstreamError:
            return
        self._sets = sets
        if form != self.format:
            self.format = form
            self._on_format(form)


def _kind(video: VideoCodec, nal: bytes) -> int:
    return nal[0] & 0x1F if video == "h264" else nal[0] >> 1 & 0x3F
