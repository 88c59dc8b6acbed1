"""What a recorder says of itself: cameras, streams, recorded spans, disk space. Plain values, for pages and the CLI."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from camward.base.clock import Utc


class CameraState(StrEnum):
    """How things stand with a camera."""

    CONNECTING = "connecting"
    RECORDING = "recording"
    NO_SIGNAL = "no_signal"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    STORAGE = "storage"
    OFF = "off"


class SpanState(StrEnum):
    """What a stretch of the timeline holds, or why it holds nothing."""

    RECORDED = "recorded"
    CAMERA_OFF = "camera_off"
    NETWORK = "network"
    RECORDER_OFF = "recorder_off"
    STORAGE = "storage"
    UNKNOWN = "unknown"
    FUTURE = "future"


class VolumeState(StrEnum):
    """How things stand with a disk."""

    OK = "ok"
    FULL = "full"
    FAILED = "failed"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One stream of a camera.

    Args:
        name: "stream1" or "stream2".
        codec: "h264", "h265", or empty while there is no picture.
        width: pixels.
        height: likewise.
        kbits: received lately, kbit/s.
        delay: seconds from capture to arrival of the last key picture, as far as the camera's clock can be believed.
        last_picture: capture time of the newest picture.
        recorded_until: end of the newest acknowledged fragment; None for a stream that isn't recorded.
    """

    name: str
    codec: str
    width: int
    height: int
    kbits: float
    delay: float | None
    last_picture: Utc | None
    recorded_until: Utc | None


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera.

    Args:
        camera_id: its id.
        name: as people call it.
        state: see `CameraState`.
        since: when that began.
        reason: one sentence, empty while all is well.
        next_try: when the recorder connects again, if it waits.
        plain: whether pictures cross the network without encryption.
        streams: those connected now.
    """

    camera_id: str
    name: str
    state: CameraState
    since: Utc
    reason: str
    next_try: Utc | None
    plain: bool
    streams: tuple[StreamStatus, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a camera's timeline."""

    from_utc: Utc
    to_utc: Utc
    state: SpanState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CameraStorage:
    """What one camera's recordings take.

    Args:
        camera_id: its id; it may have left the book.
        size: bytes of all its files.
        oldest: where its recordings begin.
        newest: where they end.
        bytes_per_day: over the last day.
        keep_days: in force for it.
    """

    camera_id: str
    size: int
    oldest: Utc
    newest: Utc
    bytes_per_day: int
    keep_days: int


@dataclass(frozen=True, slots=True)
class StorageReport:
    """The disk.

    Args:
        total: bytes it has.
        free: bytes free.
        used: bytes of recordings.
        reserve: bytes kept free.
        bytes_per_day: of all cameras, over the last day.
        days: how many days of recordings fit at that rate; None before a minute was recorded.
        state: see `VolumeState`.
        reason: one sentence, empty while all is well.
        cameras: by id.
    """

    total: int
    free: int
    used: int
    reserve: int
    bytes_per_day: int
    days: float | None
    state: VolumeState
    reason: str
    cameras: tuple[CameraStorage, ...]
