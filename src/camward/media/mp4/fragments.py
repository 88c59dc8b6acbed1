"""Fragments read: `moof` with its runs of samples (ISO/IEC 14496-12 8.8), `prft`, and new times put into a `moof`."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from camward.base.clock import NS, Utc
from camward.media.mp4.boxes import LIMITS, Box, Buffer, Mp4Error, Mp4Limits, fields, find, numbers, walk

_NTP_1900 = 2_208_988_800
_NTP_ERA = 1 << 32
_U32 = struct.Struct(">I")
_U32_2 = struct.Struct(">II")
_U64 = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample and where its bytes are in the file.

    Args:
        track_id: the track.
        offset: of its first byte in the file.
        size: in bytes.
        decode_time: in the track's ticks.
        duration: likewise.
        shift: presentation minus decode time.
        key: whether a decoder can start here.
    """

    track_id: int
    offset: int
    size: int
    decode_time: int
    duration: int
    shift: int
    key: bool

    @property
    def presented(self) -> int:
        """Presentation time in the track's ticks."""
        return self.decode_time + self.shift


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a sample is when its run doesn't say: from `trex` and `tfhd`."""

    duration: int = 0
    size: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """The samples of one `trun`, column by column.

    Args:
        track_id: the track.
        offset: of the first sample's first byte in the file.
        decode_time: of the first sample.
        sizes: of each sample, as are the columns after it.
    """

    track_id: int
    offset: int
    decode_time: int
    sizes: tuple[int, ...]
    durations: tuple[int, ...]
    flags: tuple[int, ...]
    shifts: tuple[int, ...]

    @property
    def end(self) -> int:
        """Decode time behind the last sample."""
        return self.decode_time + sum(self.durations)

    def samples(self) -> list[Sample]:
        """The same, sample by sample."""
        offsets = accumulate(self.sizes, initial=self.offset)
        times = accumulate(self.durations, initial=self.decode_time)
        rows = zip(offsets, self.sizes, times, self.durations, self.shifts, self.flags, strict=False)
        return [
            Sample(self.track_id, offset, size, time, duration, shift, not flags & 0x1_0000)
            for offset, size, time, duration, shift, flags in rows
        ]


@dataclass(frozen=True, slots=True)
class Moof:
    """One fragment's header: its sequence number and the runs of all its tracks."""

    sequence: int
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class ProducerTime:
    """`prft`: this track's sample at `media_time` was captured at `utc`."""

    track_id: int
    utc: Utc
    media_time: int


def parse_moof(
    data: Buffer, moof: Box, *, defaults: Mapping[int, Defaults] | None = None, limits: Mp4Limits = LIMITS
) -> Moof:
    """Read a fragment's header.

    Args:
        data: the whole file: no fragment has more samples than the file has bytes.
        moof: where the box is in it.
        defaults: per track id, from the movie's `trex`.
        limits: what is too much.

    Raises:
        Mp4Error: it breaks the format or a limit.
    """
    if moof.end - moof.start > limits.moof_bytes:
        raise Mp4Error("A fragment's header is too large")
    sequence = 0
    runs: list[Run] = []
    for part in walk(data, moof.body, moof.end, limits=limits):
        if part.kind == b"mfhd":
            (sequence,) = fields(_U32, data, part.body + 4, end=part.end)
        elif part.kind == b"traf":
            _parse_traf(data, part, moof=moof, defaults=defaults or {}, limits=limits, runs=runs)
    return Moof(sequence, tuple(runs))


def _parse_traf(
    data: Buffer, traf: Box, *, moof: Box, defaults: Mapping[int, Defaults], limits: Mp4Limits, runs: list[Run]
) -> None:
    head: tuple[int, int, Defaults] | None = None
    time: int | None = None
    following: int | None = None
    for part in walk(data, traf.body, traf.end, limits=limits):
        if part.kind == b"tfhd":
            head = _parse_tfhd(data, part, moof=moof, defaults=defaults)
        elif part.kind == b"tfdt":
            time = _parse_tfdt(data, part)
        elif part.kind == b"trun":
            if head is None or len(runs) >= limits.runs:
                raise Mp4Error("A fragment's run of samples has no head, or there are too many")
            if following is None:
                following = head[1]
            run = _parse_trun(data, part, head=head, at=(following, time or 0), limits=limits)
            runs.append(run)
            if sum(len(run.sizes) for run in runs) > min(limits.samples, len(data)):
                raise Mp4Error("A fragment has too many samples")
            time, following = run.end, run.offset + sum(run.sizes)


