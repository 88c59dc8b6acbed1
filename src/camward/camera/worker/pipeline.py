"""From the source to the streams: pass through what may pass, hand the rest to the studio, notice a stall."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from camward.base.clock import Clock, Utc
from camward.camera.orders import Config
from camward.camera.wire import STREAM1, STREAM2, FormatReport, LostReport, SnapshotReport
from camward.camera.worker.link import Link, LinkClosedError
from camward.camera.worker.stage import SourceForm
from camward.camera.worker.studio import Studio, raw_why, small_size, sound_of
from camward.media.unit import AccessUnit, StreamFormat, Track, VideoFormat

if TYPE_CHECKING:
    from av import VideoFrame
    from PIL import Image

STALL = 5.0
"""Seconds without a picture after which there is no signal."""
_GROUP_LIMIT = 32 * 1024 * 1024
_DECODE_SECONDS = 1.2
_JPEG_QUALITY = 88


class Pipeline:
    """A `Stage`. Orders come on the main thread, pictures on the source's.

    Args:
        config: the first configuration.
        link: where reports go.
        clock: the machine's.
    """

    def __init__(self, config: Config, *, link: Link, clock: Clock) -> None:
        self._config, self._link, self._clock = config, link, clock
        self._lock = threading.RLock()
        self._form: SourceForm | None = None
        self._studio: Studio | None = None
        self._small = False
        self._why = ""
        self._sent = {STREAM1: -1, STREAM2: -1}
        self._passed: FormatReport | None = None
        self._relaxing = False
        self._group: list[AccessUnit] = []
        self._group_bytes = 0
        self._waiting_key = True
        self._lost = True
        self._newest_video = self._newest_sound = -1
        self._last_picture = clock.monotonic()
        self._snapshots = threading.BoundedSemaphore(2)

    def configure(self, config: Config) -> None:
        """Use this from the next picture on; nothing of the old drawing is sent once this returns."""
        with self._lock:
            old, self._config = self._config, config
            if self._form is None or self._lost:
                return
            if (old.stream1, old.stream2, old.drawing) == (config.stream1, config.stream2, config.drawing):
                return
            if self._why and not raw_why(self._form, config):
                self._relaxing = True  # pass-through begins at a key picture; until then the old drawing stays
            else:
                self._rebuild()

    def on_form(self, form: SourceForm) -> None:
        """See `Stage.on_form`."""
        with self._lock:
            self._form = form
            self._clear_group()
            self._rebuild()

    def _clear_group(self) -> None:
        self._group.clear()
        self._group_bytes = 0
        self._waiting_key = True

    def _rebuild(self) -> None:
        """Announce the streams and start the studio afresh, from the open group on."""
        assert self._form is not None
        if self._studio is not None:
            self._studio.stop()
        self._lost = False
        self._last_picture = self._clock.monotonic()
        self._why = raw_why(self._form, self._config)
        video = self._form.video
        passed: FormatReport | None = None
        if isinstance(video, VideoFormat) and not self._why:
            sound = sound_of(self._form.audio, self._config.stream1)
            passed = FormatReport(STREAM1, StreamFormat(video, sound), "")
            if passed != self._passed:
                self._link.send(passed)
                self._waiting_key = True
        self._passed, self._relaxing = passed, False
        self._studio = Studio(self._form, self._config, why=self._why, link=self._link, sent=self._sent)
        self._studio.announce()
        self._studio.want_small(on=self._small)
        if self._studio.busy:
            self._offer_group(self._studio)

    def _offer_group(self, studio: Studio) -> None:
        for unit in self._group[:-1]:
            studio.offer(unit, silent=True)
        if self._group:
            studio.offer(self._group[-1])

    def want_small(self, *, on: bool) -> None:
        """Make stream 2, or stop."""
        with self._lock:
            was, self._small = self._small, on
            studio = self._studio
            if studio is None or was == on:
                return
            idle = not studio.busy
            studio.want_small(on=on)
            if on and idle:
                self._offer_group(studio)

    def ask_key(self, stream: int) -> None:
        """A key picture next, if that stream is coded here."""
        with self._lock:
            if self._studio is not None:
                self._studio.ask_key(stream)

    def on_unit(self, unit: AccessUnit) -> None:
        """See `Stage.on_unit`."""
        with self._lock:
            if self._form is None or (unit.track is Track.AUDIO and self._lost):
                return
            if unit.track is Track.AUDIO:
                self._sound(unit)
                return
            if not unit.key and self._waiting_key:
                return
            if unit.key and unit.ticks <= self._newest_video:
                self._waiting_key = True
                return
            if self._lost:
                self._clear_group()
                if not unit.key:
                    return
                self._rebuild()
            elif unit.key and self._relaxing:
                self._clear_group()
                self._rebuild()
            self._waiting_key = False
            self._newest_video = max(self._newest_video, unit.ticks)
            self._last_picture = self._clock.monotonic()
            self._remember(unit)
            if not self._why:
                self._link.send_unit(STREAM1, unit)
                self._sent[STREAM1] = self._newest_video
            if self._studio is not None and self._studio.busy:
                self._studio.offer(unit)

    def _remember(self, unit: AccessUnit) -> None:
        if unit.key:
            self._group.clear()
            self._group_bytes = 0
        elif not self._group:
            return
        self._group.append(unit)
        self._group_bytes += len(unit.data)
        if self._group_bytes > _GROUP_LIMIT:
            self._group.clear()

    def _sound(self, unit: AccessUnit) -> None:
        config = self._config
        streams = STREAM1 if config.stream1.audio else 0
        if self._small and config.stream2.audio:
            streams |= STREAM2
        if not streams or unit.ticks <= self._newest_sound:
            return
        self._newest_sound = unit.ticks
        self._link.send_unit(streams, unit)

    def on_picture(self, picture: VideoFrame, ticks: int, utc: Utc) -> None:
        """See `Stage.on_picture`."""
        with self._lock:
            if self._form is None or ticks <= self._newest_video:
                return
            if self._lost:
                self._rebuild()
            self._newest_video = ticks
            self._last_picture = self._clock.monotonic()
            if self._studio is not None:
                self._studio.offer_picture(picture, ticks, utc)

    def on_lost(self, reason: str) -> None:
        """See `Stage.on_lost`."""
        with self._lock:
            self._lost = True
            self._passed = None
            self._clear_group()
            if self._studio is not None:
                self._studio.stop()
                self._studio = None
            self._link.send(LostReport(reason))

    def check(self) -> None:
        """Call now and then: a source that gives no picture has no signal."""
        with self._lock:
            quiet = self._clock.monotonic() - self._last_picture
            if not self._lost and quiet > STALL:
                self.on_lost(f"The source has given no picture for {STALL:.0f} s")

    @property
    def controls(self) -> tuple[str, ...]:
        """The picture settings that work with this source."""
        return ("brightness", "contrast", "saturation") if self._form is not None else ()

    def snapshot(self, request: int, stream: int) -> None:
        """Answer with a JPEG of the newest picture, from a thread of its own."""
        if not self._snapshots.acquire(blocking=False):
            self._link.send(SnapshotReport(request, b"", "too many snapshots are being made"))
            return
        threading.Thread(target=self._snapshot, args=(request, stream), name="snapshot", daemon=True).start()

    def _snapshot(self, request: int, stream: int) -> None:
        try:
            try:
                jpeg, reason = self._jpeg(stream), "there is no picture yet"
            except Exception as error:
                jpeg, reason = b"", f"the picture could not be decoded: {error}"[:300]
            self._link.send(SnapshotReport(request, jpeg, "" if jpeg else reason))
        except LinkClosedError:
            pass
        finally:
            self._snapshots.release()

    def _jpeg(self, stream: int) -> bytes:
        with self._lock:
            form, config, group = self._form, self._config, list(self._group)
            picture = self._studio.newest if self._studio is not None else None
            masked = self._why
        if form is None:
            return b""
        if picture is None and not masked and isinstance(form.video, VideoFormat):
            picture = newest_picture(form.video, group, clock=self._clock)
        if picture is None:
            return b""
        if stream == STREAM2:
            size = small_size(picture.width, picture.height, config.stream2.width)
            picture = picture.reformat(*size, format="yuv420p")
        target = io.BytesIO()
        image: Image.Image = picture.to_image()  # type: ignore[no-untyped-call]
        image.save(target, "JPEG", quality=_JPEG_QUALITY)
        return target.getvalue()


def newest_picture(form: VideoFormat, group: Sequence[AccessUnit], *, clock: Clock) -> VideoFrame | None:
    """Decode an open group up to its newest picture, or as far as there is time."""
    from camward.camera.worker.decoder import Decoder  # loads FFmpeg, which pass-through by RTSP does without

    decoder, newest, newest_ticks = Decoder(form), None, -1
    deadline = clock.monotonic() + _DECODE_SECONDS
    for unit in group:
        for picture, ticks, _ in decoder.decode(unit):
            newest, newest_ticks = (picture, ticks) if ticks > newest_ticks else (newest, newest_ticks)
        if newest is not None and clock.monotonic() > deadline:
            return newest
    for picture, ticks, _ in decoder.rest():
        newest, newest_ticks = (picture, ticks) if ticks > newest_ticks else (newest, newest_ticks)
    return newest
