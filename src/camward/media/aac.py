"""AAC: AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1) read and built, its codec string, ADTS taken off."""

from __future__ import annotations

from dataclasses import dataclass

from camward.media.bits import BitReader, BitstreamError
from camward.media.unit import AudioFormat

_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_CONFIG_LIMIT = 64
FRAME_SAMPLES = 1024
"""Samples per channel in one frame (960 with the short frame flag)."""


@dataclass(frozen=True, slots=True)
class AacConfig:
    """What an AudioSpecificConfig says.

    Args:
        object_type: 2 is AAC-LC; 5 and 29 (HE-AAC) are given as the core's type, see `extension`.
        sample_rate: the core's samples per second; an access unit holds `frame_samples` of them.
        channels: 1 to 8.
        frame_samples: 1024 or 960.
        extension: 5 (SBR) or 29 (PS) when signalled in front, else 0.
    """

    object_type: int
    sample_rate: int
    channels: int
    frame_samples: int = FRAME_SAMPLES
    extension: int = 0


def parse_config(data: bytes) -> AacConfig:
    """Read an AudioSpecificConfig.

    Raises:
        BitstreamError: not one, not AAC, or a channel layout without a number.
    """
    if len(data) > _CONFIG_LIMIT:
        raise BitstreamError("An AAC configuration is too long")
    reader = BitReader(data)
    kind, extension = _object_type(reader), 0
    rate = _rate(reader)
    layout = reader.bits(4)
    if kind in (5, 29):
        extension = kind
        _rate(reader)
        kind = _object_type(reader)
    if kind not in (1, 2, 3, 4):
        raise BitstreamError(f"Audio object type {kind} is not supported")
    if not 1 <= layout <= 7:
        raise BitstreamError("An AAC stream doesn't tell its number of channels")
    short = reader.flag()
    return AacConfig(kind, rate, 8 if layout == 7 else layout, 960 if short else FRAME_SAMPLES, extension)


def _object_type(reader: BitReader) -> int:
    kind = reader.bits(5)
    return 32 + reader.bits(6) if kind == 31 else kind


def _rate(reader: BitReader) -> int:
    index = reader.bits(4)
    rate = reader.bits(24) if index == 15 else _RATES[index] if index < len(_RATES) else 0
    if not 1000 <= rate <= 192_000:
        raise BitstreamError("An AAC stream has an impossible sample rate")
    return rate


def build_config(sample_rate: int, channels: int, *, object_type: int = 2) -> bytes:
    """An AudioSpecificConfig of 2 bytes (5 for an unlisted sample rate).

    Raises:
        BitstreamError: no layout has that many channels.
    """
    if not (1 <= channels <= 6 or channels == 8) or not 1 <= object_type <= 4:
        raise BitstreamError(f"AAC has no layout number for {channels} channels")
    layout = 7 if channels == 8 else channels
    if sample_rate in _RATES:
        return (object_type << 11 | _RATES.index(sample_rate) << 7 | layout << 3).to_bytes(2, "big")
    return (object_type << 35 | 15 << 31 | (sample_rate & 0xFFFFFF) << 7 | layout << 3).to_bytes(5, "big")


def codec_string(config: bytes) -> str:
    """The name that browsers know, RFC 6381: mp4a.40.2.

    Raises:
        BitstreamError: the configuration can't be read.
    """
    parsed = parse_config(config)
    return f"mp4a.40.{parsed.extension or parsed.object_type}"


def audio_format(config: bytes) -> AudioFormat:
    """The format that an AudioSpecificConfig describes.

    Raises:
        BitstreamError: it can't be read.
    """
    parsed = parse_config(config)
    return AudioFormat("aac", parsed.sample_rate, parsed.channels, bytes(config))


def strip_adts(frame: bytes) -> tuple[bytes, bytes]:
    """One ADTS frame (ISO/IEC 13818-7 6.2) as its AudioSpecificConfig and raw frame.

    Raises:
        BitstreamError: no sync word, or cut off.
    """
    if len(frame) < 7 or frame[0] != 0xFF or frame[1] & 0xF6 != 0xF0:
        raise BitstreamError("Not an ADTS frame")
    head = int.from_bytes(frame[2:6], "big")
    index, layout, size = head >> 26 & 15, head >> 22 & 7, head >> 5 & 0x1FFF
    begin = 7 if frame[1] & 1 else 9
    if index >= len(_RATES) or not layout or not begin < size <= len(frame):
        raise BitstreamError("An ADTS frame is cut off or has no layout")
    config = build_config(_RATES[index], 8 if layout == 7 else layout, object_type=(head >> 30) + 1)
    return config, frame[begin:size]
