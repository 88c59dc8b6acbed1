"""The test picture: a moving scene with a burnt-in UTC clock, drawn straight in the encoder's form."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from fractions import Fraction

import av
from PIL import Image, ImageDraw

from camward.base.clock import NS, Clock, Utc
from camward.camera.worker.drawing import Stamp
from camward.camera.worker.stage import RawVideo, SourceForm, Stage
from camward.camera.worker.timeline import Timeline
from camward.media.unit import VIDEO_CLOCK

RATE = 15
_TURN = 8 * RATE
_WHITE = 225


def _background(width: int, height: int) -> Image.Image:
    """A sky, a street and houses, so that a person sees at once which way is up."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    horizon = height * 3 // 5
    for y in range(horizon):
        shade = y * 90 // horizon
        draw.line((0, y, width, y), fill=(70 + shade, 110 + shade, 160 + shade // 2))
    draw.rectangle((0, horizon, width, height), fill=(84, 86, 88))
    for index in range(7):
        left, top = index * width // 7, horizon - height * (2 + index * 3 % 4) // 12
        draw.rectangle((left + 4, top, left + width // 8, horizon), fill=(120 + index * 9, 92, 70 + index * 8))
        for x in range(left + 14, left + width // 8 - 14, 28):
            for y in range(top + 12, horizon - 16, 30):
                draw.rectangle((x, y, x + 12, y + 16), fill=(230, 214, 150) if (x + y) % 3 else (60, 60, 70))
    for x in range(0, width, width // 10):
        draw.rectangle((x, height * 5 // 6, x + width // 20, height * 5 // 6 + 6), fill=(220, 220, 210))
    return image


class Scene:
    """Draws a picture for a moment: the background, a car that passes, the clock."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        image = av.VideoFrame.from_image(_background(width, height))  # type: ignore[no-untyped-call]
        frame: av.VideoFrame = image.reformat(format="yuv420p")
        self._planes = [bytes(plane) for plane in frame.planes]
        self._stamp = Stamp("8888-88-88 88:88:88.888Z", width=width, height=height, corner="top-left")

    def draw(self, number: int, utc: Utc) -> av.VideoFrame:
        """The picture of that number."""
        frame = av.VideoFrame(self._width, self._height, "yuv420p")
        for plane, data in zip(frame.planes, self._planes, strict=True):
            plane.update(data)
        wide, high = self._width // 9 // 2 * 2, self._height // 14 // 2 * 2
        x = (number % _TURN) * (self._width - wide) // _TURN // 2 * 2
        y = self._height * 3 // 4 // 2 * 2
        self._fill(frame, 0, (x, y, wide, high), 120)
        self._fill(frame, 1, (x // 2, y // 2, wide // 2, high // 2), 84)
        self._fill(frame, 2, (x // 2, y // 2, wide // 2, high // 2), 200)
        self._fill(frame, 0, (x + wide // 8, y + high, wide // 6, high // 3), 20)
        self._fill(frame, 0, (x + wide * 5 // 8, y + high, wide // 6, high // 3), 20)
        at = datetime.fromtimestamp(utc // NS, UTC)
        self._stamp.put(frame, f"{at:%Y-%m-%d %H:%M:%S}.{utc // 1_000_000 % 1000:03}Z")
        return frame

    @staticmethod
    def _fill(frame: av.VideoFrame, index: int, box: tuple[int, int, int, int], value: int) -> None:
        plane = frame.planes[index]
        view, line = memoryview(plane), plane.line_size
        x, y, wide, high = box
        row = bytes((value,)) * wide
        for begin in range(y * line + x, (y + high) * line + x, line):
            view[begin : begin + wide] = row


class SceneSource:
    """Gives the scene at a steady rate."""

    def __init__(self, size: tuple[int, int], *, timeline: Timeline, clock: Clock) -> None:
        self._size, self._timeline, self._clock = size, timeline, clock

    def run(self, stage: Stage, stop: threading.Event) -> None:
        """See `Source.run`."""
        scene = Scene(*self._size)
        stage.on_form(SourceForm(RawVideo(*self._size, float(RATE), "the source is drawn here")))
        run, number = self._timeline.start(), 0
        while not stop.is_set():
            offset = Fraction(number, RATE)
            wait = run.due(offset) - self._clock.monotonic()
            if wait < -1:
                run, number = self._timeline.start(), 0
                continue
            if wait > 0 and stop.wait(wait):
                return
            ticks, utc = run.stamp(offset, VIDEO_CLOCK)
            stage.on_picture(scene.draw(number, utc), ticks, utc)
            number += 1
