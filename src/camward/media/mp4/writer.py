"""The recorder's file writer: access units in, whole fragments out; nothing is needed on close.

The layout is `ftyp moov uuid(origin) free sidx { [box] prft moof mdat }*`, see docs/design/formats/mp4.md. Times in a
file start near 0; `prft` (14496-12 8.16.5) ahead of each `moof` ties them to UTC. ffmpeg and Chromium pass over it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from camward.base.clock import NS, Utc
from camward.media import aac, opus
from camward.media.bits import BitstreamError
from camward.media.mp4.boxes import Mp4Error, box, full_box
from camward.media.mp4.movie import NOT_SYNC, SYNC, file_type, movie, track_id, tracks_of
from camward.media.mp4.origin import Origin
from camward.media.mp4.times import Timing, arrange
from camward.media.unit import VIDEO_CLOCK, AccessUnit, StreamFormat, Track

SECTOR = 512
"""The file's head is padded to a multiple of this, so that the reference in `sidx` lies within one sector."""

SIZE_LIMIT = 0x7FFF_FFFF
"""Bytes after the head that `sidx` can refer to; a recorder closes a file long before."""

_NTP_1900 = 2_208_988_800
_CAPTURE_TIME = 24
_TRUN_SIGNED = 1 << 24
_DURATION, _SIZE, _FLAGS, _OFFSET = 0x100, 0x200, 0x400, 0x800


@dataclass(frozen=True, slots=True)
class KeyPoint:
    """A key picture.

    Args:
        utc: when it was captured.
        offset: where its sample starts, in bytes from the fragment's start.
        time: when it is shown on the file's timeline, 90 kHz ticks.
    """

    utc: Utc
    offset: int
    time: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """One fragment, ready to be appended.

    Args:
        chunks: for os.writev, in order; the media in them are the access units' own bytes. os.writev takes at most
            1,024 at a time.
        size: bytes of all chunks.
        start: where it starts on the file's timeline, 90 kHz ticks.
        duration: how much longer it makes the file's timeline, 90 kHz ticks, a gap before it included.
        first_utc: capture time of the first video unit (of any unit, without video).
        last_utc: of the last one.
        moof_offset: bytes from the fragment's start to its `moof`.
        keys: the key pictures in it.
        starts_with_key: whether a decoder can start at its first picture.
    """

    chunks: list[bytes | memoryview]
    size: int
    start: int
    duration: int
    first_utc: Utc
    last_utc: Utc
    moof_offset: int
    keys: tuple[KeyPoint, ...]
    starts_with_key: bool


