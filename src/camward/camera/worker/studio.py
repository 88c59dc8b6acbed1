"""Where pictures are decoded, drawn upon, scaled and coded: one thread, fed through a bounded queue."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass

import av

from camward.base.clock import Utc
from camward.camera.orders import Coding, Config
from camward.camera.wire import STREAM1, STREAM2, FormatReport
from camward.camera.worker.decoder import Decoder
from camward.camera.worker.drawing import Painter
from camward.camera.worker.encoder import Encoder
from camward.camera.worker.link import Link, LinkClosedError
from camward.camera.worker.stage import RawVideo, SourceForm
from camward.media.unit import AccessUnit, AudioFormat, StreamFormat, VideoFormat

_CODED_LIMIT = 250
_RAW_LIMIT = 2


@dataclass(frozen=True, slots=True)
class _Raw:
    picture: av.VideoFrame
    ticks: int
    utc: Utc


_Item = tuple[AccessUnit, bool] | _Raw


def small_size(width: int, height: int, wanted: int) -> tuple[int, int]:
    """Even width and height of stream 2: the source's shape, never larger than the source."""
    wide = min(wanted, width) // 2 * 2
    return max(16, wide), max(16, round(height * wide / width / 2) * 2)


def sound_of(audio: AudioFormat | None, coding: Coding) -> AudioFormat | None:
    """The sound of a stream, if it is wanted."""
    return audio if coding.audio else None


