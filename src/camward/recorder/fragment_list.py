"""The fragments of one file as the index keeps them: a few bytes each, the same from the writer and from the file."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from camward.base.clock import NS, Utc
from camward.media.mp4.boxes import Buffer, Mp4Error, find, walk
from camward.media.mp4.movie import track_id
from camward.media.mp4.reader import FileFragment
from camward.media.mp4.tracks import TrackInfo
from camward.media.mp4.writer import Fragment
from camward.media.unit import VIDEO_CLOCK, Track

_HEAD = struct.Struct(">qIIIIH")
_VIDEO = track_id(Track.VIDEO)
_STARTS = 0x8000

MOST_KEYS = 1000
"""Key pictures of one fragment that are listed; no camera sends 500 a second."""


@dataclass(frozen=True, slots=True)
class FragmentEntry:
    """One fragment of a recorded file.

    Args:
        utc: capture time of its first picture.
        offset: of its first byte in the file.
        size: in bytes.
        moof_offset: from its first byte to its `moof`.
        duration: of its video, 90 kHz ticks.
        keys: when its key pictures are shown, 90 kHz ticks after its first picture.
        starts: whether a decoder can start at its first picture.
    """

    utc: Utc
    offset: int
    size: int
    moof_offset: int
    duration: int
    keys: tuple[int, ...]
    starts: bool

    @property
    def end_utc(self) -> Utc:
        """When its last picture ends."""
        return Utc(self.utc + in_ns(self.duration))

    @property
    def key_times(self) -> list[Utc]:
        """When its key pictures were captured."""
        return [Utc(self.utc + in_ns(key)) for key in self.keys]


def in_ns(ticks: int) -> int:
    """90 kHz ticks as nanoseconds."""
    return ticks * NS // VIDEO_CLOCK


def written_entry(fragment: Fragment, *, offset: int, end: int) -> FragmentEntry:
    """What the index keeps of a fragment just written.

    Args:
        fragment: it.
        offset: where in the file it was written.
        end: where the file's timeline ends with it, 90 kHz ticks.
    """
    keys = tuple(max(0, key.time - fragment.start) for key in fragment.keys)
    duration = end - fragment.start
    return FragmentEntry(
        fragment.first_utc,
        offset,
        fragment.size,
        fragment.moof_offset,
        duration,
        keys=keys,
        starts=fragment.starts_with_key,
    )


def read_entries(fragments: Sequence[FileFragment], tracks: Sequence[TrackInfo]) -> list[FragmentEntry]:
    """The same, from the headers of a file; fragments without a capture time are left out."""
    clocks = {track.track_id: track.timescale for track in tracks}
    entries: list[FragmentEntry] = []
    end = 0
    for fragment in fragments:
        times = fragment.times()
        chosen = [_VIDEO] if _VIDEO in times else list(times)
        scaled = [(times[one][0], sum(times[one]), clocks.get(one, VIDEO_CLOCK)) for one in chosen]
        start = min(first * VIDEO_CLOCK // clock for first, _, clock in scaled)
        end = max(end, *(last * VIDEO_CLOCK // clock for _, last, clock in scaled))
        pictures = [sample for sample in fragment.samples() if sample.track_id == _VIDEO]
        if fragment.utc is not None:
            keys = tuple(max(0, sample.presented - start) for sample in pictures if sample.key)
            moof, starts = fragment.moof.start - fragment.start, bool(pictures and pictures[0].key)
            entries.append(FragmentEntry(fragment.utc, fragment.start, fragment.size, moof, end - start, keys, starts))
    return entries


def pack_entry(entry: FragmentEntry, *, first_utc: Utc) -> bytes:
    """An entry as stored, relative to the file's first picture.

    Raises:
        Mp4Error: the file tells of times or sizes that no recording has.
    """
    keys = entry.keys[:MOST_KEYS]
    count = len(keys) | (_STARTS if entry.starts else 0)
    try:
        head = _HEAD.pack(entry.utc - first_utc, entry.offset, entry.size, entry.moof_offset, entry.duration, count)
        return head + struct.pack(f">{len(keys)}I", *keys)
    except struct.error as error:
        raise Mp4Error("A fragment's times or sizes are not those of a recording") from error


def unpack_entries(packed: bytes, *, first_utc: Utc) -> Iterator[FragmentEntry]:
    """The entries of a file, in file order."""
    position = 0
    while position < len(packed):
        utc, offset, size, moof, duration, count = _HEAD.unpack_from(packed, position)
        position += _HEAD.size
        starts, count = bool(count & _STARTS), count & ~_STARTS
        keys = struct.unpack_from(f">{count}I", packed, position)
        position += 4 * count
        yield FragmentEntry(Utc(first_utc + utc), offset, size, moof, duration, keys, starts)


def init_segment(header: Buffer) -> bytes:
    """`ftyp` and `moov` of a file's head, without its time of creation: the same for all files of one format.

    Raises:
        Mp4Error: the head doesn't start with them.
    """
    boxes = walk(header, 0, len(header))
    kinds = [next(boxes, None), next(boxes, None)]
    if [one.kind if one else b"" for one in kinds] != [b"ftyp", b"moov"]:
        raise Mp4Error("The file doesn't start with ftyp and moov")
    end = kinds[1].end if kinds[1] else 0
    init = bytearray(header[:end])
    found = find(init, 0, end, path=(b"moov", b"mvhd"))
    if found is None:
        raise Mp4Error("The file's movie has no header")
    times = 16 if init[found.body] else 8
    init[found.body + 4 : found.body + 4 + times] = bytes(times)
    return bytes(init)
