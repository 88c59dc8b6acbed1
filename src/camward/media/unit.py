"""What flows through Camward: coded pictures, audio samples and metadata, each with its time.

Ticks count from the start of the stream in the track's own clock (video: 90 kHz; AAC: its sample rate; Opus:
48 kHz; metadata: 90 kHz). They never wrap and never jump when the wall clock is set; UTC is beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Literal

from camward.base.clock import Utc

VIDEO_CLOCK = 90_000


class Track(IntEnum):
    """The tracks of a stream."""

    VIDEO = 0
    AUDIO = 1
    METADATA = 2


class Flags(IntFlag):
    """Facts about one access unit.

    KEY: a decoder can start here. DISCONTINUITY: something is missing before it (source restarted, packets lost).
    BOUNDARY: a recording file must be cut here (a key period ends); only ever on a KEY unit.
    """

    NONE = 0
    KEY = 1
    DISCONTINUITY = 2
    BOUNDARY = 4


_KEY = int(Flags.KEY)


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded picture (all its NAL units), audio frame or metadata sample.

    Args:
        track: which track.
        ticks: presentation time in the track's clock. Units come in decoding order.
        utc: when it was captured, nanoseconds.
        data: video: NAL units, each behind a 4-byte big-endian length, parameter sets and SEI in band as received;
            audio: one raw AAC or Opus frame; metadata: one sample.
        flags: see `Flags`.
    """

    track: Track
    ticks: int
    utc: Utc
    data: bytes
    flags: Flags = Flags.NONE

    @property
    def key(self) -> bool:
        """Whether a decoder can start here (always true for audio and metadata)."""
        return int.__and__(self.flags, _KEY) != 0  # an enum's own operators cost ten times as much


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """How the video is coded.

    Args:
        codec: "h264" or "h265".
        width: shown pixels, after cropping.
        height: likewise.
        parameter_sets: SPS and PPS (H.265: VPS, SPS, PPS) without start code or length, in that order.
        frame_rate: pictures per second if known, else 0.
    """

    codec: Literal["h264", "h265"]
    width: int
    height: int
    parameter_sets: tuple[bytes, ...]
    frame_rate: float = 0.0

    @property
    def clock_rate(self) -> int:
        """Ticks per second."""
        return VIDEO_CLOCK


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How the audio is coded.

    Args:
        codec: "aac" (AudioSpecificConfig in `config`) or "opus" (`config` empty). G.711 is transcoded at the source.
        sample_rate: samples per second.
        channels: 1 or 2 (AAC: up to 8).
        config: AAC's AudioSpecificConfig.
    """

    codec: Literal["aac", "opus"]
    sample_rate: int
    channels: int
    config: bytes = b""

    @property
    def clock_rate(self) -> int:
        """Ticks per second."""
        return 48_000 if self.codec == "opus" else self.sample_rate


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """The tracks that a stream has now; it may change when a source restarts."""

    video: VideoFormat
    audio: AudioFormat | None = None
    metadata: bool = False