def _parse_tfhd(data: Buffer, part: Box, *, moof: Box, defaults: Mapping[int, Defaults]) -> tuple[int, int, Defaults]:
    """Track id, base offset, defaults."""
    flags, number = fields(_U32_2, data, part.body, end=part.end)
    position, base = part.body + 8, moof.start
    if flags & 1:
        (base,) = fields(_U64, data, position, end=part.end)
        position += 8
    given = defaults.get(number, Defaults())
    position += 4 if flags & 2 else 0
    values = [given.duration, given.size, given.flags]
    for index, bit in enumerate((8, 0x10, 0x20)):
        if flags & bit:
            (values[index],) = fields(_U32, data, position, end=part.end)
            position += 4
    return number, base, Defaults(*values)


def _parse_tfdt(data: Buffer, part: Box) -> int:
    (flags,) = fields(_U32, data, part.body, end=part.end)
    (time,) = fields(_U64 if flags >> 24 else _U32, data, part.body + 4, end=part.end)
    return time


def _parse_trun(
    data: Buffer, part: Box, *, head: tuple[int, int, Defaults], at: tuple[int, int], limits: Mp4Limits
) -> Run:
    number, base, defaults = head
    flags, count = fields(_U32_2, data, part.body, end=part.end)
    if count > min(limits.samples, len(data)):
        raise Mp4Error("A fragment has too many samples")
    position, offset = part.body + 8, at[0]
    if flags & 1:
        (moved,) = fields(_U32, data, position, end=part.end)
        offset = base + (moved - (1 << 32) if moved >> 31 else moved)
        position += 4
    first: int | None = None
    if flags & 4:
        (first,) = fields(_U32, data, position, end=part.end)
        position += 4
    width = (flags >> 8 & 0xF).bit_count()
    table = numbers(data, position, count=width * count, end=part.end, limits=limits)
    columns: list[tuple[int, ...]] = []
    used = 0
    for bit, usual in ((0x100, defaults.duration), (0x200, defaults.size), (0x400, defaults.flags), (0x800, 0)):
        if flags & bit:
            columns.append(table[used::width])
            used += 1
        else:
            columns.append((usual,) * count)
    durations, sizes, marks, shifts = columns
    if first is not None and count:
        marks = (first, *marks[1:])
    if flags >> 24:
        shifts = tuple(shift - (1 << 32) if shift >> 31 else shift for shift in shifts)
    return Run(number, offset, at[1], sizes, durations, marks, shifts)


def parse_prft(data: Buffer, part: Box) -> ProducerTime:
    """Read a producer reference time.

    Raises:
        Mp4Error: cut off.
    """
    flags, number = fields(_U32_2, data, part.body, end=part.end)
    (ntp,) = fields(_U64, data, part.body + 8, end=part.end)
    (time,) = fields(_U64 if flags >> 24 else _U32, data, part.body + 16, end=part.end)
    seconds = ntp >> 32
    if seconds < _NTP_ERA >> 1:
        seconds += _NTP_ERA
    rest = ((ntp & 0xFFFF_FFFF) * NS + 0xFFFF_FFFF) >> 32
    return ProducerTime(number, Utc((seconds - _NTP_1900) * NS + rest), time)


def rebase_fragment(moof: bytes, *, sequence: int, decode_times: Mapping[int, int]) -> bytes:
    """The same `moof` with another sequence number and other decode times; media and sizes stay as they are.

    So a recorder serves fragments of several files as one stream.

    Args:
        moof: the whole box.
        sequence: the new number, from 1.
        decode_times: new decode time of the first sample by track id; other tracks keep theirs.

    Raises:
        Mp4Error: not a moof, or a time doesn't fit.
    """
    result = bytearray(moof)
    if find(moof, 0, len(moof), path=(b"moof",)) is None:
        raise Mp4Error("Not a fragment's header")
    outer = next(walk(moof, 0, len(moof)))
    for part in walk(moof, outer.body, outer.end):
        if part.kind == b"mfhd":
            _put(result, part, value=sequence & 0xFFFF_FFFF, layout=_U32)
        elif part.kind == b"traf":
            head = find(moof, part.body, part.end, path=(b"tfhd",))
            time = find(moof, part.body, part.end, path=(b"tfdt",))
            number = fields(_U32, moof, head.body + 4, end=head.end)[0] if head else 0
            if number in decode_times and time is not None:
                wide = fields(_U32, moof, time.body, end=time.end)[0] >> 24
                _put(result, time, value=decode_times[number], layout=_U64 if wide else _U32)
    return bytes(result)


def _put(data: bytearray, part: Box, *, value: int, layout: struct.Struct) -> None:
    if part.body + 4 + layout.size > part.end or not 0 <= value < 1 << 8 * layout.size:
        raise Mp4Error("A fragment's time doesn't fit")
    layout.pack_into(data, part.body + 4, value)
