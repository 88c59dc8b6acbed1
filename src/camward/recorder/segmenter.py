"""Cuts one stream into files and fragments. No I/O: units in, fragments out to whoever stores them.

Rules:
- A file begins with a key picture, and is cut at the first one after `segment` seconds, at a BOUNDARY unit, when the
  format changes, after a gap in the pictures, and after a jump of the wall clock.
- A fragment is cut at a key picture once it is `fragment`/2 long, and at any picture before it gets longer than
  `fragment`; there only ahead of one that is shown after all before it, so that B pictures stay with theirs, and then
  again at the next key picture: decoding can start at a fragment or must go back to an earlier one.
- All units are kept as they came. Between two pictures of one file times come from the stream's own ticks. A wall clock
  that disagrees with them is believed once it does so by the same amount at two key pictures running.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from camward.base.clock import NS, Utc
from camward.base.errors import ProtocolError
from camward.media.mp4.origin import Origin
from camward.media.mp4.writer import Fragment
from camward.media.unit import VIDEO_CLOCK, AccessUnit, Flags, StreamFormat, Track
from camward.recorder.fragment_list import in_ns
from camward.recorder.segment import Segment

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SegmenterLimits:
    """How a stream is cut.

    Args:
        segment: seconds of a file, up to the next key picture.
        fragment: most seconds of a fragment.
        longest: seconds after which a file ends even without a key picture; the rest up to the next one is lost.
        gap: seconds without a picture after which the next key picture begins a new file.
        jump: seconds that wall clock and ticks may disagree.
        fragment_bytes: a fragment is cut early above this.
        file_bytes: a file is cut at the next key picture above this, and ends at twice that.
    """

    segment: float = 60.0
    fragment: float = 2.0
    longest: float = 3600.0
    gap: float = 1.5
    jump: float = 2.0
    fragment_bytes: int = 32 * 1024 * 1024
    file_bytes: int = 512 * 1024 * 1024


class SegmentSink(Protocol):
    """Where fragments go. Calls come on the event loop and must not block."""

    def ready(self) -> bool:
        """Whether a new file would be stored now."""
        ...

    def append(self, segment: Segment, fragment: Fragment) -> bool:
        """Take a fragment; False: it was dropped, and the file ends before it."""
        ...

    def finish(self, segment: Segment) -> None:
        """The file is complete."""
        ...


class Segmenter:
    """One stream of one camera.

    Args:
        begin: makes the origin of a new file from the time of its first picture.
        sink: where fragments go.
        limits: see there.
        on_jump: told by how many seconds the wall clock jumped.
        before: makes the opaque box that goes ahead of a fragment's `moof`; empty for none.
    """

    def __init__(
        self,
        *,
        begin: Callable[[Utc], Origin],
        sink: SegmentSink,
        limits: SegmenterLimits | None = None,
        on_jump: Callable[[float], None] = lambda _: None,
        before: Callable[[list[AccessUnit]], bytes] | None = None,
    ) -> None:
        self._begin, self._sink, self._on_jump, self._before = begin, sink, on_jump, before
        self.limits = limits or SegmenterLimits()
        self._form: StreamFormat | None = None
        self._tracks: frozenset[Track] = frozenset()
        self._segment: Segment | None = None
        self._units: list[AccessUnit] = []
        self._bytes = self._file_bytes = 0
        self._first_ticks = self._top_ticks = self._file_ticks = 0
        self._last_ticks: int | None = None
        self._interval = 0
        self._led = False
        self._starts_with_key = True
        self._reorders = False
        self._due_ticks = 0.0
        self._anchor: int | None = None
        self._doubt: int | None = None
        self._cut_file = False

    @property
    def segment(self) -> Segment | None:
        """The file being made."""
        return self._segment

    def format(self, form: StreamFormat) -> None:
        """The stream (re)starts with this format; its ticks go on."""
        if form != self._form:
            self.end()
            self._form = form
            self._tracks = frozenset(
                {Track.VIDEO}
                | ({Track.AUDIO} if form.audio is not None else set())
                | ({Track.METADATA} if form.metadata else set())
            )

    def take(self, unit: AccessUnit) -> None:
        """Take the next unit, in decoding order."""
        ticks, size = unit.ticks, len(unit.data)
        if (  # the common case, for every picture of every camera: one more of a fragment that isn't full
            unit.flags is Flags.NONE
            and self._led
            and self._top_ticks < ticks < self._due_ticks
            and unit.track is Track.VIDEO
            and self._bytes + size <= self.limits.fragment_bytes
            and self._last_ticks is not None
        ):
            self._interval = ticks - self._last_ticks
            self._last_ticks = self._top_ticks = ticks
            self._units.append(unit)
            self._bytes += size
            return
        keep = self._take_picture(unit) if unit.track is Track.VIDEO else self._take_other(unit)
        if not keep:
            return
        if not self._led and unit.track is Track.VIDEO:
            self._led, unit = True, self._timed(unit)
        self._units.append(unit)
        self._bytes += size

    def end(self) -> None:
        """The stream stops here: what is held is written, the file is complete."""
        if self._segment is not None:
            self._write()
            self._finish()
        self._last_ticks = self._anchor = self._doubt = None

    def _take_picture(self, unit: AccessUnit) -> bool:
        """Cut ahead of the picture where one is due; whether the picture is to be kept."""
        key = unit.key
        if key:
            self._check_clock(unit)
        if self._segment is not None:
            if self._segment.failed:
                self._finish()
            elif key and self._file_is_due(unit):
                self._write(following=unit.ticks)
                self._finish()
            elif self._fragment_is_due(unit, key=key):
                self._write(following=unit.ticks)
        self._reorders = self._reorders or (unit.ticks < self._top_ticks and bool(self._units))
        self._interval = unit.ticks - (unit.ticks if self._last_ticks is None else self._last_ticks)
        self._last_ticks = unit.ticks
        if self._segment is None:
            return key and self._start(unit)
        if not self._units:
            self._first_ticks = self._top_ticks = unit.ticks
            self._due_ticks = unit.ticks + self.limits.fragment * VIDEO_CLOCK
            self._starts_with_key = key
        elif unit.ticks > self._top_ticks:
            self._top_ticks = unit.ticks
        return True

    def _take_other(self, unit: AccessUnit) -> bool:
        """Whether sound or metadata is to be kept; without pictures beside it, it must not wait for ever."""
        if self._units and unit.utc - self._units[0].utc > (self.limits.fragment + 1.0) * NS:
            self._write()
        return self._segment is not None and unit.track in self._tracks

    def _file_is_due(self, unit: AccessUnit) -> bool:
        limits = self.limits
        last = unit.ticks if self._last_ticks is None else self._last_ticks
        return (
            self._cut_file
            or Flags.BOUNDARY in unit.flags
            or unit.ticks - self._file_ticks >= limits.segment * VIDEO_CLOCK
            or unit.ticks - last >= max(limits.gap * VIDEO_CLOCK, 3 * self._interval)
            or unit.ticks < last
            or self._file_bytes + self._bytes >= limits.file_bytes
        )

    def _fragment_is_due(self, unit: AccessUnit, *, key: bool) -> bool:
        if not self._units:
            return False
        length = unit.ticks - self._first_ticks
        longest = self.limits.fragment * VIDEO_CLOCK
        if self._bytes + len(unit.data) > self.limits.fragment_bytes:
            return True
        if key:
            return length * 2 >= longest or not self._starts_with_key
        return length >= longest and unit.ticks > self._top_ticks

    def _check_clock(self, unit: AccessUnit) -> None:
        """Compare wall clock and ticks at a key picture."""
        offset = unit.utc - in_ns(unit.ticks)
        jump = self.limits.jump * NS
        if self._anchor is None or abs(offset - self._anchor) <= jump:
            # Clocks drift and networks are uneven: follow, slowly.
            self._anchor = offset if self._anchor is None else self._anchor + (offset - self._anchor) // 16
            self._doubt = None
        elif self._doubt is not None and abs(offset - self._doubt) <= jump:
            self._on_jump((offset - self._anchor) / NS)
            self._anchor, self._doubt, self._cut_file = offset, None, True
        else:
            self._doubt = offset

    def _timed(self, unit: AccessUnit) -> AccessUnit:
        """The unit with a time that agrees with the file's other pictures, unless it does already."""
        assert self._anchor is not None
        meant = self._anchor + in_ns(unit.ticks)
        return unit if abs(unit.utc - meant) <= self.limits.jump * NS else replace(unit, utc=Utc(meant))

    def _start(self, unit: AccessUnit) -> bool:
        if self._form is None or not self._sink.ready():
            return False
        first = self._timed(unit)
        try:
            self._segment = Segment.begin(self._form, self._begin(first.utc))
        except ProtocolError as error:
            log.warning("segment_refused", error=error.diagnostics())
            return False
        self._file_ticks = self._first_ticks = self._top_ticks = unit.ticks
        self._file_bytes = 0
        self._cut_file = False
        return True

    def _write(self, *, following: int | None = None) -> None:
        """Make a fragment of what is held, and hand it over."""
        segment, units = self._segment, self._units
        if segment is None or not units:
            return
        try:
            fragment = segment.writer.fragment(
                units,
                # With B pictures the next one decoded isn't the next one shown.
                next_ticks=None if following is None or self._reorders else {Track.VIDEO: following},
                before=self._before(units) if self._before else b"",
            )
        except ProtocolError as error:
            log.warning("fragment_refused", path=segment.path, error=error.diagnostics())
            self._finish()
            return
        self._units = []
        self._bytes, self._led = 0, False
        self._file_bytes += fragment.size
        too_long = (self._last_ticks or 0) - self._file_ticks >= self.limits.longest * VIDEO_CLOCK
        too_large = self._file_bytes >= 2 * self.limits.file_bytes
        if not self._sink.append(segment, fragment) or too_long or too_large:
            self._finish()

    def _finish(self) -> None:
        if self._segment is not None:
            self._sink.finish(self._segment)
        self._segment = None
        self._units = []
        self._bytes, self._led = 0, False
