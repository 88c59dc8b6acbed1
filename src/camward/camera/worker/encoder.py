"""x264 as a live camera needs it: closed groups by the clock, one slice per picture, no B pictures, no look-ahead."""

from __future__ import annotations

from fractions import Fraction

import av
from av.codec.context import Flags as CodecFlags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from camward.base.clock import Utc
from camward.camera.orders import Coding
from camward.camera.worker.inband import with_parameter_sets
from camward.media import codec
from camward.media.nal import from_annexb
from camward.media.unit import VIDEO_CLOCK, AccessUnit, Flags, Track, VideoFormat

TIME_BASE = Fraction(1, VIDEO_CLOCK)
_LARGE = 1280 * 720
_LONG_AGO = -(1 << 50)


class Encoder:
    """One coded stream; the first picture is a key picture.

    Args:
        width: even.
        height: even.
        coding: bit rate, rate limit, time between key pictures.
        source_rate: nominal pictures per second that come; 0 if unknown.
    """

    def __init__(self, width: int, height: int, *, coding: Coding, source_rate: float) -> None:
        self.width, self.height = width, height
        rate = min(source_rate or 25.0, coding.frame_rate or 1000.0)
        self._interval = round(VIDEO_CLOCK / coding.frame_rate) if coding.frame_rate else 0
        self._group = round(VIDEO_CLOCK * coding.key_seconds)
        self._due = _LONG_AGO
        self._next_key = _LONG_AGO
        self._context = self._open(coding, rate)
        _, sets = codec.from_extradata("h264", self._context.extradata or b"")
        form = codec.video_format("h264", sets)
        self.form = VideoFormat("h264", form.width, form.height, form.parameter_sets, round(rate, 3))

    def _open(self, coding: Coding, rate: float) -> VideoCodecContext:
        context = av.CodecContext.create("libx264", "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = self.width, self.height, "yuv420p"
        context.time_base = TIME_BASE
        context.framerate = Fraction(rate).limit_denominator(1001)
        context.bit_rate = coding.bitrate * 1000
        context.max_b_frames = 0
        context.flags |= CodecFlags.global_header
        params = {
            "keyint": "infinite",  # groups are cut by time, below
            "scenecut": 0,
            "open-gop": 0,
            "sliced-threads": 0,
            "slices": 1,
            "threads": 1,
            "vbv-maxrate": coding.bitrate,
            "vbv-bufsize": coding.bitrate,
        }
        context.options = {
            "preset": "superfast" if self.width * self.height > _LARGE else "veryfast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "x264-params": ":".join(f"{name}={value}" for name, value in params.items()),
        }
        context.open()
        return context

    def wants(self, ticks: int) -> bool:
        """Whether a picture of this time is to be coded, going by the rate limit."""
        if not self._interval:
            return True
        if ticks < self._due - self._interval // 2:
            return False
        on_time = ticks - self._due < self._interval
        self._due = (self._due if on_time else ticks) + self._interval
        return True

    def ask_key(self) -> None:
        """Make the next picture a key picture."""
        self._next_key = _LONG_AGO

    def encode(self, picture: av.VideoFrame, ticks: int, utc: Utc) -> AccessUnit | None:
        """Code one picture (yuv420p, of our size); None if the encoder keeps it to itself, which it should not."""
        key = ticks >= self._next_key - self._interval // 2
        if key:
            on_time = ticks - self._next_key < self._group
            self._next_key = (self._next_key if on_time else ticks) + self._group
        picture.pts, picture.time_base = ticks, TIME_BASE
        picture.pict_type = PictureType.I if key else PictureType.NONE
        packets = self._context.encode(picture)
        if not packets:
            return None
        data = from_annexb(b"".join(map(bytes, packets)))
        flags = Flags.NONE
        if codec.is_key("h264", data):
            flags = Flags.KEY
            data = with_parameter_sets("h264", self.form.parameter_sets, data)
        return AccessUnit(Track.VIDEO, ticks, utc, data, flags)
