"""Samples of a plain MP4 track from its `stbl` (ISO/IEC 14496-12 8.6 and 8.7), for files that others wrote."""

from __future__ import annotations

import struct
from itertools import accumulate, chain, repeat

from camward.media.mp4.boxes import LIMITS, Box, Buffer, Mp4Error, Mp4Limits, fields, numbers, walk
from camward.media.mp4.fragments import Sample

_U32 = struct.Struct(">I")
_U32_2 = struct.Struct(">II")


def table_samples(data: Buffer, stbl: Box, *, track_id: int, limits: Mp4Limits = LIMITS) -> list[Sample]:
    """All samples of a track, in decoding order; empty when the track is fragmented.

    Raises:
        Mp4Error: the tables break the format, don't agree, or are too long.
    """
    parts = {part.kind: part for part in walk(data, stbl.body, stbl.end, limits=limits)}
    sizes = _sizes(data, parts, limits=limits)
    count = len(sizes)
    if not count:
        return []
    durations = _spread(data, parts.get(b"stts"), count=count, limits=limits)
    shifts = _spread(data, parts.get(b"ctts"), count=count, limits=limits) if b"ctts" in parts else [0] * count
    shifts = [shift - (1 << 32) if shift >> 31 else shift for shift in shifts]
    keys = set(_column(data, parts[b"stss"], limits=limits)) if b"stss" in parts else None
    offsets = _offsets(data, parts, sizes=sizes, limits=limits)
    times = accumulate(durations, initial=0)
    rows = zip(offsets, sizes, times, durations, shifts, strict=False)
    return [
        Sample(track_id, offset, size, time, duration, shift, keys is None or index in keys)
        for index, (offset, size, time, duration, shift) in enumerate(rows, 1)
    ]


def _column(data: Buffer, part: Box, *, limits: Mp4Limits, width: int = 1) -> tuple[int, ...]:
    (count,) = fields(_U32, data, part.body + 4, end=part.end)
    return numbers(data, part.body + 8, count=count * width, end=part.end, limits=limits)


def _sizes(data: Buffer, parts: dict[bytes, Box], *, limits: Mp4Limits) -> tuple[int, ...]:
    part = parts.get(b"stsz")
    if part is None:
        return ()
    size, count = fields(_U32_2, data, part.body + 4, end=part.end)
    if count > min(limits.samples, len(data)):
        raise Mp4Error("A track has too many samples")
    return (size,) * count if size else numbers(data, part.body + 12, count=count, end=part.end, limits=limits)


def _spread(data: Buffer, part: Box | None, *, count: int, limits: Mp4Limits) -> list[int]:
    """A table of (how many, value) pairs, written out for `count` samples."""
    if part is None:
        raise Mp4Error("A track has no table of times")
    pairs = _column(data, part, limits=limits, width=2)
    if sum(pairs[::2]) != count:
        raise Mp4Error("A track's tables don't agree on the number of samples")
    return list(chain.from_iterable(map(repeat, pairs[1::2], pairs[::2])))


def _offsets(data: Buffer, parts: dict[bytes, Box], *, sizes: tuple[int, ...], limits: Mp4Limits) -> list[int]:
    if b"co64" in parts:
        halves = _column(data, parts[b"co64"], limits=limits, width=2)
        chunks: tuple[int, ...] = tuple(a << 32 | b for a, b in zip(halves[::2], halves[1::2], strict=True))
    elif b"stco" in parts:
        chunks = _column(data, parts[b"stco"], limits=limits)
    else:
        raise Mp4Error("A track doesn't tell where its samples are")
    rules = _column(data, parts[b"stsc"], limits=limits, width=3) if b"stsc" in parts else ()
    firsts = [*rules[::3], len(chunks) + 1]
    offsets: list[int] = []
    for index, per_chunk in enumerate(rules[1::3]):
        if not 1 <= firsts[index] < firsts[index + 1]:
            raise Mp4Error("A track's chunks are out of order")
        for chunk in chunks[firsts[index] - 1 : firsts[index + 1] - 1]:
            done = len(offsets)
            if done + per_chunk > len(sizes):
                raise Mp4Error("A track's tables don't agree on the number of samples")
            offsets.extend(accumulate(sizes[done : done + per_chunk - 1], initial=chunk) if per_chunk else ())
    if len(offsets) != len(sizes):
        raise Mp4Error("A track's tables don't agree on the number of samples")
    return offsets
