"""A range of recordings as one stream of fragmented MP4: planned from the index, read piece by piece when asked for.

The stream begins at the key picture at or before the range's begin, unless nothing was recorded there. Its times begin
at 0 and go on over the borders of files; a gap stays as long as it was. `prft` ahead of each fragment says its capture
time in UTC. Where the format changes a new `ftyp` and `moov` follow (players of ours and Media Source Extensions take
them); with `one_init` the range ends there instead, for a file to keep.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from camward.base.clock import Utc
from camward.base.errors import ProtocolError
from camward.media.codec import codec_string
from camward.media.mp4.boxes import box_at, find, walk
from camward.media.mp4.fragments import parse_moof, rebase_fragment
from camward.media.mp4.movie import track_id
from camward.media.mp4.tracks import TrackInfo, parse_tracks
from camward.media.unit import VIDEO_CLOCK, Track
from camward.recorder.errors import RecorderError
from camward.recorder.fragment_list import FragmentEntry
from camward.recorder.index.reader import IndexReader, StoredSegment

PIECE = 1 << 20
"""Bytes read at once."""

SNAP = VIDEO_CLOCK // 2
"""Files whose times are less than this apart, 90 kHz ticks, follow each other without a gap."""

SEGMENTS = 20_000
"""Most files of one range: two weeks."""

_TIME = struct.Struct(">Q")
_VIDEO = track_id(Track.VIDEO)


@dataclass(frozen=True, slots=True)
class _Part:
    """The fragments of one file that belong to a range."""

    path: str
    init: bytes
    new_init: bool
    fragments: tuple[FragmentEntry, ...]


@dataclass(frozen=True, slots=True)
class MediaRange:
    """A range ready to be read.

    Args:
        size: bytes of it in all; 0: nothing was recorded there.
        first_utc: capture time of its first picture.
        end_utc: when its last picture ends.
        codecs: of its first format, as RFC 6381 names them ("avc3.640028,mp4a.40.2").
        complete: False: with `one_init`, the format changes at `end_utc`, and the rest of the range isn't in it.
    """

    size: int
    first_utc: Utc
    end_utc: Utc
    codecs: str
    complete: bool
    _root: Path = field(repr=False)
    _parts: tuple[_Part, ...] = field(repr=False)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes; disks are read in threads.

        Raises:
            RecorderError: a file is gone: retention was faster.
        """
        pieces = _pieces(self._root, self._parts)
        try:
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                yield piece
        finally:
            pieces.close()

    def read(self) -> Iterator[bytes]:
        """The same for code in a thread."""
        return _pieces(self._root, self._parts)


def plan(
    reader: IndexReader, root: Path, *, camera: str, stream: str, from_utc: int, to_utc: int, one_init: bool = False
) -> MediaRange:
    """Find what a range consists of: index only, no file is opened. Blocks for milliseconds.

    Raises:
        RecorderError: the range is too long.
        IndexFileError: the index can't be read.
    """
    segments = reader.segments(camera, stream, from_utc=from_utc, to_utc=to_utc, limit=SEGMENTS + 1)
    if len(segments) > SEGMENTS:
        raise RecorderError("The range is too long", next="ask for at most two weeks at once", code="RANGE-LONG")
    parts: list[_Part] = []
    complete, last = True, -1
    for segment in sorted(segments, key=lambda one: one.first_utc):
        chosen = _choose(segment, from_utc=from_utc, to_utc=to_utc)
        if not chosen:
            continue
        new = segment.init != last
        init = reader.init(segment.init) if new else parts[-1].init
        if new and parts and one_init and not _compatible(parts[0].init, init):
            complete = False
            break
        last = segment.init
        parts.append(_Part(segment.path, init, new and not (parts and one_init), chosen))
    if not parts:
        return MediaRange(0, Utc(from_utc), Utc(from_utc), "", complete, root, ())
    size = sum((len(part.init) if part.new_init else 0) + sum(one.size for one in part.fragments) for part in parts)
    end = max(fragment.end_utc for part in parts for fragment in part.fragments[-1:])
    return MediaRange(size, parts[0].fragments[0].utc, end, _codecs(parts[0].init), complete, root, tuple(parts))


def _choose(segment: StoredSegment, *, from_utc: int, to_utc: int) -> tuple[FragmentEntry, ...]:
    fragments = segment.fragments()
    begin = 0
    for index, fragment in enumerate(fragments):
        if fragment.starts and fragment.utc <= from_utc:
            begin = index
    end = len(fragments)
    while end > begin and fragments[end - 1].utc >= to_utc:
        end -= 1
    return tuple(fragments[begin:end])


def _tracks(init: bytes) -> tuple[TrackInfo, ...]:
    moov = find(init, 0, len(init), path=(b"moov",))
    return parse_tracks(init, moov) if moov else ()


def _codecs(init: bytes) -> str:
    return ",".join(codec_string(track.form, in_band=True) for track in _tracks(init) if track.form)


