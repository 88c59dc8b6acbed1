"""What the camera tells about its streams: signal, form, rates, why a picture is coded again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from camward.base.clock import Utc


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One stream now.

    Args:
        name: "stream1" or "stream2".
        signal: whether pictures come.
        since: when the signal came or went.
        reason: why there is no signal; empty while there is one.
        codec: "h264", "h265", or empty before the first signal.
        audio: "aac", "opus", or empty.
        width: shown pixels.
        height: likewise.
        frame_rate: measured over the last seconds; 0 while nobody watches an on-demand stream.
        kbits: likewise, kbit/s of video and sound.
        passthrough: whether the source's own coded pictures go on untouched.
        why: why they are coded here instead; empty for pass-through.
        readers: how many sessions read the stream.
    """

    name: str
    signal: bool
    since: Utc
    reason: str
    codec: str
    audio: str
    width: int
    height: int
    frame_rate: float
    kbits: float
    passthrough: bool
    why: str
    readers: int


@dataclass(frozen=True, slots=True)
class MediaStatus:
    """The whole of it.

    Args:
        source: where the picture comes from, without a password.
        streams: by name.
        controls: the picture settings that this source has, of "brightness", "contrast", "saturation".
        worker_pid: 0 while the worker is down.
        worker_restarts: since the camera started.
        confined: whether the kernel keeps the worker from every file but those it needs.
    """

    source: str
    streams: Mapping[str, StreamStatus]
    controls: tuple[str, ...]
    worker_pid: int
    worker_restarts: int
    confined: bool
