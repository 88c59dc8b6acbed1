"""Parameter sets put in band at key pictures, for sources that have them only out of band."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from camward.media import codec, h264, h265
from camward.media.codec import VideoCodec
from camward.media.nal import join_length_prefixed


def with_parameter_sets(name: VideoCodec, sets: Sequence[bytes], data: bytes) -> bytes:
    """A key picture (4-byte lengths) that carries its parameter sets; as it is if it has an SPS already.

    They go first, or behind the access unit delimiter, which must stay first (H.264 7.4.1.2.3).
    """
    if has_sequence(name, codec.parameter_sets_in(name, data)):
        return data
    position = 0
    if len(data) > 4 and _is_delimiter(name, data[4:5] + b"\x00"):
        position = 4 + int.from_bytes(data[:4], "big")
    return data[:position] + join_length_prefixed(sets) + data[position:]


def has_sequence(name: VideoCodec, sets: Iterable[bytes]) -> bool:
    """Whether an SPS is among the sets."""
    return any(h264.nal_type(nal) == h264.SPS if name == "h264" else h265.nal_type(nal) == h265.SPS for nal in sets)


def _is_delimiter(name: VideoCodec, nal: bytes) -> bool:
    return h264.nal_type(nal) == h264.DELIMITER if name == "h264" else h265.nal_type(nal) == h265.DELIMITER


def is_leading(name: VideoCodec, data: bytes) -> bool:
    """Whether the picture is H.265's RASL: it can't be decoded when decoding starts at the key picture before it."""
    if name == "h264":
        return False
    position = 0
    while position + 4 < len(data):
        kind = h265.nal_type(data[position + 4 : position + 5])
        if kind < 32:
            return kind in (8, 9)
        position += 4 + int.from_bytes(data[position : position + 4], "big")
    return False
