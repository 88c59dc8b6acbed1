"""One front for H.264 and H.265: key pictures, parameter sets, decoder configuration, codec strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from camward.media import aac, h264, h265, opus
from camward.media.nal import split_annexb
from camward.media.unit import AudioFormat, VideoFormat

VideoCodec = Literal["h264", "h265"]


def is_key(codec: VideoCodec, data: bytes) -> bool:
    """Whether a decoder can start at this access unit (4-byte lengths)."""
    return h264.is_key(data) if codec == "h264" else h265.is_key(data)


def is_slice(codec: VideoCodec, nal: bytes | memoryview) -> bool:
    """Whether the unit carries picture data."""
    return h264.is_slice(nal) if codec == "h264" else h265.is_slice(nal)


def first_slice(codec: VideoCodec, nal: bytes | memoryview) -> bool:
    """Whether the unit is the first slice of a picture."""
    return h264.first_slice(nal) if codec == "h264" else h265.first_slice(nal)


def is_parameter_set(codec: VideoCodec, nal: bytes | memoryview) -> bool:
    """Whether the unit is a VPS, SPS or PPS."""
    return h264.nal_type(nal) in (7, 8, 13) if codec == "h264" else 32 <= h265.nal_type(nal) <= 34


def parameter_sets_in(codec: VideoCodec, data: bytes) -> tuple[bytes, ...]:
    """The parameter sets ahead of the first slice of an access unit (4-byte lengths), as they come."""
    return h264.parameter_sets_in(data) if codec == "h264" else h265.parameter_sets_in(data)


def video_format(codec: VideoCodec, parameter_sets: Sequence[bytes]) -> VideoFormat:
    """The format that these parameter sets describe.

    Raises:
        BitstreamError: one is missing or can't be read.
    """
    return h264.video_format(parameter_sets) if codec == "h264" else h265.video_format(parameter_sets)


def codec_string(form: VideoFormat | AudioFormat, *, in_band: bool = False) -> str:
    """The RFC 6381 name; `in_band` names the sample entry that allows parameter sets in samples only.

    Raises:
        BitstreamError: the parameter sets or the configuration can't be read.
    """
    if isinstance(form, AudioFormat):
        return opus.codec_string() if form.codec == "opus" else aac.codec_string(form.config)
    if form.codec == "h264":
        return h264.codec_string(h264.parse_sps(form.parameter_sets[0]), entry="avc3" if in_band else "avc1")
    sps = next((nal for nal in form.parameter_sets if h265.nal_type(nal) == h265.SPS), b"")
    return h265.codec_string(h265.parse_sps(sps), entry="hev1" if in_band else "hvc1")


def decoder_config(form: VideoFormat) -> bytes:
    """The payload of avcC or hvcC; also what WebCodecs calls the description.

    Raises:
        BitstreamError: a parameter set is missing or can't be read.
    """
    return h264.build_avcc(form.parameter_sets) if form.codec == "h264" else h265.build_hvcc(form.parameter_sets)


def from_extradata(codec: VideoCodec, extradata: bytes) -> tuple[int, tuple[bytes, ...]]:
    """The NAL length size (0: Annex B start codes) and the parameter sets of FFmpeg's extradata, in either form.

    Raises:
        BitstreamError: neither form, or cut off.
    """
    if extradata[:3] == b"\x00\x00\x01" or extradata[:4] == b"\x00\x00\x00\x01":
        nals = split_annexb(extradata)
        return 0, tuple(nal for nal in nals if is_parameter_set(codec, nal))
    return h264.parse_avcc(extradata) if codec == "h264" else h265.parse_hvcc(extradata)
