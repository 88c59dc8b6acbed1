"""The H.265 sequence parameter set (ITU-T H.265 7.3.2.2): size, rate, profile, level."""

from __future__ import annotations

from dataclasses import dataclass

from camward.media.bits import BitReader, BitstreamError
from camward.media.h264 import skip_vui_head
from camward.media.nal import unescape

SPS = 33


@dataclass(frozen=True, slots=True)
class H265Limits:
    """What a parameter set may ask for."""

    sps_bytes: int = 8192
    pixels_per_side: int = 16384


LIMITS = H265Limits()


@dataclass(frozen=True, slots=True)
class Sps:
    """What a sequence parameter set says.

    `width` and `height` are shown pixels; `frame_rate` is 0 when the VUI doesn't tell; `compatibility` are the 32
    profile flags; `constraints` the 6 bytes after them; `layers` and `nested` are for hvcC.
    """

    profile_space: int
    tier: int
    profile: int
    compatibility: int
    constraints: bytes
    level: int
    width: int
    height: int
    frame_rate: float
    chroma: int
    bit_depth: tuple[int, int]
    layers: int
    nested: int
    reorder: int


def parse_sps(nal: bytes, *, limits: H265Limits = LIMITS) -> Sps:
    """Read a sequence parameter set, with its NAL header.

    A tail that can't be followed up to the VUI's timing counts as not telling a frame rate.

    Raises:
        BitstreamError: it isn't one, or asks for too much.
    """
    if len(nal) < 4 or (nal[0] >> 1) & 0x3F != SPS or len(nal) > limits.sps_bytes:
        raise BitstreamError("Not an H.265 sequence parameter set")
    reader = BitReader(unescape(nal[2:]))
    reader.skip(4)
    above = reader.bits(3)
    nested = reader.bits(1)
    if above > 6:
        raise BitstreamError("An H.265 stream has too many sub-layers")
    space, tier, profile = reader.bits(2), reader.bits(1), reader.bits(5)
    compatibility, constraints, level = reader.bits(32), reader.bits(48).to_bytes(6, "big"), reader.bits(8)
    _sub_layers(reader, above)
    reader.ue(15)
    chroma = reader.ue(3)
    if chroma == 3:
        reader.skip(1)
    width, height = reader.ue(limits.pixels_per_side), reader.ue(limits.pixels_per_side)
    if reader.flag():
        left, right, top, bottom = (reader.ue(limits.pixels_per_side) for _ in range(4))
        width -= (left + right) * (2 if chroma in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma == 1 else 1)
    if width <= 0 or height <= 0:
        raise BitstreamError("An H.265 picture is cropped to nothing")
    depth = (reader.ue(8) + 8, reader.ue(8) + 8)
    poc_bits = reader.ue(12) + 4
    reorder = 0
    for _ in range(above + 1 if reader.flag() else 1):
        reader.ue(15)
        reorder = reader.ue(15)
        reader.ue()
    try:
        rate = _frame_rate(reader, poc_bits)
    except BitstreamError:
        rate = 0.0
    return Sps(
        space,
        tier,
        profile,
        compatibility,
        constraints,
        level,
        width,
        height,
        rate,
        chroma,
        depth,
        above + 1,
        nested,
        reorder,
    )


def _sub_layers(reader: BitReader, above: int) -> None:
    present = [(reader.bits(1), reader.bits(1)) for _ in range(above)]
    if above:
        reader.skip(2 * (8 - above))
    for profile, level in present:
        reader.skip(88 * profile + 8 * level)


def _frame_rate(reader: BitReader, poc_bits: int) -> float:
    for _ in range(6):
        reader.ue()
    if reader.flag() and reader.flag():
        _scaling_lists(reader)
    reader.skip(2)
    if reader.flag():
        reader.skip(8)
        reader.ue()
        reader.ue()
        reader.skip(1)
    _reference_sets(reader)
    if reader.flag():
        reader.skip(reader.ue(32) * (poc_bits + 1))
    reader.skip(2)
    if not reader.flag():
        return 0.0
    skip_vui_head(reader)
    reader.skip(3)
    if reader.flag():
        for _ in range(4):
            reader.ue()
    if not reader.flag():
        return 0.0
    units, scale = reader.bits(32), reader.bits(32)
    rate = scale / units if units else 0.0
    return rate if rate <= 1000 else 0.0


def _scaling_lists(reader: BitReader) -> None:
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not reader.flag():
                reader.ue()
                continue
            if size > 1:
                reader.se()
            for _ in range(min(64, 1 << (4 + (size << 1)))):
                reader.se()


def _reference_sets(reader: BitReader) -> None:
    count = 0
    for index in range(reader.ue(64)):
        if index and reader.flag():
            reader.skip(1)
            reader.ue()
            kept = 0
            for _ in range(count + 1):
                if reader.flag() or reader.flag():
                    kept += 1
            count = kept
            continue
        negative, positive = reader.ue(16), reader.ue(16)
        count = negative + positive
        for _ in range(count):
            reader.ue()
            reader.skip(1)
