"""A video device (V4L2): coded pictures pass where the device codes them itself. Untested here: no device to try it on.

What is known of it comes from the kernel's interface and FFmpeg's input; a fake of their calls would prove nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import threading
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import av

from camward.base.clock import Clock, Utc
from camward.camera.worker.file_source import Tracks, inspect
from camward.camera.worker.inband import has_sequence, with_parameter_sets
from camward.camera.worker.stage import RawVideo, SourceError, SourceForm, Stage
from camward.camera.worker.timeline import Run, Timeline
from camward.media import codec
from camward.media.bits import BitstreamError
from camward.media.nal import from_annexb, widen_lengths
from camward.media.unit import VIDEO_CLOCK, AccessUnit, Flags, Track

_FORMATS = ("h264", "mjpeg", "")
_PLAUSIBLE = 2.0

# linux/videodev2.h
_QUERYCTRL, _S_CTRL = 0xC0445624, 0xC008561C
_CONTROL = {"brightness": 0x00980900, "contrast": 0x00980901, "saturation": 0x00980902}
_DISABLED_OR_READ_ONLY = 0x0001 | 0x0004
_QUERY = struct.Struct("=II32siiiiI8x")


class DeviceSource:
    """Captures from a device node.

    Args:
        path: /dev/videoN.
        size: width and height to ask for; the device may give another.
        picture: brightness and its like, 0 to 100; set in the device where it has them.
    """

    def __init__(
        self, path: str, size: tuple[int, int], *, picture: Mapping[str, int], timeline: Timeline, clock: Clock
    ) -> None:
        self._path, self._size, self._picture = path, size, picture
        self._timeline, self._clock = timeline, clock

    def run(self, stage: Stage, stop: threading.Event) -> None:
        """See `Source.run`."""
        controls = set_controls(self._path, self._picture)
        with self._open() as container:
            tracks = inspect(container)
            rate = float(tracks.video.average_rate or 25)
            context = tracks.video.codec_context
            run = self._timeline.start()
            if tracks.name is None:
                why = f"the device gives {context.name}"
                stage.on_form(SourceForm(RawVideo(context.width, context.height, rate, why), None, controls))
            for packet in self._packets(container, tracks.video):
                if stop.is_set():
                    return
                ticks, utc = self._stamp(run, packet)
                if tracks.name is None:
                    for picture in tracks.video.decode(packet):
                        stage.on_picture(picture, ticks, utc)
                else:
                    _pass(tracks, packet, stage, ticks, utc, controls)
        raise SourceError(f"The device {self._path} gives no more pictures")

    def _packets(self, container: av.container.InputContainer, video: av.VideoStream) -> Iterator[Any]:
        try:
            yield from (packet for packet in container.demux(video) if packet.size)
        except (av.error.FFmpegError, OSError) as error:
            raise SourceError(f"The device {self._path} failed: {error}") from None

    def _open(self) -> av.container.InputContainer:
        reason = "it is gone"
        for name in _FORMATS:
            options = {"video_size": "x".join(map(str, self._size))}
            if name:
                options["input_format"] = name
            try:
                return av.open(self._path, format="v4l2", options=options)
            except FileNotFoundError:
                raise SourceError(f"There is no device {self._path}") from None
            except (av.error.FFmpegError, OSError, ValueError) as error:
                reason = str(error)
        raise SourceError(f"The device {self._path} can't be used: {reason}")

    def _stamp(self, run: Run, packet: Any) -> tuple[int, Utc]:
        """The driver's own time stamp, which is of the same monotonic clock, where it is plausible."""
        now = self._clock.monotonic()
        taken = float(packet.pts * packet.time_base) if packet.pts is not None and packet.time_base else now
        if not now - _PLAUSIBLE < taken <= now:
            taken = now
        return run.stamp(max(Fraction(0), self._timeline.at(taken) - run.begin), VIDEO_CLOCK)


def _pass(tracks: Tracks, packet: Any, stage: Stage, ticks: int, utc: Utc, controls: frozenset[str]) -> None:
    assert tracks.name is not None
    try:
        data = bytes(packet)
        data = widen_lengths(data, tracks.length_size) if tracks.length_size else from_annexb(data)
        key = codec.is_key(tracks.name, data)
        if key:
            sets = codec.parameter_sets_in(tracks.name, data)
            if has_sequence(tracks.name, sets):
                tracks.sets = sets
            form = SourceForm(codec.video_format(tracks.name, tracks.sets), None, controls)
            if form != tracks.announced:
                tracks.announced = form
                stage.on_form(form)
            data = with_parameter_sets(tracks.name, tracks.sets, data)
    except BitstreamError:
        return
    if data and tracks.announced is not None:
        stage.on_unit(AccessUnit(Track.VIDEO, ticks, utc, data, Flags.KEY if key else Flags.NONE))


def set_controls(path: str, picture: Mapping[str, int]) -> frozenset[str]:
    """Set what the device has of these controls (50 is its own default); which those are."""
    found: set[str] = set()
    with contextlib.suppress(OSError):
        device = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        try:
            for name, percent in picture.items():
                with contextlib.suppress(OSError):
                    query = bytearray(_QUERY.size)
                    struct.pack_into("=I", query, 0, _CONTROL[name])
                    fcntl.ioctl(device, _QUERYCTRL, query)
                    _, _, _, low, high, _, default, flags = _QUERY.unpack(query)
                    if flags & _DISABLED_OR_READ_ONLY or low >= high:
                        continue
                    value = scale_control(percent, low=low, default=default, high=high)
                    fcntl.ioctl(device, _S_CTRL, struct.pack("=Ii", _CONTROL[name], value))
                    found.add(name)
        finally:
            os.close(device)
    return frozenset(found)


def scale_control(percent: int, *, low: int, default: int, high: int) -> int:
    """0 to 50 is the device's lowest to its default, 50 to 100 its default to its highest."""
    if percent <= 50:
        return low + (default - low) * percent // 50
    return default + (high - default) * (percent - 50) // 50
