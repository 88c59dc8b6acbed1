"""H.265 (ITU-T H.265, ISO/IEC 23008-2): unit types, key pictures, parameter sets, hvcC."""

from __future__ import annotations

from collections.abc import Sequence

from camward.media.bits import BitstreamError
from camward.media.h265_sps import SPS, Sps, parse_sps
from camward.media.unit import VideoFormat

__all__ = [
    "PPS",
    "SPS",
    "VPS",
    "Sps",
    "build_hvcc",
    "codec_string",
    "first_slice",
    "is_key",
    "is_slice",
    "nal_type",
    "parameter_sets_in",
    "parse_hvcc",
    "parse_sps",
    "video_format",
]

VPS, PPS, DELIMITER, SEI_PREFIX, SEI_SUFFIX = 32, 34, 35, 39, 40
_SET_LIMIT = 32


def nal_type(nal: bytes | memoryview) -> int:
    """nal_unit_type; 63 (unspecified) for an empty unit."""
    return (nal[0] >> 1) & 0x3F if nal else 63


def is_slice(nal: bytes | memoryview) -> bool:
    """Whether the unit carries picture data."""
    return nal_type(nal) < 32


def first_slice(nal: bytes | memoryview) -> bool:
    """first_slice_segment_in_pic_flag."""
    return len(nal) > 2 and nal_type(nal) < 32 and nal[2] & 0x80 != 0


def is_key(data: bytes) -> bool:
    """Whether the access unit (4-byte lengths) is an IRAP picture: IDR, CRA or BLA; only headers are looked at."""
    position, end = 0, len(data)
    while position + 4 < end:
        kind = (data[position + 4] >> 1) & 0x3F
        if kind < 32:
            return 16 <= kind <= 23
        position += 4 + int.from_bytes(data[position : position + 4], "big")
    return False


def parameter_sets_in(data: bytes) -> tuple[bytes, ...]:
    """VPS, SPS and PPS ahead of the first slice of an access unit (4-byte lengths), as they come."""
    found: list[bytes] = []
    position, end = 0, len(data)
    while position + 4 < end:
        kind = (data[position + 4] >> 1) & 0x3F
        if kind < 32:
            break
        after = position + 4 + int.from_bytes(data[position : position + 4], "big")
        if VPS <= kind <= PPS:
            found.append(data[position + 4 : after])
        position = after
    return tuple(found)


def codec_string(sps: Sps, *, entry: str = "hvc1") -> str:
    """The name that browsers know, ISO/IEC 14496-15 E.3: hvc1.1.6.L93.B0."""
    space = ("", "A", "B", "C")[sps.profile_space]
    reverse = int(f"{sps.compatibility:032b}"[::-1], 2)
    flags = "".join(f".{byte:X}" for byte in sps.constraints.rstrip(b"\x00"))
    return f"{entry}.{space}{sps.profile}.{reverse:X}.{'H' if sps.tier else 'L'}{sps.level}{flags}"


def _sorted(parameter_sets: Sequence[bytes]) -> dict[int, list[bytes]]:
    unique = list(dict.fromkeys(bytes(nal) for nal in parameter_sets))
    if len(unique) > _SET_LIMIT:
        raise BitstreamError("The H.265 stream has too many parameter sets")
    sets = {kind: [nal for nal in unique if nal_type(nal) == kind] for kind in (VPS, SPS, PPS)}
    if not all(sets.values()):
        raise BitstreamError("The H.265 stream has no VPS, no SPS or no PPS")
    return sets


def video_format(parameter_sets: Sequence[bytes]) -> VideoFormat:
    """The format that these sets describe: VPS, SPS, PPS, doubles dropped.

    Raises:
        BitstreamError: one is missing or can't be read.
    """
    sets = _sorted(parameter_sets)
    sps = parse_sps(sets[SPS][0])
    return VideoFormat("h265", sps.width, sps.height, tuple(sets[VPS] + sets[SPS] + sets[PPS]), sps.frame_rate)


def build_hvcc(parameter_sets: Sequence[bytes]) -> bytes:
    """HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 8.3.3.1), 4-byte lengths; sets may come in band too.

    Raises:
        BitstreamError: a set is missing or can't be read.
    """
    sets = _sorted(parameter_sets)
    sps = parse_sps(sets[SPS][0])
    head = bytes((1, sps.profile_space << 6 | sps.tier << 5 | sps.profile)) + sps.compatibility.to_bytes(4, "big")
    head += sps.constraints + bytes((sps.level, 0xF0, 0, 0xFC, 0xFC | sps.chroma))
    head += bytes((0xF8 | sps.bit_depth[0] - 8, 0xF8 | sps.bit_depth[1] - 8, 0, 0))
    head += bytes((sps.layers << 3 | sps.nested << 2 | 3, len(sets)))
    parts = [head]
    for kind, nals in sets.items():
        parts.append(bytes((kind, 0, len(nals))))
        parts += [len(nal).to_bytes(2, "big") + nal for nal in nals]
    return b"".join(parts)


def parse_hvcc(data: bytes) -> tuple[int, tuple[bytes, ...]]:
    """The length size (1 to 4) and the parameter sets of an HEVCDecoderConfigurationRecord.

    Raises:
        BitstreamError: it isn't one or is cut off.
    """
    if len(data) < 23 or data[0] != 1:
        raise BitstreamError("Not an HEVC decoder configuration")
    found: list[bytes] = []
    position = 23
    for _ in range(data[22]):
        count = int.from_bytes(data[position + 1 : position + 3], "big")
        position += 3
        for _ in range(count):
            begin = position + 2
            position = begin + int.from_bytes(data[begin - 2 : begin], "big")
            if position > len(data) or begin > len(data):
                raise BitstreamError("An HEVC decoder configuration ends too early")
            found.append(data[begin:position])
        if position > len(data):
            raise BitstreamError("An HEVC decoder configuration ends too early")
    return (data[21] & 3) + 1, tuple(nal for nal in found if VPS <= nal_type(nal) <= PPS)