class Studio:
    """Makes stream 2 on demand, and stream 1 where it can't pass through.

    Args:
        form: of the source.
        config: sizes, rates, what is drawn.
        why: why stream 1 is coded here; empty if it isn't.
        link: where units go.
        sent: ticks of the newest picture that each stream has sent, kept over studios: none is sent twice.
    """

    def __init__(
        self, form: SourceForm, config: Config, *, why: str, link: Link, sent: MutableMapping[int, int]
    ) -> None:
        video = form.video
        self._form, self._config, self._link, self._sent = form, config, link, sent
        drawing = config.drawing.without(form.device_controls)
        self._painter = Painter(drawing, width=video.width, height=video.height)
        self._decoder = Decoder(video) if isinstance(video, VideoFormat) else None
        even = video.width // 2 * 2, video.height // 2 * 2
        self._main = Encoder(*even, coding=config.stream1, source_rate=video.frame_rate) if why else None
        self._small_size = small_size(*even, config.stream2.width)
        self._small: Encoder | None = None
        self._spare: Encoder | None = self._small_encoder()
        self._why = why
        self._lock = threading.Condition()
        self._items: deque[_Item] = deque()
        self._catching_up = 0
        self._waiting_key = False
        self._wants_small = self._stopped = False
        self._emitting = threading.Lock()
        self._newest: av.VideoFrame | None = None
        self._thread: threading.Thread | None = None

    def announce(self) -> None:
        """Report the forms of the streams that are made here."""
        audio, config, link = self._form.audio, self._config, self._link
        if self._main is not None:
            form = StreamFormat(self._main.form, sound_of(audio, config.stream1))
            link.send(FormatReport(STREAM1, form, self._why))
        assert self._spare is not None
        form = StreamFormat(self._spare.form, sound_of(audio, config.stream2))
        link.send(FormatReport(STREAM2, form, "stream 2 is made here"))

    def _small_encoder(self) -> Encoder:
        rate = self._form.video.frame_rate
        return Encoder(*self._small_size, coding=self._config.stream2, source_rate=rate)

    @property
    def busy(self) -> bool:
        """Whether it needs every picture now."""
        return self._main is not None or self._wants_small

    @property
    def newest(self) -> av.VideoFrame | None:
        """The newest picture as it may be seen; None while none is decoded."""
        return self._newest if self.busy else None

    def want_small(self, *, on: bool) -> None:
        """Make stream 2, or stop."""
        with self._lock:
            if on and not self._wants_small:
                self._small, self._spare = self._spare or self._small_encoder(), None
            elif not on:
                self._small = None
            self._wants_small = on
            if not self.busy:
                self._items.clear()
                self._catching_up = 0
        if not self.busy:
            self._newest = None

    def ask_key(self, stream: int) -> None:
        """A key picture next, if that stream is made here."""
        encoder = self._main if stream == STREAM1 else self._small
        if encoder is not None:
            encoder.ask_key()

    def offer(self, unit: AccessUnit, *, silent: bool = False) -> None:
        """A coded picture; a silent one is decoded only because the next ones need it."""
        with self._lock:
            self._catching_up += silent
            if len(self._items) >= _CODED_LIMIT + self._catching_up:
                self._items.clear()
                self._waiting_key = True
            if self._waiting_key and not unit.key:
                return
            self._waiting_key = False
            self._put((unit, silent))

    def offer_picture(self, picture: av.VideoFrame, ticks: int, utc: Utc) -> None:
        """A decoded picture; when there is no keeping up, the oldest waiting one is dropped."""
        with self._lock:
            if len(self._items) >= _RAW_LIMIT:
                self._items.popleft()
            self._put(_Raw(picture, ticks, utc))

    def _put(self, item: _Item) -> None:
        self._items.append(item)
        self._lock.notify()
        if self._thread is None and not self._stopped:
            self._thread = threading.Thread(target=self._run, name="studio", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Nothing is sent any more once this returns; the thread ends by itself."""
        with self._lock:
            self._stopped = True
            self._items.clear()
            self._lock.notify()
        with self._emitting:
            self._newest = None

    def _run(self) -> None:
        while (item := self._take()) is not None:
            try:
                for picture, ticks, utc in self._pictures(item):
                    self._make(picture, ticks, utc)
            except av.error.FFmpegError as error:
                self._recover(error)
            except LinkClosedError:
                return

    def _take(self) -> _Item | None:
        with self._lock:
            while not self._items and not self._stopped:
                self._lock.wait()
            return None if self._stopped else self._items.popleft()

    def _recover(self, error: Exception) -> None:
        """A picture was broken: go on at the next key picture, with a fresh decoder."""
        if isinstance(self._form.video, VideoFormat):
            self._decoder = Decoder(self._form.video)
            with self._lock:
                while self._items:
                    first = self._items[0]
                    if isinstance(first, tuple) and first[0].key:
                        return
                    self._items.popleft()
                self._waiting_key = True
        self._link.log(f"a picture could not be decoded or coded: {error}"[:300])

    def _pictures(self, item: _Item) -> Iterator[tuple[av.VideoFrame, int, Utc]]:
        if isinstance(item, _Raw):
            yield item.picture, item.ticks, item.utc
        elif self._decoder is not None:
            yield from self._decoder.decode(item[0], silent=item[1])

    def _make(self, picture: av.VideoFrame, ticks: int, utc: Utc) -> None:
        drawn = self._painter.paint(picture, utc)
        main, small = self._main, self._small
        self._newest = drawn
        if main is not None and ticks > self._sent[STREAM1] and main.wants(ticks):
            self._send(STREAM1, main.encode(drawn, ticks, utc))
        if small is not None and ticks > self._sent[STREAM2] and small.wants(ticks):
            scaled = drawn
            if (drawn.width, drawn.height) != self._small_size:
                scaled = drawn.reformat(*self._small_size, format="yuv420p", interpolation="FAST_BILINEAR")
            if scaled is not None:
                self._send(STREAM2, small.encode(scaled, ticks, utc))

    def _send(self, stream: int, unit: AccessUnit | None) -> None:
        if unit is None:
            return
        with self._emitting:
            if not self._stopped:
                self._link.send_unit(stream, unit)
                self._sent[stream] = unit.ticks


def raw_why(form: SourceForm, config: Config) -> str:
    """Why stream 1 is coded here; empty if its pictures pass as they are."""
    reasons = [form.video.why] if isinstance(form.video, RawVideo) else []
    reasons.append(config.drawing.without(form.device_controls).why)
    return ", ".join(reason for reason in reasons if reason)