def _compatible(first: bytes, other: bytes) -> bool:
    """Whether one `moov` serves both: the same tracks and codecs; parameter sets are in band."""
    return [(one.track_id, one.entry, one.timescale) for one in _tracks(first)] == [
        (one.track_id, one.entry, one.timescale) for one in _tracks(other)
    ]


def _pieces(root: Path, parts: Sequence[_Part]) -> Generator[bytes, None, None]:
    rebase = _Rebase()
    for part in parts:
        if part.new_init:
            yield part.init
        try:
            descriptor = os.open(root / part.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _gone(part, error) from error
        try:
            rebase.begin_file(part.init)
            for fragment in part.fragments:
                yield from _fragment(descriptor, part, fragment, rebase)
        finally:
            os.close(descriptor)


def _fragment(descriptor: int, part: _Part, fragment: FragmentEntry, rebase: _Rebase) -> Iterator[bytes]:
    first = os.pread(descriptor, min(fragment.size, PIECE), fragment.offset)
    try:
        moof = int.from_bytes(first[fragment.moof_offset : fragment.moof_offset + 4], "big")
        head = fragment.moof_offset + moof
        if head > len(first):
            first = os.pread(descriptor, min(fragment.size, head), fragment.offset)
        yield rebase.head(first[:head], fragment)
    except (ProtocolError, OSError) as error:
        raise _gone(part, error) from error
    yield first[head:]
    done = len(first)
    while done < fragment.size:
        piece = os.pread(descriptor, min(fragment.size - done, PIECE), fragment.offset + done)
        if not piece:
            raise _gone(part, EOFError("the file is shorter than the index says"))
        done += len(piece)
        yield piece


def _gone(part: _Part, error: Exception) -> RecorderError:
    return RecorderError(
        f"The recording {part.path} can't be read",
        why=str(error),
        next="it may just have been deleted; if not, run `camward recorder check`",
        code="RECORDING-UNREADABLE",
    )


class _Rebase:
    """Puts fragments of many files on one timeline."""

    def __init__(self) -> None:
        self._sequence = 0
        self._clocks: dict[int, int] = {}
        self._after: dict[int, int] = {}
        self._shift: int | None = None
        self._end = 0
        self._zero: tuple[int, int] | None = None

    def begin_file(self, init: bytes) -> None:
        """The next fragments are of another file."""
        self._clocks = {track.track_id: track.timescale for track in _tracks(init)}
        self._shift = None

    def head(self, head: bytes, fragment: FragmentEntry) -> bytes:
        """What comes ahead of a fragment's media, with new times and a new number.

        Raises:
            Mp4Error: it isn't what the index says.
        """
        moof = head[fragment.moof_offset :]
        times: dict[int, tuple[int, int, int]] = {}
        for run in parse_moof(moof, box_at(moof, 0, len(moof))).runs:
            begin = times[run.track_id][0] if run.track_id in times else run.decode_time
            times[run.track_id] = begin, run.end, run.end - (run.durations[-1] if run.durations else 0)
        shift = self._shift
        if shift is None:
            shift = self._shift = self._place(fragment, times)
        moved: dict[int, int] = {}
        for track, (begin, end, last) in times.items():
            clock = self._clocks.get(track, VIDEO_CLOCK)
            # The duration of a fragment's last sample may be a guess; only that times rise is certain.
            moved[track] = max(begin + shift * clock // VIDEO_CLOCK, self._after.get(track, 0))
            self._after[track] = moved[track] + last - begin + 1
            if track == _VIDEO or _VIDEO not in times:
                self._end = max(self._end, (moved[track] + end - begin) * VIDEO_CLOCK // clock)
        self._sequence += 1
        before = self._reference_time(head[: fragment.moof_offset], {one: moved[one] - times[one][0] for one in moved})
        return before + rebase_fragment(moof, sequence=self._sequence, decode_times=moved)

    def _place(self, fragment: FragmentEntry, times: Mapping[int, tuple[int, int, int]]) -> int:
        """How far a file's times move, 90 kHz ticks."""
        starts = {
            track: begin * VIDEO_CLOCK // self._clocks.get(track, VIDEO_CLOCK) for track, (begin, _, _) in times.items()
        }
        lead = starts.get(_VIDEO, min(starts.values(), default=0))
        if self._zero is None:
            shift = -min(starts.values(), default=0)
            self._zero = fragment.utc, lead + shift
            return shift
        utc, ticks = self._zero
        wanted = ticks + (fragment.utc - utc) * VIDEO_CLOCK // 1_000_000_000
        if wanted - self._end < SNAP:
            wanted = self._end
        return wanted - lead

    def _reference_time(self, before: bytes, moved: dict[int, int]) -> bytes:
        """`prft` says which time of its track was when; that time moved."""
        result = bytearray(before)
        for part in walk(before, 0, len(before)):
            if part.kind == b"prft" and before[part.body] == 1 and part.end - part.body >= 24:
                track = int.from_bytes(before[part.body + 4 : part.body + 8], "big")
                (time,) = _TIME.unpack_from(before, part.body + 16)
                _TIME.pack_into(result, part.body + 16, max(0, time + moved.get(track, 0)))
        return bytes(result)
