"""NAL units: from Annex B start codes to 4-byte lengths and back, and their escape bytes (H.264 7.4.1, Annex B)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from camward.media.bits import BitstreamError

_ESCAPED = re.compile(rb"\x00\x00\x03")
_TO_ESCAPE = re.compile(rb"\x00\x00(?=[\x00-\x03])")
_START = b"\x00\x00\x01"


def split_annexb(data: bytes) -> list[bytes]:
    """The NAL units between start codes, without them; empty units and bytes before the first are dropped.

    Zero bytes at the end of a unit belong to the next start code or are trailing_zero_8bits, so they go too.
    """
    nals: list[bytes] = []
    start = data.find(_START)
    while start >= 0:
        begin = start + 3
        start = data.find(_START, begin)
        nal = (data[begin:start] if start >= 0 else data[begin:]).rstrip(b"\x00")
        if nal:
            nals.append(nal)
    return nals


def join_length_prefixed(nals: Iterable[bytes | memoryview]) -> bytes:
    """Each unit behind its length, 4 bytes big-endian: the form inside an `AccessUnit` and an MP4 sample."""
    parts: list[bytes | memoryview] = []
    for nal in nals:
        parts.append(len(nal).to_bytes(4, "big"))
        parts.append(nal)
    return b"".join(parts)


def join_annexb(nals: Iterable[bytes | memoryview]) -> bytes:
    """Each unit behind a 4-byte start code, as decoders fed with a raw stream want it."""
    parts: list[bytes | memoryview] = []
    for nal in nals:
        parts.append(b"\x00\x00\x00\x01")
        parts.append(nal)
    return b"".join(parts)


def iter_length_prefixed(data: bytes | memoryview, *, length_size: int = 4) -> Iterator[memoryview]:
    """The NAL units of an access unit, without a copy.

    Raises:
        BitstreamError: a length points outside the data.
    """
    view = memoryview(data)
    position, end = 0, len(view)
    while position < end:
        begin = position + length_size
        position = begin + int.from_bytes(view[position:begin], "big")
        if position > end or begin > end:
            raise BitstreamError("A NAL unit's length points outside its picture")
        yield view[begin:position]


def from_annexb(data: bytes) -> bytes:
    """An access unit from its Annex B form."""
    return join_length_prefixed(split_annexb(data))


def widen_lengths(data: bytes, length_size: int) -> bytes:
    """An access unit whose lengths have 1, 2 or 3 bytes, in our form; with 4 it is returned as it is.

    Raises:
        BitstreamError: a length points outside the data.
    """
    if length_size == 4:
        return data
    return join_length_prefixed(iter_length_prefixed(data, length_size=length_size))


def unescape(nal: bytes) -> bytes:
    """The RBSP: emulation prevention bytes taken out."""
    return _ESCAPED.sub(b"\x00\x00", bytes(nal))


def escape(rbsp: bytes) -> bytes:
    """The NAL unit: an emulation prevention byte wherever a start code could be seen, and after a final zero."""
    nal = _TO_ESCAPE.sub(b"\x00\x00\x03", bytes(rbsp))
    return nal + b"\x03" if nal.endswith(b"\x00") else nal
