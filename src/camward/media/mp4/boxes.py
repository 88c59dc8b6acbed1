"""Boxes of the ISO base media file format (ISO/IEC 14496-12 4.2): put together, and walked within limits."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from camward.base.errors import ProtocolError

Buffer = bytes | bytearray | memoryview | mmap.mmap
"""What a file's bytes may come in; a map of the file costs no memory for the media in it."""

_HEAD = struct.Struct(">I4s")


class Mp4Error(ProtocolError):
    """An MP4 file breaks the format's rules or one of our limits."""

    code = "MP4"


@dataclass(frozen=True, slots=True)
class Mp4Limits:
    """What a file may make us do.

    Args:
        boxes: children of one box, and boxes at the top of a file.
        moov_bytes: size of the movie header.
        moof_bytes: size of one fragment's header.
        tracks: tracks of a file.
        runs: `trun` boxes of one fragment.
        samples: samples of one fragment, or of one track in a plain file.
    """

    boxes: int = 400_000
    moov_bytes: int = 64 * 1024 * 1024
    moof_bytes: int = 16 * 1024 * 1024
    tracks: int = 16
    runs: int = 4096
    samples: int = 2_000_000


LIMITS = Mp4Limits()


class Box(NamedTuple):
    """Where a box is: `start` of its header, `body`, `end`; `kind` is its four letters."""

    kind: bytes
    start: int
    body: int
    end: int


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box with these parts as its body."""
    body = b"".join(parts)
    return _HEAD.pack(8 + len(body), kind) + body


def full_box(kind: bytes, version_flags: int, *parts: bytes) -> bytes:
    """A box with a version (upper 8 bits) and flags (lower 24) ahead of its body."""
    return box(kind, version_flags.to_bytes(4, "big"), *parts)


def uuid_box(user_type: bytes, *parts: bytes) -> bytes:
    """A box of a kind of our own, named by 16 bytes."""
    return box(b"uuid", user_type, *parts)


def box_at(data: Buffer, start: int, end: int) -> Box:
    """The box that starts at `start` and must end by `end`.

    Raises:
        Mp4Error: its size doesn't fit.
    """
    if start + 8 > end:
        raise Mp4Error(f"A box at byte {start} is cut off")
    size, kind = _HEAD.unpack_from(data, start)
    body = start + 8
    if size == 1:
        if start + 16 > end:
            raise Mp4Error(f"A box at byte {start} is cut off")
        size, body = int.from_bytes(data[start + 8 : start + 16], "big"), start + 16
    elif size == 0:
        size = end - start
    if size < body - start or start + size > end:
        raise Mp4Error(f"A box at byte {start} has a size that doesn't fit")
    return Box(kind, start, body, start + size)


def walk(data: Buffer, start: int, end: int, *, limits: Mp4Limits = LIMITS) -> Iterator[Box]:
    """The boxes between two offsets, one level; a tail of less than a header is an error.

    Raises:
        Mp4Error: a size doesn't fit, or there are too many.
    """
    count = 0
    while start < end:
        count += 1
        if count > limits.boxes:
            raise Mp4Error(f"There are more than {limits.boxes} boxes on one level")
        found = box_at(data, start, end)
        yield found
        start = found.end


def find(data: Buffer, start: int, end: int, *, path: tuple[bytes, ...], limits: Mp4Limits = LIMITS) -> Box | None:
    """The first box along a path of kinds, or None.

    Raises:
        Mp4Error: a size doesn't fit.
    """
    for found in walk(data, start, end, limits=limits):
        if found.kind == path[0]:
            if len(path) == 1:
                return found
            return find(data, found.body, found.end, path=path[1:], limits=limits)
    return None


def fields(layout: struct.Struct, data: Buffer, offset: int, *, end: int) -> tuple[int, ...]:
    """Unpack numbers that must lie before `end`.

    Raises:
        Mp4Error: they don't.
    """
    if offset + layout.size > end:
        raise Mp4Error(f"A box ends too early at byte {end}")
    return layout.unpack_from(data, offset)


def numbers(data: Buffer, offset: int, *, count: int, end: int, limits: Mp4Limits = LIMITS) -> tuple[int, ...]:
    """`count` unsigned 32-bit numbers that must lie before `end`.

    Raises:
        Mp4Error: they don't, or are more than a file may have.
    """
    if count > 4 * limits.samples or offset + 4 * count > end:
        raise Mp4Error(f"A table at byte {offset} is too long")
    return struct.unpack_from(f">{count}I", data, offset)
