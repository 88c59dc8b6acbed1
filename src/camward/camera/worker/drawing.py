"""What is drawn onto pictures before they are coded: privacy zones, text and time, brightness and its like."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import av
import av.filter
from PIL import Image, ImageDraw, ImageFont

from camward.base.clock import NS, Utc
from camward.camera.orders import NEUTRAL, Drawing
from camward.media.unit import VIDEO_CLOCK

_BLACK, _WHITE = 16, 235
_PAD = 6


def even_box(zone: tuple[float, float, float, float], width: int, height: int) -> tuple[int, int, int, int]:
    """A zone in percent as left, top, width, height in pixels: rounded outwards to even ones, so that no colour
    sample at its edge shows what is below."""
    left, top, wide, high = zone
    x = int(left * width / 100) // 2 * 2
    y = int(top * height / 100) // 2 * 2
    right = min(width, -(-round((left + wide) * width * 10) // 2000) * 2)
    bottom = min(height, -(-round((top + high) * height * 10) // 2000) * 2)
    return x, y, right - x, bottom - y


def stamp_font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font for a picture of this height; it comes with Pillow, so it is the same everywhere."""
    return ImageFont.load_default(size=max(12, height // 30))


class Stamp:
    """Words as rows of luma, to be laid over a part of a picture.

    Args:
        widest: words as wide as any that will come; they fix the size.
        width: of the picture.
        height: of the picture.
        corner: where it goes.
    """

    def __init__(self, widest: str, *, width: int, height: int, corner: str = "top-left") -> None:
        self._font = stamp_font(height)
        left, top, right, bottom = self._font.getbbox(widest + "Âgjy")
        inked = self._font.getbbox(widest)[2]
        self.width = min(width - width % 2, (int(inked - left) + 2 * _PAD + 1) // 2 * 2)
        self.height = min(height - height % 2, (int(bottom - top) + 2 * _PAD + 1) // 2 * 2)
        self._at = (_PAD - int(left), _PAD - int(top))
        self.x = 0 if corner.endswith("left") else (width - self.width) // 2 * 2
        self.y = 0 if corner.startswith("top") else (height - self.height) // 2 * 2
        self._words = ""
        self._rows: list[bytes] = []
        del right

    def put(self, picture: av.VideoFrame, words: str) -> None:
        """Lay the words over a picture that is ours to write to."""
        if words != self._words or not self._rows:
            image = Image.new("L", (self.width, self.height), _BLACK)
            ImageDraw.Draw(image).text(self._at, words, fill=_WHITE, font=self._font)
            data = image.tobytes()
            self._rows = [data[begin : begin + self.width] for begin in range(0, len(data), self.width)]
            self._words = words
        plane = picture.planes[0]
        view, line = memoryview(plane), plane.line_size
        begin = self.y * line + self.x
        for row in self._rows:
            view[begin : begin + self.width] = row
            begin += line


def time_words(utc: Utc) -> str:
    """2026-05-01 12:00:00Z."""
    return datetime.fromtimestamp(utc // NS, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


class Painter:
    """Draws onto every picture; what it gives back is yuv420p and never the decoder's own memory when drawn upon."""

    def __init__(self, drawing: Drawing, *, width: int, height: int) -> None:
        self._drawing = drawing
        self._size = width - width % 2, height - height % 2
        self._graph: av.filter.Graph | None = None
        self._graph_for: tuple[int, int, str] | None = None
        self._stamp: Stamp | None = None
        if drawing.text or drawing.time:
            widest = self._words("8888-88-88 88:88:88Z")
            self._stamp = Stamp(widest, width=self._size[0], height=self._size[1], corner=drawing.corner)

    def _words(self, time: str) -> str:
        return "  ".join(part for part in (time if self._drawing.time else "", self._drawing.text) if part)

    def paint(self, picture: av.VideoFrame, utc: Utc) -> av.VideoFrame:
        """The picture as it may be seen."""
        width, height = self._size
        plain = picture.format.name == "yuv420p" and (picture.width, picture.height) == self._size
        if plain and not self._drawing.why:
            return picture
        shape = picture.width, picture.height, picture.format.name
        if self._graph is None or shape != self._graph_for:
            self._graph, self._graph_for = self._build(picture), shape
        picture.pts, picture.time_base = 0, Fraction(1, VIDEO_CLOCK)
        self._graph.push(picture)
        drawn = self._graph.pull()
        assert isinstance(drawn, av.VideoFrame)
        assert (drawn.width, drawn.height) == (width, height)
        if self._stamp is not None:
            self._stamp.put(drawn, self._words(time_words(utc)))
        return drawn

    def _build(self, picture: av.VideoFrame) -> av.filter.Graph:
        width, height = self._size
        steps: list[tuple[str, str]] = []
        if (picture.width, picture.height) != self._size:
            steps.append(("scale", f"{width}:{height}"))
        steps.append(("format", "yuv420p"))
        if self._drawing.adjusted:
            steps.append(("lutyuv", self._adjustment()))
        boxes = [even_box(zone, width, height) for zone in self._drawing.zones]
        if self._stamp is not None:
            # Black below the words; and a filter that draws gets pictures of its own, never the decoder's references.
            boxes.append((self._stamp.x, self._stamp.y, self._stamp.width, self._stamp.height))
        steps += [("drawbox", f"x={x}:y={y}:w={w}:h={h}:color=black:t=fill") for x, y, w, h in boxes]
        graph = av.filter.Graph()
        last = graph.add_buffer(
            width=picture.width, height=picture.height, format=picture.format, time_base=Fraction(1, VIDEO_CLOCK)
        )
        for name, arguments in (*steps, ("buffersink", "")):
            following = graph.add(name, arguments) if arguments else graph.add(name)
            last.link_to(following)
            last = following
        graph.configure()
        return graph

    def _adjustment(self) -> str:
        drawing = self._drawing
        factor = 2 ** ((drawing.contrast - NEUTRAL) / 25)
        shift = (drawing.brightness - NEUTRAL) * 2
        colour = drawing.saturation / NEUTRAL
        chroma = f"clip((val-128)*{colour:.3f}+128,16,240)"
        return f"y='clip((val-126)*{factor:.3f}+126+{shift},16,235)':u='{chroma}':v='{chroma}'"
