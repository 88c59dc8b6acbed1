"""The head of a recorded file: `ftyp` and `moov` with one track per kind of access unit (ISO/IEC 14496-12 and -15).

Sample entries are `avc3` and `hev1`: samples may carry parameter sets, and ours do, as received; the configuration
record holds the first ones too. ffmpeg 5.1 and Chromium's Media Source Extensions take avc3 with sets in both
places (and all agree that avc1 forbids them in samples); hev1 likewise where a browser has H.265 at all.
"""

from __future__ import annotations

import struct

from camward.base.clock import NS, Utc
from camward.media import opus
from camward.media.codec import decoder_config
from camward.media.mp4.boxes import box, full_box
from camward.media.unit import VIDEO_CLOCK, AudioFormat, StreamFormat, Track, VideoFormat

ONVIF_SCHEMA = b"http://www.onvif.org/ver10/schema"
"""Namespace of the metadata samples, as ONVIF's export file format names it."""

SYNC, NOT_SYNC = 0x0200_0000, 0x0101_0000
"""sample_flags: depends on no other sample; depends on others and is no sync sample (14496-12 8.8.3.1)."""

_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_EPOCH_1904 = 2_082_844_800


def track_id(track: Track) -> int:
    """The track's number in a file: video 1, audio 2, metadata 3."""
    return int(track) + 1


def tracks_of(form: StreamFormat) -> dict[Track, int]:
    """The tracks that a file of this format has, with their ticks per second."""
    clocks = {Track.VIDEO: VIDEO_CLOCK}
    if form.audio is not None:
        clocks[Track.AUDIO] = form.audio.clock_rate
    if form.metadata:
        clocks[Track.METADATA] = VIDEO_CLOCK
    return clocks


def file_type() -> bytes:
    """`ftyp`: iso6 (tfdt, default-base-is-moof), DASH-like single sidx."""
    return box(b"ftyp", b"iso6", bytes(4), b"iso6iso5mp41")


def movie(form: StreamFormat, *, created: Utc) -> bytes:
    """`moov` without samples.

    Raises:
        BitstreamError: the video's parameter sets can't be read.
    """
    clocks = tracks_of(form)
    seconds = max(0, created // NS + _EPOCH_1904)
    head = struct.pack(">QQIQIHH8x", seconds, seconds, 1000, 0, 0x10000, 0x100, 0)
    last = max(track_id(track) for track in clocks) + 1
    mvhd = full_box(b"mvhd", 1 << 24, head, _MATRIX, bytes(24), struct.pack(">I", last))
    entries = [_track(form, track, clock=clock) for track, clock in clocks.items()]
    extends = [
        full_box(b"trex", 0, struct.pack(">5I", track_id(track), 1, 0, 0, NOT_SYNC if track == Track.VIDEO else SYNC))
        for track in clocks
    ]
    return box(b"moov", mvhd, *entries, box(b"mvex", *extends))


def _track(form: StreamFormat, track: Track, *, clock: int) -> bytes:
    width = height = volume = 0
    if track == Track.VIDEO:
        width, height = form.video.width << 16, form.video.height << 16
        handler, media_head, entry = b"vide", full_box(b"vmhd", 1, bytes(8)), _video_entry(form.video)
    elif track == Track.AUDIO and form.audio is not None:
        volume = 0x100
        handler, media_head, entry = b"soun", full_box(b"smhd", 0, bytes(4)), _audio_entry(form.audio)
    else:
        handler, media_head, entry = b"meta", full_box(b"nmhd", 0), _metadata_entry()
    number = track_id(track)
    head = struct.pack(">IIIII8xHHHH", 0, 0, number, 0, 0, 0, 0, volume, 0)
    tkhd = full_box(b"tkhd", 3, head, _MATRIX, struct.pack(">II", width, height))
    mdhd = full_box(b"mdhd", 0, struct.pack(">IIIIHH", 0, 0, clock, 0, 0x55C4, 0))
    hdlr = full_box(b"hdlr", 0, bytes(4), handler, bytes(12), b"Camward\x00")
    dref = full_box(b"dref", 0, struct.pack(">I", 1), full_box(b"url ", 1))
    tables = [full_box(kind, 0, bytes(size)) for kind, size in ((b"stts", 4), (b"stsc", 4), (b"stsz", 8), (b"stco", 4))]
    stbl = box(b"stbl", full_box(b"stsd", 0, struct.pack(">I", 1), entry), *tables)
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, box(b"minf", media_head, box(b"dinf", dref), stbl)))


def _video_entry(video: VideoFormat) -> bytes:
    h264 = video.codec == "h264"
    head = struct.pack(">6xH16xHHIIIH32sHh", 1, video.width, video.height, 72 << 16, 72 << 16, 0, 1, b"", 24, -1)
    return box(b"avc3" if h264 else b"hev1", head, box(b"avcC" if h264 else b"hvcC", decoder_config(video)))


def _audio_entry(audio: AudioFormat) -> bytes:
    rate = audio.clock_rate if audio.clock_rate < 1 << 16 else 0
    head = struct.pack(">6xH8xHHHHI", 1, audio.channels, 16, 0, 0, rate << 16)
    if audio.codec == "opus":
        return box(b"Opus", head, box(b"dOps", opus.build_dops(audio)))
    return box(b"mp4a", head, full_box(b"esds", 0, _elementary_stream(audio.config)))


def _elementary_stream(config: bytes) -> bytes:
    """ES_Descriptor of an AAC track (ISO/IEC 14496-1 7.2.6.5), lengths in one byte each: configurations are short."""
    specific = bytes((5, len(config))) + config
    decoder = bytes((4, 13 + len(specific), 0x40, 0x15)) + bytes(11) + specific
    body = bytes((0, track_id(Track.AUDIO), 0)) + decoder + bytes((6, 1, 2))
    return bytes((3, len(body))) + body


def _metadata_entry() -> bytes:
    return box(b"metx", struct.pack(">6xH", 1), b"\x00", ONVIF_SCHEMA + b"\x00", b"\x00")
