"""H.264 (ITU-T H.264, ISO/IEC 14496-10): unit types, sequence parameters, avcC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from camward.media.bits import BitReader, BitstreamError
from camward.media.nal import unescape
from camward.media.unit import VideoFormat

SLICE, IDR, SEI, SPS, PPS, DELIMITER = 1, 5, 6, 7, 8, 9

_CHROMA_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_PARAMETER_SETS = frozenset({SPS, PPS, 13})


@dataclass(frozen=True, slots=True)
class H264Limits:
    """What a parameter set may ask for."""

    sps_bytes: int = 4096
    macroblocks_per_side: int = 1024
    parameter_sets: int = 32


LIMITS = H264Limits()


@dataclass(frozen=True, slots=True)
class Sps:
    """What a sequence parameter set says (H.264 7.3.2.1).

    `width` and `height` are shown pixels; `frame_rate` is 0 when the VUI doesn't tell; `reorder` is the VUI's
    max_num_reorder_frames, None when it doesn't tell; `bit_depth` is luma, chroma.
    """

    profile: int
    constraints: int
    level: int
    width: int
    height: int
    frame_rate: float
    chroma: int = 1
    bit_depth: tuple[int, int] = (8, 8)
    reorder: int | None = None


def nal_type(nal: bytes | memoryview) -> int:
    """nal_unit_type, 0 for an empty unit."""
    return nal[0] & 0x1F if nal else 0


def is_slice(nal: bytes | memoryview) -> bool:
    """Whether the unit carries picture data."""
    return 1 <= nal_type(nal) <= 5


def first_slice(nal: bytes | memoryview) -> bool:
    """Whether the unit is the first slice of a picture: first_mb_in_slice is 0."""
    return len(nal) > 1 and nal_type(nal) in (1, 2, 5) and nal[1] & 0x80 != 0


def is_key(data: bytes) -> bool:
    """Whether the access unit (4-byte lengths) is an IDR picture; only headers are looked at."""
    position, end = 0, len(data)
    while position + 4 < end:
        kind = data[position + 4] & 0x1F
        if 1 <= kind <= 5:
            return kind == IDR
        position += 4 + int.from_bytes(data[position : position + 4], "big")
    return False


def parameter_sets_in(data: bytes) -> tuple[bytes, ...]:
    """SPS (and its extension) and PPS ahead of the first slice of an access unit (4-byte lengths), as they come."""
    found: list[bytes] = []
    position, end = 0, len(data)
    while position + 4 < end:
        kind = data[position + 4] & 0x1F
        if 1 <= kind <= 5:
            break
        after = position + 4 + int.from_bytes(data[position : position + 4], "big")
        if kind in _PARAMETER_SETS:
            found.append(data[position + 4 : after])
        position = after
    return tuple(found)


def parse_sps(nal: bytes, *, limits: H264Limits = LIMITS) -> Sps:
    """Read a sequence parameter set, with its NAL header.

    A VUI that ends early (some cameras' do) counts as not telling.

    Raises:
        BitstreamError: it isn't one, or asks for too much.
    """
    if nal_type(nal) != SPS or len(nal) < 5 or len(nal) > limits.sps_bytes:
        raise BitstreamError("Not an H.264 sequence parameter set")
    profile, constraints, level = nal[1:4]
    reader = BitReader(unescape(nal[4:]))
    reader.ue(31)
    chroma, depth = 1, (8, 8)
    if profile in _CHROMA_PROFILES:
        chroma, depth = _chroma(reader)
    _picture_order(reader)
    reader.ue(16)
    reader.skip(1)
    width = (reader.ue(limits.macroblocks_per_side - 1) + 1) * 16
    units = reader.ue(limits.macroblocks_per_side - 1) + 1
    frames_only = reader.flag()
    height = units * 16 * (1 if frames_only else 2)
    reader.skip(1 if frames_only else 2)
    if reader.flag():
        left, right, top, bottom = (reader.ue(1 << 16) for _ in range(4))
        across = 2 if chroma in (1, 2) else 1
        down = (2 if chroma == 1 else 1) * (1 if frames_only else 2)
        width -= (left + right) * across
        height -= (top + bottom) * down
    if width <= 0 or height <= 0:
        raise BitstreamError("An H.264 picture is cropped to nothing")
    rate, reorder = _vui(reader)
    return Sps(profile, constraints, level, width, height, rate, chroma, depth, reorder)


def _chroma(reader: BitReader) -> tuple[int, tuple[int, int]]:
    chroma = reader.ue(3)
    if chroma == 3:
        reader.skip(1)
    depth = (reader.ue(6) + 8, reader.ue(6) + 8)
    reader.skip(1)
    if reader.flag():
        for index in range(12 if chroma == 3 else 8):
            if reader.flag():
                _scaling_list(reader, 16 if index < 6 else 64)
    return chroma, depth


def _scaling_list(reader: BitReader, size: int) -> None:
    scale = following = 8
    for _ in range(size):
        if following:
            following = (scale + reader.se()) & 0xFF
        scale = following or scale


def _picture_order(reader: BitReader) -> None:
    reader.ue(12)
    kind = reader.ue(2)
    if kind == 0:
        reader.ue(12)
    elif kind == 1:
        reader.skip(1)
        reader.se()
        reader.se()
        for _ in range(reader.ue(255)):
            reader.se()


def _vui(reader: BitReader) -> tuple[float, int | None]:
    rate, reorder = 0.0, None
    try:
        if reader.flag():
            skip_vui_head(reader)
            if reader.flag():
                units, scale = reader.bits(32), reader.bits(32)
                reader.skip(1)
                rate = scale / (2 * units) if units else 0.0
            reorder = _restriction(reader)
    except BitstreamError:
        pass
    return (rate if rate <= 1000 else 0.0), reorder


def skip_vui_head(reader: BitReader) -> None:
    """Pass over the start of a VUI that H.264 (E.1.1) and H.265 (E.2.1) share, up to the chroma location."""
    if reader.flag() and reader.bits(8) == 255:
        reader.skip(32)
    if reader.flag():
        reader.skip(1)
    if reader.flag():
        reader.skip(4)
        if reader.flag():
            reader.skip(24)
    if reader.flag():
        reader.ue(5)
        reader.ue(5)


def _restriction(reader: BitReader) -> int | None:
    network, coded = _hrd(reader), _hrd(reader)
    reader.skip(2 if network or coded else 1)
    if not reader.flag():
        return None
    reader.skip(1)
    for _ in range(4):
        reader.ue()
    return reader.ue(16)


def _hrd(reader: BitReader) -> bool:
    if not reader.flag():
        return False
    count = reader.ue(31) + 1
    reader.skip(8)
    for _ in range(count):
        reader.ue()
        reader.ue()
        reader.skip(1)
    reader.skip(20)
    return True


def codec_string(sps: Sps, *, entry: str = "avc1") -> str:
    """The name that browsers know, RFC 6381: avc1.PPCCLL."""
    return f"{entry}.{sps.profile:02X}{sps.constraints:02X}{sps.level:02X}"


def video_format(parameter_sets: Sequence[bytes]) -> VideoFormat:
    """The format that these sets describe: SPS first, then PPS, doubles dropped.

    Raises:
        BitstreamError: no SPS or no PPS, or one that can't be read.
    """
    unique = list(dict.fromkeys(bytes(nal) for nal in parameter_sets))
    sequence = [nal for nal in unique if nal_type(nal) == SPS]
    picture = [nal for nal in unique if nal_type(nal) == PPS]
    extension = [nal for nal in unique if nal_type(nal) == 13]
    if not sequence or not picture:
        raise BitstreamError("The H.264 stream has no SPS or no PPS")
    if len(unique) > LIMITS.parameter_sets:
        raise BitstreamError("The H.264 stream has too many parameter sets")
    sps = parse_sps(sequence[0])
    return VideoFormat("h264", sps.width, sps.height, tuple(sequence + picture + extension), sps.frame_rate)


def build_avcc(parameter_sets: Sequence[bytes]) -> bytes:
    """AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1), 4-byte lengths.

    Raises:
        BitstreamError: the SPS can't be read.
    """
    sequence = [nal for nal in parameter_sets if nal_type(nal) == SPS]
    picture = [nal for nal in parameter_sets if nal_type(nal) == PPS]
    extension = [nal for nal in parameter_sets if nal_type(nal) == 13]
    if not sequence or not picture:
        raise BitstreamError("The H.264 stream has no SPS or no PPS")
    sps = parse_sps(sequence[0])
    parts = [bytes((1, sps.profile, sps.constraints, sps.level, 0xFF, 0xE0 | len(sequence)))]
    parts += [len(nal).to_bytes(2, "big") + nal for nal in sequence]
    parts.append(bytes((len(picture),)))
    parts += [len(nal).to_bytes(2, "big") + nal for nal in picture]
    if sps.profile in _CHROMA_PROFILES:
        depth = sps.bit_depth
        parts.append(bytes((0xFC | sps.chroma, 0xF8 | depth[0] - 8, 0xF8 | depth[1] - 8, len(extension))))
        parts += [len(nal).to_bytes(2, "big") + nal for nal in extension]
    return b"".join(parts)


def parse_avcc(data: bytes) -> tuple[int, tuple[bytes, ...]]:
    """The length size (1 to 4) and the parameter sets of an AVCDecoderConfigurationRecord.

    Raises:
        BitstreamError: it isn't one or is cut off.
    """
    if len(data) < 7 or data[0] != 1:
        raise BitstreamError("Not an AVC decoder configuration")
    found: list[bytes] = []
    position = 5
    for mask in (0x1F, 0xFF):
        if position >= len(data):
            raise BitstreamError("An AVC decoder configuration ends too early")
        count = data[position] & mask
        position += 1
        for _ in range(count):
            begin = position + 2
            position = begin + int.from_bytes(data[begin - 2 : begin], "big")
            if position > len(data) or begin > len(data):
                raise BitstreamError("An AVC decoder configuration ends too early")
            found.append(data[begin:position])
    return (data[4] & 3) + 1, tuple(nal for nal in found if nal)
