"""What the media worker reports to the front: framing, encoding, and a strict reading of it. No I/O.

Each frame is a 4-byte big-endian length and that many bytes, the first of which is the kind. The front takes the
worker for hostile (it decodes what strangers coded): everything is bounded and checked before it goes on.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from camward.base.clock import Utc
from camward.base.errors import ProtocolError
from camward.media import aac, codec
from camward.media.bits import BitstreamError
from camward.media.nal import iter_length_prefixed
from camward.media.unit import AccessUnit, AudioFormat, Flags, StreamFormat, Track, VideoFormat

STREAM1, STREAM2 = 1, 2
"""Bits of `UnitReport.streams`, and the numbers of the streams elsewhere."""


class WireError(ProtocolError):
    """The other side of the worker's socket broke the framing or a limit."""

    code = "WORKER-WIRE"


@dataclass(frozen=True, slots=True)
class WireLimits:
    """What one frame may hold."""

    frame_bytes: int = 24 * 1024 * 1024
    text_bytes: int = 2048
    parameter_sets: int = 32
    parameter_set_bytes: int = 4096
    nal_units: int = 1024
    controls: int = 8
    ticks: int = 1 << 48


LIMITS = WireLimits()


class Kind(IntEnum):
    """The first byte of a frame; below 64 the worker sends it, from 64 on the front does."""

    FORMAT = 1
    UNIT = 2
    LOST = 3
    ALIVE = 4
    SNAPSHOT = 5
    LOG = 6
    CONFIG = 64
    SMALL = 65
    TAKE_SNAPSHOT = 66
    KEY_PICTURE = 67


@dataclass(frozen=True, slots=True)
class FormatReport:
    """A stream's form from now on; there is a signal. `why` says why pictures are coded here (empty: untouched)."""

    stream: int
    form: StreamFormat
    why: str


@dataclass(frozen=True, slots=True)
class UnitReport:
    """One access unit for the streams whose bits are set."""

    streams: int
    unit: AccessUnit


@dataclass(frozen=True, slots=True)
class LostReport:
    """The source gave up for now."""

    reason: str


@dataclass(frozen=True, slots=True)
class AliveReport:
    """Sent each second: the worker's main loop runs."""

    confined: bool
    controls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SnapshotReport:
    """The answer to a request: a JPEG, or why there is none."""

    request: int
    jpeg: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class LogReport:
    """Something for the front's log."""

    text: str


Report = FormatReport | UnitReport | LostReport | AliveReport | SnapshotReport | LogReport

_LENGTH = struct.Struct(">I")
_UNIT = struct.Struct(">BBBBqq")
_FORMAT = struct.Struct(">BBBf")
_CODECS = ("h264", "h265")
_CONTROLS = frozenset({"brightness", "contrast", "saturation"})


class FrameSplitter:
    """Bytes in, whole frames out; holds at most one unfinished frame."""

    def __init__(self, limits: WireLimits = LIMITS) -> None:
        self._limits = limits
        self._held = bytearray()

    def receive(self, data: bytes) -> list[bytes | memoryview]:
        """The frames that are complete now, without their lengths; not copied where `data` holds them whole.

        Raises:
            WireError: a length is zero or beyond the limit; the connection is useless from then on.
        """
        frames: list[bytes | memoryview] = []
        position = self._finish_held(data, frames) if self._held else 0
        view, end = memoryview(data), len(data)
        while end - position >= 4:
            after = position + 4 + self._size(data, position)
            if after > end:
                break
            frames.append(view[position + 4 : after])
            position = after
        self._held += view[position:]
        return frames

    def _finish_held(self, data: bytes, frames: list[bytes | memoryview]) -> int:
        """Add what the unfinished frame still lacks; how much of `data` that was."""
        used = 0
        if len(self._held) < 4:
            used = 4 - len(self._held)
            self._held += data[:used]
            if len(self._held) < 4:
                return len(data)
        missing = 4 + self._size(self._held, 0) - len(self._held)
        self._held += memoryview(data)[used : used + missing]
        if used + missing <= len(data):
            frames.append(bytes(memoryview(self._held)[4:]))
            self._held.clear()
        return min(used + missing, len(data))

    def _size(self, data: bytes | bytearray, position: int) -> int:
        size: int = _LENGTH.unpack_from(data, position)[0]
        if not 0 < size <= self._limits.frame_bytes:
            raise WireError(f"A frame of {size} bytes is not possible")
        return size


def frame(*parts: bytes) -> list[bytes]:
    """The chunks of one frame, for a gathering write."""
    return [_LENGTH.pack(sum(map(len, parts))), *parts]


def encode_unit(streams: int, unit: AccessUnit) -> list[bytes]:
    """One access unit; its data is not copied."""
    return frame(_UNIT.pack(Kind.UNIT, streams, unit.track, unit.flags, unit.ticks, unit.utc), unit.data)


def encode_report(report: Report) -> list[bytes]:
    """Any report as chunks."""
    match report:
        case UnitReport(streams, unit):
            return encode_unit(streams, unit)
        case FormatReport(stream, form, why):
            return frame(bytes((Kind.FORMAT,)), _format(stream, form), _text(why))
        case LostReport(reason):
            return frame(bytes((Kind.LOST,)), _text(reason))
        case AliveReport(confined, controls):
            return frame(bytes((Kind.ALIVE, confined)), ",".join(controls).encode())
        case SnapshotReport(request, jpeg, reason):
            return frame(struct.pack(">BI?", Kind.SNAPSHOT, request, bool(jpeg)), jpeg or _text(reason))
        case LogReport(text):
            return frame(bytes((Kind.LOG,)), _text(text))


def _text(text: str) -> bytes:
    return text.encode("utf-8", "replace")[: LIMITS.text_bytes]


