"""Between the worker and a hub: what a stream's readers rely on is checked here, whatever the worker sends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from camward.base.clock import Clock, Utc
from camward.camera.status import StreamStatus
from camward.camera.wire import FormatReport, WireError
from camward.media import codec
from camward.media.stream import MediaStream
from camward.media.unit import AccessUnit, Flags, StreamFormat, Track

_RATE_SECONDS = 4.0


class Gate:
    """Publishes units of one stream: it starts at a key picture, and time only goes forward.

    Args:
        stream: the hub.
        clock: for rates and for when the signal came or went.
        on_signal: told whether there is a signal now, and why not.
    """

    def __init__(self, stream: MediaStream, *, clock: Clock, on_signal: Callable[[bool, str], None]) -> None:
        self.stream = stream
        self.why = ""
        self.since: Utc = clock.utc()
        self._clock = clock
        self._on_signal = on_signal
        self._fresh: set[Track] = set()
        self._open = False
        self._newest_video = self._newest_key = self._newest_audio = -1
        self._seconds: deque[tuple[float, int, int]] = deque()

    @property
    def used_seconds(self) -> float:
        """How far the stream's time has come; whoever goes on must start later."""
        audio = self.stream.format.audio if self.stream.format else None
        sound = self._newest_audio / audio.clock_rate if audio else 0.0
        return max(0.0, self._newest_video / 90_000, sound)

    def restarted(self) -> None:
        """Another worker or a pause: what comes next starts at a key picture and says that something is missing."""
        self._open = False
        if self._newest_video >= 0:
            self._fresh = {Track.VIDEO, Track.AUDIO}

    def take_format(self, report: FormatReport) -> None:
        """There is a signal, in this form."""
        stream, lost = self.stream, self.stream.no_signal is not None
        self.why = report.why
        self.restarted()
        if not lost and stream.format == report.form:
            return
        old, new = (form.audio.clock_rate if form and form.audio else 0 for form in (stream.format, report.form))
        if old and new and old != new:
            self._newest_audio = self._newest_audio * new // old
        stream.set_format(report.form)
        if lost:
            self.since = self._clock.utc()
            self._on_signal(True, "")  # noqa: FBT003 (a callback's arguments have no names)

    def take_unit(self, unit: AccessUnit) -> None:
        """Publish one unit.

        Raises:
            WireError: it can't follow what came before; the worker is broken.
        """
        form = self.stream.format
        if form is None or self.stream.no_signal is not None:
            raise WireError("A unit came before its format")
        if unit.track is Track.VIDEO:
            if not self._video(form, unit):
                return
        elif not self._sound(form, unit):
            return
        if unit.track in self._fresh:
            self._fresh.discard(unit.track)
            unit = replace(unit, flags=unit.flags | Flags.DISCONTINUITY)
        self._measure(unit)
        self.stream.publish(unit)

    def _video(self, form: StreamFormat, unit: AccessUnit) -> bool:
        if unit.key != codec.is_key(form.video.codec, unit.data):
            raise WireError("A picture's key flag is not true")
        if unit.key:
            if unit.ticks <= self._newest_video:
                raise WireError("A key picture's time is not later than what came before it")
            self._newest_key = unit.ticks
            self._open = True
        elif not self._open:
            return False
        elif not self._newest_key - 900_000 <= unit.ticks <= self._newest_video + 90_000 * 3600:
            raise WireError("A picture's time is far from the one before")
        self._newest_video = max(self._newest_video, unit.ticks)
        return True

    def _sound(self, form: StreamFormat, unit: AccessUnit) -> bool:
        if form.audio is None or not self._open:
            return False
        if unit.ticks <= self._newest_audio:
            raise WireError("A sound's time is not later than what came before it")
        self._newest_audio = unit.ticks
        return True

    def lost(self, reason: str) -> None:
        """There is no signal, or still none."""
        had = self.stream.no_signal is None
        if had:
            self.since = self._clock.utc()
        if had or (self.stream.no_signal and self.stream.no_signal.reason != reason):
            self.restarted()
            self.stream.set_no_signal(since=self.since, reason=reason)
            self._on_signal(False, reason)  # noqa: FBT003 (a callback's arguments have no names)

    def idle(self) -> None:
        """Nobody reads an on-demand stream: its old pictures must not greet the next reader."""
        self.restarted()
        self._seconds.clear()
        if self.stream.no_signal is None and self.stream.format is not None:
            self.stream.set_format(self.stream.format)

    def _measure(self, unit: AccessUnit) -> None:
        now = self._clock.monotonic()
        if not self._seconds or now - self._seconds[-1][0] >= 0.5:
            self._seconds.append((now, 0, 0))
            while now - self._seconds[0][0] > _RATE_SECONDS:
                self._seconds.popleft()
        begin, size, pictures = self._seconds[-1]
        self._seconds[-1] = (begin, size + len(unit.data), pictures + (unit.track is Track.VIDEO))

    def status(self) -> StreamStatus:
        """See `StreamStatus`; the half second that is still being counted is left out."""
        form, lost, whole = self.stream.format, self.stream.no_signal, list(self._seconds)[:-1]
        fresh = bool(self._seconds) and self._clock.monotonic() - self._seconds[-1][0] < _RATE_SECONDS
        span = self._seconds[-1][0] - whole[0][0] if whole and fresh else 0.0
        return StreamStatus(
            name=self.stream.name,
            signal=lost is None,
            since=self.since,
            reason=lost.reason if lost else "",
            codec=form.video.codec if form else "",
            audio=form.audio.codec if form and form.audio else "",
            width=form.video.width if form else 0,
            height=form.video.height if form else 0,
            frame_rate=round(sum(one[2] for one in whole) / span, 1) if span else 0.0,
            kbits=round(sum(one[1] for one in whole) * 8 / 1000 / span, 1) if span else 0.0,
            passthrough=form is not None and not self.why,
            why=self.why,
            readers=self.stream.readers,
        )
