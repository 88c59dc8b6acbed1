"""A recorded file that was cut off anywhere made whole again: every whole fragment is kept, the rest goes.

After a kill the tail may be half a fragment; after a power cut it may also be zeros or old sectors of the disk.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path

from camward.media.mp4.boxes import LIMITS, Buffer, Mp4Error, Mp4Limits
from camward.media.mp4.movie import track_id
from camward.media.mp4.origin import Origin
from camward.media.mp4.reader import FileFragment, Scan
from camward.media.mp4.tracks import TrackInfo
from camward.media.mp4.writer import reference
from camward.media.unit import VIDEO_CLOCK, Track

_SECTOR = bytes(512)
_OURS = frozenset({b"ftyp", b"moov", b"uuid", b"free", b"sidx", b"prft", b"moof", b"mdat"})


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a file is whole.

    Args:
        fragments: whole ones, in file order.
        origin: who made the file; None when even that is missing.
        size: bytes to keep; 0 when there is no whole fragment.
        cut: bytes behind them.
        duration: of what is kept, 90 kHz ticks.
        patch: where the index's reference is and its 8 bytes; None when there is nothing to keep.
        tracks: of the file, as far as they could be read.
    """

    fragments: tuple[FileFragment, ...]
    origin: Origin | None
    size: int
    cut: int
    duration: int
    patch: tuple[int, bytes] | None
    tracks: tuple[TrackInfo, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is no whole fragment: the file can be removed."""
        return not self.fragments


def whole_part(data: Buffer, *, limits: Mp4Limits = LIMITS) -> Kept:
    """Find the end of the last whole fragment. Never raises: whatever the bytes are, some part of them is whole."""
    scan = Scan(data, limits=limits)
    kept: list[FileFragment] = []
    try:
        for found in scan.steps():
            if found.kind not in _OURS:
                break
            if len(scan.fragments) > len(kept):
                fragment = scan.fragments[-1]
                if not _whole(data, fragment, number=len(kept) + 1, tracks=scan.tracks or ()):
                    break
                kept.append(fragment)
    except Mp4Error:
        pass
    if not kept or scan.index is None or scan.index.end != kept[0].start:
        return Kept((), scan.origin, 0, len(data), 0, None)
    duration = _duration(kept, scan.tracks or ())
    size = kept[-1].end
    patch = scan.index.end - 12, reference(min(size - scan.index.end, 0x7FFF_FFFF), duration)
    return Kept(tuple(kept), scan.origin, size, len(data) - size, duration, patch, scan.tracks or ())


def _whole(data: Buffer, fragment: FileFragment, *, number: int, tracks: tuple[TrackInfo, ...]) -> bool:
    """Whether a fragment is the one due here, without a hole, its samples fill `mdat`, its pictures chains of NALs."""
    runs = fragment.head.runs
    position = fragment.mdat.body
    for run in runs:
        if run.offset != position:
            return False
        position += sum(run.sizes)
    if fragment.head.sequence != number or position != fragment.mdat.end or not runs:
        return False
    if _has_hole(data, fragment.mdat.body, fragment.mdat.end):
        return False
    video = {track.track_id for track in tracks if track.handler == "vide"}
    return all(_chained(data, run.offset, sizes=run.sizes) for run in runs if run.track_id in video)


def _has_hole(data: Buffer, start: int, end: int) -> bool:
    """Whether a sector never reached the disk and reads as zeros, which no coded picture or sound has so many of."""
    view = data if isinstance(data, (bytes, bytearray, mmap.mmap)) else bytes(data)
    if view.find(_SECTOR, start, end) >= 0:
        return True
    tail = view[max(start, end - (end % len(_SECTOR) or len(_SECTOR))) : end]
    return len(tail) >= 8 and not any(tail)


def _chained(data: Buffer, offset: int, *, sizes: tuple[int, ...]) -> bool:
    for size in sizes:
        end = offset + size
        while offset < end:
            length = int.from_bytes(data[offset : offset + 4], "big")
            offset += 4 + length
            if length == 0 or offset > end:
                return False
    return True


def _duration(fragments: list[FileFragment], tracks: tuple[TrackInfo, ...]) -> int:
    """The same duration that the writer gave: the video's end, and other tracks' where a fragment has no video."""
    clocks = {track.track_id: track.timescale for track in tracks}
    ends = [0]
    for fragment in fragments:
        times = fragment.times()
        number = track_id(Track.VIDEO)
        chosen = [number] if number in times else list(times)
        ends += [sum(times[one]) * VIDEO_CLOCK // clocks.get(one, VIDEO_CLOCK) for one in chosen]
    return max(ends)


def recover(path: Path, *, limits: Mp4Limits = LIMITS) -> Kept:
    """Truncate a file behind its last whole fragment, put its index right, and flush it.

    A file without any whole fragment is left as it is and reported as empty. Blocks: call it in a thread.

    Raises:
        OSError: the file can't be read or written.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_size == 0:
            return whole_part(b"", limits=limits)
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
            kept = whole_part(data, limits=limits)
        if kept.patch is not None:
            if kept.cut:
                os.ftruncate(descriptor, kept.size)
            offset, reference_bytes = kept.patch
            if os.pread(descriptor, 8, offset) != reference_bytes or kept.cut:
                os.pwrite(descriptor, reference_bytes, offset)
            os.fsync(descriptor)
        return kept
    finally:
        os.close(descriptor)


def snapshot(data: Buffer, *, limits: Mp4Limits = LIMITS) -> bytes:
    """A whole file made of the whole part of one that is still being written, with an index that fits.

    Raises:
        Mp4Error: there is no whole fragment yet.
    """
    kept = whole_part(data, limits=limits)
    if kept.patch is None:
        raise Mp4Error("The file has no whole fragment yet")
    result = bytearray(data[: kept.size])
    offset, reference_bytes = kept.patch
    result[offset : offset + 8] = reference_bytes
    return bytes(result)