def _format(stream: int, form: StreamFormat) -> bytes:
    video, audio = form.video, form.audio
    parts = [_FORMAT.pack(stream, _CODECS.index(video.codec), len(video.parameter_sets), video.frame_rate)]
    parts += [len(nal).to_bytes(2, "big") + nal for nal in video.parameter_sets]
    if audio is None:
        parts.append(b"\x00")
    elif audio.codec == "aac":
        parts.append(bytes((1, len(audio.config))) + audio.config)
    else:
        parts.append(bytes((2, audio.channels)) + audio.sample_rate.to_bytes(4, "big"))
    return b"".join(parts)


def decode_report(data: bytes | memoryview, limits: WireLimits = LIMITS) -> Report:
    """Read one frame from the worker.

    Raises:
        WireError: anything in it is not as it must be.
    """
    try:
        match data[0]:
            case Kind.UNIT:
                return _read_unit(data, limits)
            case Kind.FORMAT:
                return _read_format(_Cursor(data, 1), limits)
            case Kind.LOST:
                return LostReport(_read_text(data[1:], limits))
            case Kind.ALIVE:
                return _read_alive(data, limits)
            case Kind.SNAPSHOT:
                return _read_snapshot(data, limits)
            case Kind.LOG:
                return LogReport(_read_text(data[1:], limits))
    except (struct.error, IndexError) as error:
        raise WireError("A frame of the worker is cut off") from error
    except BitstreamError as error:
        raise WireError(f"The worker's media is broken: {error.what}") from error
    raise WireError(f"The worker sent a frame of unknown kind {data[0]}")


def _read_unit(data: bytes | memoryview, limits: WireLimits) -> UnitReport:
    _, streams, track, flags, ticks, utc = _UNIT.unpack_from(data)
    if not 1 <= streams <= 3 or track not in (Track.VIDEO, Track.AUDIO):
        raise WireError("A unit is for no stream or track that there is")
    if flags & ~(Flags.KEY | Flags.DISCONTINUITY) or (track == Track.AUDIO and not flags & Flags.KEY):
        raise WireError("A unit's flags are impossible")
    if not 0 <= ticks < limits.ticks or utc < 0:
        raise WireError("A unit's time is impossible")
    body = bytes(data[_UNIT.size :])
    if not body:
        raise WireError("A unit is empty")
    if track == Track.VIDEO:
        for count, nal in enumerate(iter_length_prefixed(body)):
            if not nal or count >= limits.nal_units:
                raise WireError("A picture has an empty NAL unit, or too many")
    return UnitReport(streams, AccessUnit(Track(track), ticks, Utc(utc), body, Flags(flags)))


def _read_format(cursor: _Cursor, limits: WireLimits) -> FormatReport:
    stream, codec_number, count, rate = _FORMAT.unpack(cursor.take(_FORMAT.size))
    if stream not in (STREAM1, STREAM2) or codec_number > 1 or count > limits.parameter_sets:
        raise WireError("A format is of no stream or codec that there is")
    if not 0 <= rate <= 1000:
        raise WireError("A format's frame rate is impossible")
    sets = []
    for _ in range(count):
        size = int.from_bytes(cursor.take(2), "big")
        if not 0 < size <= limits.parameter_set_bytes:
            raise WireError("A parameter set is empty or too long")
        sets.append(cursor.take(size))
    video = codec.video_format("h264" if codec_number == 0 else "h265", sets)
    codec.decoder_config(video)
    video = VideoFormat(video.codec, video.width, video.height, video.parameter_sets, rate or video.frame_rate)
    audio = _read_audio(cursor)
    return FormatReport(stream, StreamFormat(video, audio), _read_text(cursor.rest(), limits))


def _read_audio(cursor: _Cursor) -> AudioFormat | None:
    match cursor.take(1)[0]:
        case 0:
            return None
        case 1:
            return aac.audio_format(cursor.take(cursor.take(1)[0]))
        case 2:
            channels, rate = cursor.take(1)[0], int.from_bytes(cursor.take(4), "big")
            if channels in (1, 2) and 8000 <= rate <= 48_000:
                return AudioFormat("opus", rate, channels)
    raise WireError("A format's sound is impossible")


def _read_alive(data: bytes | memoryview, limits: WireLimits) -> AliveReport:
    words = _read_text(data[2:], limits)
    controls = tuple(words.split(",")) if words else ()
    if data[1] > 1 or len(controls) > limits.controls or not _CONTROLS.issuperset(controls):
        raise WireError("A sign of life is malformed")
    return AliveReport(bool(data[1]), controls)


def _read_snapshot(data: bytes | memoryview, limits: WireLimits) -> SnapshotReport:
    _, request, good = struct.unpack_from(">BIB", data)
    body = bytes(data[6:])
    if not good:
        return SnapshotReport(request, b"", _read_text(body, limits) or "no reason given")
    if not body.startswith(b"\xff\xd8\xff"):
        raise WireError("A snapshot is not a JPEG")
    return SnapshotReport(request, body, "")


def _read_text(data: bytes | memoryview, limits: WireLimits) -> str:
    if len(data) > limits.text_bytes:
        raise WireError("A text of the worker is too long")
    text = bytes(data).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text)


class _Cursor:
    """Takes bytes off the front; running out is an error."""

    def __init__(self, data: bytes | memoryview, position: int) -> None:
        self._data, self._position = bytes(data), position

    def take(self, count: int) -> bytes:
        begin = self._position
        self._position += count
        if self._position > len(self._data):
            raise WireError("A frame of the worker is cut off")
        return self._data[begin : self._position]

    def rest(self) -> bytes:
        return self._data[self._position :]