class FragmentWriter:
    """Makes the bytes of one file. It does no I/O and keeps no media.

    Raises:
        BitstreamError: the format's parameter sets can't be read.
        Mp4Error: the origin doesn't fit.
    """

    def __init__(self, form: StreamFormat, origin: Origin) -> None:
        self._clocks = tracks_of(form)
        self._sequence = 0
        self._zero: dict[Track, int] = {}
        self._last: dict[Track, int] = dict.fromkeys(self._clocks, -1)
        self._usual = _usual_durations(form)
        self._end = 0
        head = file_type() + movie(form, created=origin.first_utc) + origin.to_box()
        index = sidx(0, 0)
        padding = -(len(head) + 8 + len(index)) % SECTOR
        self._header = head + box(b"free", bytes(padding)) + index

    def header(self) -> bytes:
        """Everything up to the first fragment; its size is a multiple of `SECTOR`."""
        return self._header

    def reference(self, total_size: int, total_duration: int) -> tuple[int, bytes]:
        """The 8 bytes to `pwrite`, and where, once fragments of this size and duration in all are stored.

        Raises:
            Mp4Error: the file is too large.
        """
        return len(self._header) - 12, reference(total_size, total_duration)

    def fragment(
        self,
        units: Sequence[AccessUnit],
        *,
        next_ticks: Mapping[Track, int] | None = None,
        before: bytes = b"",
    ) -> Fragment:
        """Make the next fragment from units in decoding order.

        Args:
            units: at least one; tracks that the format doesn't have are an error.
            next_ticks: ticks of each track's next unit, for the duration of its last one here.
            before: one whole box to go ahead of the fragment; Chromium wants `uuid` or `free` there.

        Raises:
            Mp4Error: no units, a track too many, or times too far apart.
        """
        runs = {track: [unit for unit in units if unit.track == track] for track in self._clocks}
        runs = {track: run for track, run in runs.items() if run}
        if not runs or sum(map(len, runs.values())) != len(units):
            raise Mp4Error("A fragment needs units, and only of the tracks its file has")
        if not self._zero:
            self._set_zero(runs)
        timings = {track: self._arrange(track, run, next_ticks) for track, run in runs.items()}
        self._sequence += 1
        lead = runs.get(Track.VIDEO) or units
        prft = producer_time(lead[0], timings[lead[0].track].first)
        moof, total, media = _moof(self._sequence, runs, timings)
        head = before + prft + moof + struct.pack(">I4s", 8 + total, b"mdat")
        chunks: list[bytes | memoryview] = [head, *media]
        return Fragment(
            chunks,
            len(head) + total,
            *self._advance(timings),
            first_utc=lead[0].utc,
            last_utc=lead[-1].utc,
            moof_offset=len(before) + len(prft),
            keys=_key_points(runs.get(Track.VIDEO, ()), len(head), zero=self._zero[Track.VIDEO]),
            starts_with_key=Track.VIDEO in runs and runs[Track.VIDEO][0].key,
        )

    def _set_zero(self, runs: Mapping[Track, Sequence[AccessUnit]]) -> None:
        """The file's time 0 is its earliest unit, the same instant on each track's clock."""
        zero = min(min(unit.ticks for unit in run) * VIDEO_CLOCK // self._clocks[t] for t, run in runs.items())
        self._zero = {track: zero * clock // VIDEO_CLOCK for track, clock in self._clocks.items()}

    def _arrange(self, track: Track, run: Sequence[AccessUnit], next_ticks: Mapping[Track, int] | None) -> Timing:
        zero = self._zero[track]
        following = next_ticks.get(track) if next_ticks else None
        timing = arrange(
            [unit.ticks - zero for unit in run],
            after=self._last[track],
            following=None if following is None else following - zero,
            usual=self._usual[track] or _opus_duration(run[-1].data),
        )
        self._last[track] = timing.last
        if track != Track.AUDIO or self._usual[track]:
            self._usual[track] = timing.durations[-1]
        return timing

    def _advance(self, timings: Mapping[Track, Timing]) -> tuple[int, int]:
        starts = [timing.first * VIDEO_CLOCK // self._clocks[track] for track, timing in timings.items()]
        ends = [timing.end * VIDEO_CLOCK // self._clocks[track] for track, timing in timings.items()]
        if Track.VIDEO in timings:
            starts, ends = [timings[Track.VIDEO].first], [timings[Track.VIDEO].end]
        before, self._end = self._end, max(self._end, *ends)
        return min(starts), self._end - before


def reference(total_size: int, total_duration: int) -> bytes:
    """The size and duration of the one reference in `sidx`.

    Raises:
        Mp4Error: the file is too large.
    """
    if total_size > SIZE_LIMIT:
        raise Mp4Error("A recorded file is larger than its index can say")
    return struct.pack(">II", total_size, min(total_duration, 0xFFFF_FFFF))


def sidx(total_size: int, total_duration: int) -> bytes:
    """The index box (14496-12 8.16.3): one reference to all that follows, which starts with a key picture."""
    head = struct.pack(">IIIIHH", track_id(Track.VIDEO), VIDEO_CLOCK, 0, 0, 0, 1)
    return full_box(b"sidx", 0, head, reference(total_size, total_duration), struct.pack(">I", 0x9000_0000))


def producer_time(unit: AccessUnit, media_time: int) -> bytes:
    """`prft`: this unit's capture time in UTC, at this time of its track."""
    seconds, rest = divmod(unit.utc, NS)
    ntp = ((seconds + _NTP_1900) & 0xFFFF_FFFF) << 32 | (rest << 32) // NS
    return full_box(b"prft", 1 << 24 | _CAPTURE_TIME, struct.pack(">IQQ", track_id(unit.track), ntp, media_time))


def _usual_durations(form: StreamFormat) -> dict[Track, int]:
    rate = form.video.frame_rate
    usual = {Track.VIDEO: round(VIDEO_CLOCK / rate) if rate >= 1 else VIDEO_CLOCK // 25, Track.METADATA: VIDEO_CLOCK}
    if form.audio is not None:
        usual[Track.AUDIO] = aac.FRAME_SAMPLES if form.audio.codec == "aac" else 0
    return usual


def _opus_duration(packet: bytes) -> int:
    try:
        return opus.packet_samples(packet)
    except BitstreamError:
        return 960


def _moof(
    sequence: int, runs: Mapping[Track, Sequence[AccessUnit]], timings: Mapping[Track, Timing]
) -> tuple[bytes, int, list[bytes]]:
    media = [unit.data for run in runs.values() for unit in run]
    layouts = {track: _layout(track, timings[track]) for track in runs}
    sizes = {track: 64 + 4 * layout.bit_count() * len(runs[track]) for track, layout in layouts.items()}
    offset = 24 + sum(sizes.values()) + 8
    parts = [full_box(b"mfhd", 0, struct.pack(">I", sequence))]
    total = 0
    for track, run in runs.items():
        lengths = [len(unit.data) for unit in run]
        trun = _trun(run, timings[track], layout=layouts[track], lengths=lengths, offset=offset + total)
        tfhd = full_box(b"tfhd", 0x02_0000, struct.pack(">I", track_id(track)))
        tfdt = full_box(b"tfdt", 1 << 24, struct.pack(">Q", timings[track].first))
        parts.append(box(b"traf", tfhd, tfdt, trun))
        total += sum(lengths)
    if total + 8 > SIZE_LIMIT:
        raise Mp4Error("A fragment is larger than a file may be")
    return box(b"moof", *parts), total, media


def _layout(track: Track, timing: Timing) -> int:
    """Which numbers each sample has in `trun`."""
    if track != Track.VIDEO:
        return _DURATION | _SIZE
    return _DURATION | _SIZE | _FLAGS | (_OFFSET if timing.offsets else 0)


def _trun(run: Sequence[AccessUnit], timing: Timing, *, layout: int, lengths: list[int], offset: int) -> bytes:
    columns: list[Sequence[int]] = [timing.durations, lengths]
    if layout & _FLAGS:
        columns.append([SYNC if unit.key else NOT_SYNC for unit in run])
    if layout & _OFFSET and timing.offsets:
        columns.append([number & 0xFFFF_FFFF for number in timing.offsets])
    width = len(columns)
    rows = [0] * (width * len(run))
    for index, column in enumerate(columns):
        rows[index::width] = column
    head = struct.pack(">IIi", _TRUN_SIGNED | layout | 1, len(run), offset)
    return box(b"trun", head, struct.pack(f">{len(rows)}I", *rows))


def _key_points(run: Sequence[AccessUnit], offset: int, *, zero: int) -> tuple[KeyPoint, ...]:
    points: list[KeyPoint] = []
    for unit in run:
        if unit.key:
            points.append(KeyPoint(unit.utc, offset, unit.ticks - zero))
        offset += len(unit.data)
    return tuple(points)
