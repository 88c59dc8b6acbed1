"""Coded pictures of a stream, decoded one by one; times and what else is known of a picture stay with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
from av.video.codeccontext import VideoCodecContext

from camward.base.clock import Utc
from camward.camera.worker.encoder import TIME_BASE
from camward.media import codec
from camward.media.unit import AccessUnit, VideoFormat

_NAMES = {"h264": "h264", "h265": "hevc"}
_PENDING = 64


class Decoder:
    """Decodes access units with 4-byte lengths as they are, without a copy in another form."""

    def __init__(self, form: VideoFormat) -> None:
        context = av.CodecContext.create(_NAMES[form.codec], "r")
        assert isinstance(context, VideoCodecContext)
        context.extradata = codec.decoder_config(form)
        context.thread_count = 1  # more threads hold pictures back
        self._context = context
        self._pending: dict[int, tuple[Utc, bool]] = {}

    def decode(self, unit: AccessUnit, *, silent: bool = False) -> Iterator[tuple[av.VideoFrame, int, Utc]]:
        """The pictures that are ready now, with ticks and UTC, but for those of silent units.

        Raises:
            av.error.FFmpegError: it can't be decoded; go on at a key picture.
        """
        self._pending[unit.ticks] = unit.utc, silent
        while len(self._pending) > _PENDING:
            del self._pending[next(iter(self._pending))]
        packet: av.Packet[Any] = av.Packet(unit.data)
        packet.pts, packet.time_base = unit.ticks, TIME_BASE
        yield from self._ready(packet)

    def rest(self) -> Iterator[tuple[av.VideoFrame, int, Utc]]:
        """The pictures that the decoder still holds; it can't go on after this."""
        yield from self._ready(None)

    def _ready(self, packet: av.Packet[Any] | None) -> Iterator[tuple[av.VideoFrame, int, Utc]]:
        for picture in self._context.decode(packet):
            if picture.pts is None:
                continue
            utc, silent = self._pending.pop(picture.pts, (Utc(0), True))
            if not silent:
                yield picture, picture.pts, utc
