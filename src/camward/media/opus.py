"""Opus: how long a packet is (RFC 6716 3.1), the dOps box and codec string (Opus in ISO BMFF, RFC 7845)."""

from __future__ import annotations

import struct

from camward.media.bits import BitstreamError
from camward.media.unit import AudioFormat

CLOCK = 48_000
_SILK, _HYBRID, _CELT = (480, 960, 1920, 2880), (480, 960), (120, 240, 480, 960)


def packet_samples(packet: bytes) -> int:
    """How long a packet plays, in samples of 48 kHz; at most 120 ms.

    Raises:
        BitstreamError: empty or impossible.
    """
    if not packet:
        raise BitstreamError("An Opus packet is empty")
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame = _SILK[config & 3]
    elif config < 16:
        frame = _HYBRID[config & 1]
    else:
        frame = _CELT[config & 3]
    count = 1 if code == 0 else 2
    if code == 3:
        if len(packet) < 2:
            raise BitstreamError("An Opus packet ends too early")
        count = packet[1] & 0x3F
    if not 0 < count * frame <= 5760:
        raise BitstreamError("An Opus packet plays longer than 120 ms or not at all")
    return count * frame


def build_dops(form: AudioFormat) -> bytes:
    """The payload of `dOps`: version 0, channels, pre-skip, input rate, gain, mapping family 0."""
    return struct.pack(">BBHIhB", 0, form.channels, 0, form.sample_rate, 0, 0)


def parse_dops(data: bytes) -> tuple[int, int, int]:
    """Channels, pre-skip and input sample rate of a `dOps` payload.

    Raises:
        BitstreamError: cut off or of another version.
    """
    if len(data) < 11 or data[0] != 0:
        raise BitstreamError("Not an Opus configuration")
    return data[1], int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big")


def codec_string() -> str:
    """The name that browsers know."""
    return "opus"
