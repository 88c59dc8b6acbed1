"""Payloads of RTP packets for each codec: H.264 (RFC 6184), H.265 (RFC 7798), AAC (RFC 3640), Opus (RFC 7587).

A payload is a short head of ours and a piece of the access unit, not copied. All fragments of a NAL unit fill their
packet but the last one, as segmentation in the kernel wants it.
"""

from __future__ import annotations

from collections.abc import Callable

from camward.media.bits import BitstreamError
from camward.media.nal import iter_length_prefixed
from camward.media.unit import AccessUnit, StreamFormat, Track

Payload = tuple[bytes, bytes | memoryview]
"""Head and piece."""

STAP_A, FU_A = 24, 28
AGGREGATION, FRAGMENT = 48, 49
_AAC_FRAME = 8191
_OPUS_PACKET = 48 * 1275


def payloads_for(form: StreamFormat, track: Track) -> Callable[[AccessUnit, int], list[Payload]]:
    """What cuts units of a track into payloads of a given size at most (Opus packets are never cut)."""
    if track is Track.VIDEO:
        return h264_payloads if form.video.codec == "h264" else h265_payloads
    if track is Track.AUDIO and form.audio is not None:
        return aac_payloads if form.audio.codec == "aac" else opus_payloads
    return metadata_payloads


def h264_payloads(unit: AccessUnit, size: int) -> list[Payload]:
    """Single NAL units, STAP-A for neighbours that fit into one packet, FU-A for what doesn't fit.

    Raises:
        BitstreamError: a length in the unit points outside it.
    """
    return _nal_payloads(unit, size, header=1, aggregate=_stap_a, fragment=_fu_a)


def h265_payloads(unit: AccessUnit, size: int) -> list[Payload]:
    """Single NAL units, aggregation packets for neighbours that fit into one, fragments for what doesn't fit.

    Raises:
        BitstreamError: a length in the unit points outside it.
    """
    return _nal_payloads(unit, size, header=2, aggregate=_aggregation, fragment=_fragments)


def _nal_payloads(
    unit: AccessUnit,
    size: int,
    *,
    header: int,
    aggregate: Callable[[list[memoryview]], Payload],
    fragment: Callable[[memoryview, int], list[Payload]],
) -> list[Payload]:
    """What both codecs do with a picture; `header` is how many bytes the head of a NAL unit, and of a packet, has."""
    result: list[Payload] = []
    small: list[memoryview] = []
    room = size - header
    for nal in iter_length_prefixed(unit.data):
        if len(nal) < header:
            continue
        if len(nal) + 2 > room and small:
            result.append(aggregate(small))
            small, room = [], size - header
        if len(nal) + 2 <= room:
            small.append(nal)
            room -= len(nal) + 2
        elif len(nal) <= size:
            result.append((b"", nal))
        else:
            result += fragment(nal, size - header - 1)
    if small:
        result.append(aggregate(small))
    return result


def _stap_a(nals: list[memoryview]) -> Payload:
    if len(nals) == 1:
        return b"", nals[0]
    importance = max(nal[0] & 0x60 for nal in nals)
    return bytes((importance | STAP_A,)), b"".join(part for nal in nals for part in (len(nal).to_bytes(2, "big"), nal))


def _fu_a(nal: memoryview, size: int) -> list[Payload]:
    indicator, kind, end = nal[0] & 0xE0 | FU_A, nal[0] & 0x1F, len(nal)
    first, middle, last = (bytes((indicator, kind | flags)) for flags in (0x80, 0, 0x40))
    result: list[Payload] = [(middle, nal[begin : begin + size]) for begin in range(1, end, size)]
    result[0], result[-1] = (first, result[0][1]), (last, result[-1][1])
    return result


def _aggregation(nals: list[memoryview]) -> Payload:
    if len(nals) == 1:
        return b"", nals[0]
    # RFC 7798 4.4.2: F is 0 here, layer and temporal id are the lowest of all.
    layer = min((nal[0] & 1) << 5 | nal[1] >> 3 for nal in nals)
    temporal = min(nal[1] & 7 for nal in nals)
    head = bytes((AGGREGATION << 1 | layer >> 5, (layer & 0x1F) << 3 | temporal))
    return head, b"".join(part for nal in nals for part in (len(nal).to_bytes(2, "big"), nal))


def _fragments(nal: memoryview, size: int) -> list[Payload]:
    head, kind, end = bytes((nal[0] & 0x81 | FRAGMENT << 1, nal[1])), nal[0] >> 1 & 0x3F, len(nal)
    first, middle, last = (head + bytes((kind | flags,)) for flags in (0x80, 0, 0x40))
    result: list[Payload] = [(middle, nal[begin : begin + size]) for begin in range(2, end, size)]
    result[0], result[-1] = (first, result[0][1]), (last, result[-1][1])
    return result


def aac_payloads(unit: AccessUnit, size: int) -> list[Payload]:
    """AAC-hbr: one AU header of 16 bits, then the frame or a fragment of it (RFC 3640 3.2.3, 3.3.6)."""
    length = min(len(unit.data), _AAC_FRAME)
    head = b"\x00\x10" + (length << 3).to_bytes(2, "big")
    view = memoryview(unit.data)
    return [(head, view[begin : begin + size - 4]) for begin in range(0, length, size - 4)]


def opus_payloads(unit: AccessUnit, size: int) -> list[Payload]:
    """One packet; Opus has no fragments.

    Raises:
        BitstreamError: longer than any Opus packet.
    """
    if len(unit.data) > _OPUS_PACKET:
        raise BitstreamError("An Opus packet is too long")
    return [(b"", unit.data)]


def metadata_payloads(unit: AccessUnit, size: int) -> list[Payload]:
    """The document, cut wherever a packet is full; the marker ends it (ONVIF Streaming 5.1.2.1.1)."""
    view = memoryview(unit.data)
    return [(b"", view[begin : begin + size]) for begin in range(0, len(view), size)]
