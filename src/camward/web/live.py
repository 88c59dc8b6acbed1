"""Live pictures over a WebSocket, as access units for WebCodecs or as MP4 fragments for Media Source Extensions.

Text messages are JSON, binary ones are media:

    {"type": "format", ...}     ahead of the first unit, and whenever the form changes; a key picture follows
    {"type": "no_signal", ...}  pictures stop; the next unit ends this state
    {"type": "time", "now": N}  the device's clock, milliseconds: what a picture's delay is measured by
    units   u8 track | u8 flags | u16 0 | u32 0 | i64 ticks | i64 UTC in nanoseconds | data, big-endian
    mp4     `ftyp moov` after each format, then a fragment for each picture

A viewer that is too slow loses pictures up to the next key picture; nobody else does.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fastapi import WebSocket, WebSocketDisconnect

from camward.base.clock import Clock, Utc
from camward.base.fanout import BoundedReader
from camward.media.codec import codec_string, decoder_config
from camward.media.mp4.movie import file_type, movie
from camward.media.mp4.origin import Origin
from camward.media.mp4.writer import FragmentWriter
from camward.media.stream import MediaStream
from camward.media.unit import AccessUnit, StreamFormat, Track

HEAD = struct.Struct(">BBHIqq")
POLICY_VIOLATION = 1008
TRY_LATER = 1013


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """What one viewer can cost us.

    Args:
        queued: bytes that wait for a slow viewer; two seconds of a usual stream.
        send_seconds: for one message to leave.
        check_seconds: between looks at whether the viewer still may.
        viewers: of one stream.
    """

    queued: int = 1024 * 1024
    send_seconds: float = 20.0
    check_seconds: float = 5.0
    viewers: int = 256


class Form(Protocol):
    """How units are put into messages."""

    def describe(self, form: StreamFormat) -> list[str | bytes]:
        """What is sent ahead of the first unit of this format."""
        ...

    def message(self, unit: AccessUnit) -> bytes:
        """One unit."""
        ...


class UnitForm:
    """Access units as they are, for WebCodecs."""

    def describe(self, form: StreamFormat) -> list[str | bytes]:
        """See `Form`."""
        video = form.video
        told: dict[str, object] = {
            "type": "format",
            "codec": codec_string(video),
            "description": base64.b64encode(decoder_config(video)).decode(),
            "width": video.width,
            "height": video.height,
            "frameRate": video.frame_rate,
            "audio": None,
        }
        if form.audio is not None:
            told["audio"] = {
                "codec": codec_string(form.audio),
                "sampleRate": form.audio.sample_rate,
                "channels": form.audio.channels,
                "description": base64.b64encode(form.audio.config).decode(),
            }
        return [json.dumps(told)]

    def message(self, unit: AccessUnit) -> bytes:
        """See `Form`."""
        return HEAD.pack(unit.track, unit.flags, 0, 0, unit.ticks, unit.utc) + unit.data


class Mp4Form:
    """A fragment for each picture, for Media Source Extensions."""

    def __init__(self) -> None:
        self._writer: FragmentWriter | None = None

    def describe(self, form: StreamFormat) -> list[str | bytes]:
        """See `Form`."""
        codecs = [codec_string(form.video, in_band=True)]
        if form.audio is not None:
            codecs.append(codec_string(form.audio))
        self._writer = FragmentWriter(form, Origin("live", "", 0, 0, Utc(0)))
        told = {
            "type": "format",
            "mime": f'video/mp4; codecs="{", ".join(codecs)}"',
            "width": form.video.width,
            "height": form.video.height,
            "audio": form.audio is not None,
        }
        return [json.dumps(told), file_type() + movie(form, created=Utc(0))]

    def message(self, unit: AccessUnit) -> bytes:
        """See `Form`."""
        assert self._writer is not None
        return b"".join(self._writer.fragment([unit]).chunks)


class _Tagged:
    """Notes with each unit the format that holds for it: units of the old one may still wait when it changes."""

    def __init__(self, stream: MediaStream, limit: int) -> None:
        self._stream = stream
        self.queue: BoundedReader[tuple[StreamFormat, AccessUnit]] = BoundedReader(
            limit=limit,
            cost=lambda item: len(item[1].data),
            resumable=lambda item: item[1].track is Track.VIDEO and item[1].key,
        )

    def offer(self, item: AccessUnit) -> None:
        """See `Reader`."""
        form = self._stream.format
        if form is not None and item.track is not Track.METADATA:
            self.queue.offer((form, item))


class LiveSession:
    """One viewer of one stream.

    Args:
        websocket: not yet accepted.
        stream: the hub.
        form: how units are put into messages.
        clock: the device's.
        still: asked every few seconds; False ends the session.
    """

    def __init__(
        self,
        websocket: WebSocket,
        stream: MediaStream,
        form: Form,
        *,
        clock: Clock,
        still: Callable[[], bool],
        limits: LiveLimits = LiveLimits(),
    ) -> None:
        self._socket, self._stream, self._form = websocket, stream, form
        self._clock, self._still, self._limits = clock, still, limits
        # The media element waits for both tracks of a file, heard or not; a decoder of units needs no sound to go on.
        self._muxed = isinstance(form, Mp4Form)
        self._sound = False

    async def run(self) -> None:
        """Send until the viewer goes or may no longer."""
        await self._socket.accept()
        if self._stream.readers >= self._limits.viewers:
            await self._socket.close(TRY_LATER, "too many viewers")
            return
        reader = _Tagged(self._stream, self._limits.queued)
        try:
            await self._say_time()
            if self._stream.no_signal is not None:
                await self._say_no_signal()
            self._stream.add(reader)
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._send_units(reader.queue)),
                    group.create_task(self._watch_signal()),
                    group.create_task(self._watch_right()),
                ]
                await self._listen()
                for task in tasks:
                    task.cancel()
        except* (WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
            # Starlette says RuntimeError to whoever sends after the peer closed: the viewer has gone in any case.
            pass
        finally:
            self._stream.remove(reader)
            with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
                await self._socket.close()

    async def _send_units(self, queue: BoundedReader[tuple[StreamFormat, AccessUnit]]) -> None:
        present: StreamFormat | None = None
        started = False
        async for form, unit in queue:
            if form is not present:
                for message in self._form.describe(form):
                    await self._send(message)
                present, started = form, False
            if unit.track is Track.AUDIO and not (self._sound or self._muxed):
                continue
            # Of what waited in the queue when the format changed, a decoder can use nothing before the key picture.
            started = started or (unit.track is Track.VIDEO and unit.key)
            if started:
                await self._send(self._form.message(unit))

    async def _watch_signal(self) -> None:
        while True:
            await self._stream.changed()
            if self._stream.no_signal is not None:
                await self._say_no_signal()

    async def _watch_right(self) -> None:
        while True:
            await asyncio.sleep(self._limits.check_seconds)
            if not self._still():
                await self._socket.close(POLICY_VIOLATION, "not allowed any more")
                return
            await self._say_time()

    async def _listen(self) -> None:
        """Until the viewer goes. It may say {"sound": true} or false."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            with contextlib.suppress(ValueError, RecursionError):
                wish = json.loads(message.get("text") or "null")
                if isinstance(wish, dict) and isinstance(wish.get("sound"), bool):
                    self._sound = wish["sound"]

    async def _say_no_signal(self) -> None:
        lost = self._stream.no_signal
        if lost is not None:
            since = lost.since // 1_000_000
            await self._send(json.dumps({"type": "no_signal", "since": since, "reason": lost.reason}))

    async def _say_time(self) -> None:
        await self._send(json.dumps({"type": "time", "now": self._clock.utc() // 1_000_000}))

    async def _send(self, message: str | bytes) -> None:
        async with asyncio.timeout(self._limits.send_seconds):
            if isinstance(message, str):
                await self._socket.send_text(message)
            else:
                await self._socket.send_bytes(message)


async def serve_live(
    websocket: WebSocket, stream: MediaStream, *, clock: Clock, still: Callable[[], bool], form: str = ""
) -> None:
    """Serve one viewer whose right was checked; `form` is "mp4", or empty for units."""
    await LiveSession(websocket, stream, Mp4Form() if form == "mp4" else UnitForm(), clock=clock, still=still).run()
