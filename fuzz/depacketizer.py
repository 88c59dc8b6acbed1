"""Fuzz target: any RTP packets give units or a `PayloadError`, and after a loss the first picture is a key picture.

The input is a list of packets: kind of track in the first byte; then for each packet a byte of flags (1: marker,
2: the next timestamp, 4: a loss before it), a length byte, and its payload.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from camward.media.unit import Flags
from camward.rtsp.core.depacketizer import (
    AacDepacketizer,
    Depacketizer,
    DepacketizerLimits,
    DocumentDepacketizer,
    Emit,
    H264Depacketizer,
    H265Depacketizer,
    PayloadError,
)

LIMITS = DepacketizerLimits(unit=4096, nals=32, sample=1024)
H264_SETS = (bytes.fromhex("6764001facb3018024d080000003008000000a078c1934"), bytes.fromhex("68e9714b22c0"))
H265_SETS = (
    bytes.fromhex("40010c01ffff01600000030090000003000003007895980900"),
    bytes.fromhex("420101016000000300900000030000030078a003c08010e596566924caf0168080000003008000000c84"),
    bytes.fromhex("4401c172b46240"),
)


def _ignore(form: object) -> None:
    """Formats are not looked at."""


KINDS: list[Callable[[Emit], Depacketizer]] = [
    lambda emit: H264Depacketizer(emit=emit, on_format=_ignore, parameter_sets=H264_SETS, limits=LIMITS),
    lambda emit: H265Depacketizer(emit=emit, on_format=_ignore, parameter_sets=H265_SETS, limits=LIMITS),
    lambda emit: H264Depacketizer(emit=emit, on_format=_ignore, limits=LIMITS),
    lambda emit: AacDepacketizer({"mode": "AAC-hbr"}, frame=1024, emit=emit, limits=LIMITS),
    lambda emit: AacDepacketizer({"mode": "AAC-lbr"}, frame=1024, emit=emit, limits=LIMITS),
    lambda emit: DocumentDepacketizer(emit=emit, limits=LIMITS),
]


def TestOneInput(data: bytes) -> None:  # noqa: N802 (the name that the fuzzer calls)
    """One input."""
    if not data:
        return
    lost = True

    def emit(timestamp: int, unit: bytes, flags: Flags) -> None:
        nonlocal lost
        assert 0 < len(unit) <= LIMITS.unit + 4 * LIMITS.nals
        assert not lost or Flags.KEY in flags
        assert not lost or Flags.DISCONTINUITY in flags
        lost = False

    inside = KINDS[data[0] % len(KINDS)](emit)
    position, timestamp = 1, 0
    while position + 2 <= len(data):
        flags, size = data[position], data[position + 1]
        buffer = bytearray(data[position + 2 : position + 2 + size])
        position += 2 + size
        timestamp += 3600 if flags & 2 else 0
        if flags & 4:
            inside.lost()
            lost = True
        try:
            inside.packet(memoryview(buffer), timestamp, marker=flags & 1 == 1)
        except PayloadError:
            inside.lost()
            lost = True
        buffer[:] = b"\xff" * len(buffer)


TestOneInput.__test__ = False  # type: ignore[attr-defined]  # not a pytest test

if __name__ == "__main__":
    import atheris

    corpus = Path(__file__).parent / "corpus" / "depacketizer"
    atheris.instrument_all()
    atheris.Setup([*sys.argv, str(corpus)], TestOneInput)
    atheris.Fuzz()
