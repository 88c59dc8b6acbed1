"""Tracks of a movie header read: codec, configuration, clock (ISO/IEC 14496-12 8.3 to 8.5, 14496-15, 14496-1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from camward.media import aac, opus
from camward.media.bits import BitstreamError
from camward.media.codec import VideoCodec, from_extradata, video_format
from camward.media.mp4.boxes import LIMITS, Box, Buffer, Mp4Error, Mp4Limits, fields, find, walk
from camward.media.mp4.fragments import Defaults, Sample
from camward.media.mp4.tables import table_samples
from camward.media.unit import AudioFormat, VideoFormat

_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_TREX = struct.Struct(">5I")
_VIDEO: dict[bytes, tuple[VideoCodec, bytes]] = {
    b"avc1": ("h264", b"avcC"),
    b"avc3": ("h264", b"avcC"),
    b"hvc1": ("h265", b"hvcC"),
    b"hev1": ("h265", b"hvcC"),
}
_CONFIG_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """One track of a file.

    Args:
        track_id: its number.
        handler: "vide", "soun", "meta" or what the file says.
        entry: the sample entry's four letters.
        timescale: ticks per second.
        form: how it is coded; None for codecs that Camward doesn't know.
        length_size: bytes of each NAL unit's length in a sample (video).
        config: the payload of avcC, hvcC or dOps, or AAC's AudioSpecificConfig.
        samples: those of a plain file; empty when the file is fragmented.
    """

    track_id: int
    handler: str
    entry: str
    timescale: int
    form: VideoFormat | AudioFormat | None
    length_size: int
    config: bytes
    samples: tuple[Sample, ...]


def parse_tracks(data: Buffer, moov: Box, *, limits: Mp4Limits = LIMITS) -> tuple[TrackInfo, ...]:
    """The tracks of a movie, in its order.

    Raises:
        Mp4Error: the header breaks the format or a limit.
    """
    if moov.end - moov.start > limits.moov_bytes:
        raise Mp4Error("The movie header is too large")
    traks = [part for part in walk(data, moov.body, moov.end, limits=limits) if part.kind == b"trak"]
    if len(traks) > limits.tracks:
        raise Mp4Error(f"The file has more than {limits.tracks} tracks")
    return tuple(_parse_trak(data, trak, limits=limits) for trak in traks)


def parse_defaults(data: Buffer, moov: Box, *, limits: Mp4Limits = LIMITS) -> dict[int, Defaults]:
    """What samples are unless a fragment says otherwise, by track id.

    Raises:
        Mp4Error: a box is cut off.
    """
    found: dict[int, Defaults] = {}
    mvex = find(data, moov.body, moov.end, path=(b"mvex",), limits=limits)
    if mvex is not None:
        for part in walk(data, mvex.body, mvex.end, limits=limits):
            if part.kind == b"trex":
                number, _, duration, size, flags = fields(_TREX, data, part.body + 4, end=part.end)
                found[number] = Defaults(duration, size, flags)
    return found


def _need(data: Buffer, outer: Box, path: tuple[bytes, ...], *, limits: Mp4Limits) -> Box:
    found = find(data, outer.body, outer.end, path=path, limits=limits)
    if found is None:
        raise Mp4Error(f"A track has no {path[-1].decode()} box")
    return found


def _parse_trak(data: Buffer, trak: Box, *, limits: Mp4Limits) -> TrackInfo:
    tkhd = _need(data, trak, (b"tkhd",), limits=limits)
    mdhd = _need(data, trak, (b"mdia", b"mdhd"), limits=limits)
    hdlr = _need(data, trak, (b"mdia", b"hdlr"), limits=limits)
    stbl = _need(data, trak, (b"mdia", b"minf", b"stbl"), limits=limits)
    stsd = _need(data, stbl, (b"stsd",), limits=limits)
    number = _after_times(data, tkhd)
    timescale = _after_times(data, mdhd)
    handler = bytes(data[hdlr.body + 8 : min(hdlr.body + 12, hdlr.end)]).decode("latin-1")
    entry = next(walk(data, stsd.body + 8, stsd.end, limits=limits), None)
    if entry is None or not timescale:
        raise Mp4Error("A track has no sample entry or no clock")
    try:
        form, length_size, config = _parse_entry(data, entry, limits=limits)
    except BitstreamError as error:
        raise Mp4Error(f"A track's configuration can't be read: {error.what}") from error
    samples = table_samples(data, stbl, track_id=number, limits=limits)
    kind = entry.kind.decode("latin-1")
    return TrackInfo(number, handler, kind, timescale, form, length_size, config, tuple(samples))


def _after_times(data: Buffer, part: Box) -> int:
    """The number behind creation and modification time: track id in tkhd, timescale in mdhd."""
    (flags,) = fields(_U32, data, part.body, end=part.end)
    return fields(_U32, data, part.body + (20 if flags >> 24 else 12), end=part.end)[0]


def _parse_entry(data: Buffer, entry: Box, *, limits: Mp4Limits) -> tuple[VideoFormat | AudioFormat | None, int, bytes]:
    if entry.kind in _VIDEO:
        codec, name = _VIDEO[entry.kind]
        config = _payload(data, find(data, entry.body + 78, entry.end, path=(name,), limits=limits))
        length_size, sets = from_extradata(codec, config)
        return (video_format(codec, sets) if sets else None), length_size, config
    if entry.kind == b"mp4a":
        (version,) = fields(_U16, data, entry.body + 8, end=entry.end)
        begin = entry.body + 28 + (16 if version == 1 else 0)
        config = _audio_config(_payload(data, find(data, begin, entry.end, path=(b"esds",), limits=limits)))
        return (aac.audio_format(config) if config else None), 0, config
    if entry.kind == b"Opus":
        config = _payload(data, find(data, entry.body + 28, entry.end, path=(b"dOps",), limits=limits))
        channels, _, rate = opus.parse_dops(config)
        return AudioFormat("opus", rate, channels), 0, config
    return None, 0, b""


def _payload(data: Buffer, found: Box | None) -> bytes:
    if found is None or found.end - found.body > _CONFIG_LIMIT:
        raise Mp4Error("A track has no codec configuration")
    return bytes(data[found.body : found.end])


def _audio_config(esds: bytes) -> bytes:
    """AudioSpecificConfig from an ES_Descriptor (ISO/IEC 14496-1 7.2.6.5); empty when it isn't AAC."""
    position = 4
    for tag in (3, 4, 5):
        if esds[position : position + 1] != bytes((tag,)):
            return b""
        position += 1
        size = 0
        for _ in range(4):
            byte = esds[position] if position < len(esds) else 0
            position += 1
            size = size << 7 | byte & 0x7F
            if not byte & 0x80:
                break
        if tag == 3:
            flags = esds[position + 2] if position + 2 < len(esds) else 0
            position += 3 + (2 if flags & 0x80 else 0) + (2 if flags & 0x20 else 0)
        elif tag == 4:
            if esds[position : position + 1] not in (b"\x40", b"\x67"):
                return b""
            position += 13
    return esds[position : position + size]
