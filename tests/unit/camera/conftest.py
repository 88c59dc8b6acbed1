"""Formats and units for the camera's tests."""

import pytest

from camward.base.clock import Utc
from camward.media import h264
from camward.media.nal import join_length_prefixed
from camward.media.unit import AccessUnit, AudioFormat, Flags, StreamFormat, Track

SPS = bytes.fromhex("67640016acb405017fcb08000003000800000300f478b175")
PPS = bytes.fromhex("68ef3cb0")


@pytest.fixture(scope="session")
def form() -> StreamFormat:
    """640x360 H.264 and AAC."""
    return StreamFormat(h264.video_format((SPS, PPS)), AudioFormat("aac", 48_000, 2, bytes.fromhex("1190")))


@pytest.fixture(scope="session")
def picture():
    """`picture(ticks, key=...)`: an access unit of a few bytes that looks right."""

    def make(ticks: int, *, key: bool = False, flags: Flags | None = None) -> AccessUnit:
        nals = [SPS, PPS, b"\x65\x88\x80\x10"] if key else [b"\x41\x9a\x26\x20"]
        given = (Flags.KEY if key else Flags.NONE) if flags is None else flags
        return AccessUnit(Track.VIDEO, ticks, Utc(ticks * 11_111), join_length_prefixed(nals), given)

    return make


@pytest.fixture(scope="session")
def sound():
    """`sound(ticks)`."""
    return lambda ticks: AccessUnit(Track.AUDIO, ticks, Utc(ticks), b"\x21\x00\x49", Flags.KEY)
