"""Drawing touches what it must, all of it, and nothing else; never the decoder's own pictures."""

import random

import av
import pytest

from camward.base.clock import Utc
from camward.camera.orders import Coding, Drawing
from camward.camera.worker.drawing import Painter, Stamp, even_box, time_words
from camward.camera.worker.encoder import Encoder
from camward.camera.worker.studio import small_size
from camward.media import h264
from camward.media.nal import iter_length_prefixed


def grey(width: int, height: int, value: int = 100, form: str = "yuv420p") -> av.VideoFrame:
    frame = av.VideoFrame(width, height, form)
    for plane in frame.planes:
        plane.update(bytes((value,)) * plane.buffer_size)
    return frame


def rows(picture: av.VideoFrame, index: int = 0) -> list[bytes]:
    plane = picture.planes[index]
    data, line = bytes(plane), plane.line_size
    return [data[begin : begin + plane.width] for begin in range(0, line * plane.height, line)]


def test_zones_cover_every_pixel_that_they_touch():
    chance = random.Random(5)
    for _ in range(500):
        width, height = chance.randrange(16, 4000, 2), chance.randrange(16, 3000, 2)
        left, top = chance.uniform(0, 99), chance.uniform(0, 99)
        wide, high = chance.uniform(0.1, 100 - left), chance.uniform(0.1, 100 - top)
        x, y, w, h = even_box((left, top, wide, high), width, height)
        assert x % 2 == y % 2 == w % 2 == h % 2 == 0
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height and w >= 2 and h >= 2
        assert x <= left * width / 100 and x + w >= (left + wide) * width / 100 - 0.11
        assert y <= top * height / 100 and y + h >= (top + high) * height / 100 - 0.11
    assert even_box((0, 0, 100, 100), 768, 576) == (0, 0, 768, 576)
    assert even_box((25, 25, 25, 25), 768, 576) == (192, 144, 192, 144)


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p", "yuvj420p", "nv12"])
def test_a_zone_is_black_and_the_original_untouched(form):
    picture = grey(320, 240, form=form)
    before = [bytes(plane) for plane in picture.planes]
    drawn = Painter(Drawing(zones=((50.0, 50.0, 25.0, 25.0),)), width=320, height=240).paint(picture, Utc(0))
    assert [bytes(plane) for plane in picture.planes] == before
    assert drawn.format.name == "yuv420p"
    for y, row in enumerate(rows(drawn)):
        inside = row[160:240]
        if 120 <= y < 180:
            assert set(inside) == {16}
            assert 16 not in row[:160] + row[240:]
        else:
            assert 16 not in row
    for index in (1, 2):
        assert {value for row in rows(drawn, index)[60:90] for value in row[80:120]} == {128}


def test_nothing_to_draw_gives_the_same_picture():
    picture = grey(320, 240)
    assert Painter(Drawing(), width=320, height=240).paint(picture, Utc(0)) is picture


def test_odd_sizes_become_even():
    drawn = Painter(Drawing(text="x"), width=161, height=121).paint(grey(161, 121), Utc(0))
    assert (drawn.width, drawn.height) == (160, 120)


@pytest.mark.parametrize("corner", ["top-left", "top-right", "bottom-left", "bottom-right"])
def test_words_stand_in_their_corner(corner):
    drawn = Painter(Drawing(text="GATE", corner=corner), width=640, height=480).paint(grey(640, 480), Utc(0))
    white = [(x, y) for y, row in enumerate(rows(drawn)) for x, value in enumerate(row) if value > 200]
    assert len(white) > 30
    assert all((x < 320) == corner.endswith("left") and (y < 240) == corner.startswith("top") for x, y in white)


def test_words_wider_than_the_picture_are_cut_off():
    drawn = Painter(Drawing(text="W" * 60, time=True), width=160, height=90).paint(grey(160, 90), Utc(0))
    assert (drawn.width, drawn.height) == (160, 90)


def test_a_stamp_changes_with_its_words():
    stamp, picture = Stamp("88:88", width=320, height=240), grey(320, 240)
    stamp.put(picture, "12:00")
    first = rows(picture)
    stamp.put(picture, "12:01")
    assert rows(picture) != first
    stamp.put(picture, "12:00")
    assert rows(picture) == first


def test_time_is_utc():
    assert time_words(Utc(1_760_000_000_999_999_999)) == "2025-10-09 08:53:20Z"


def test_small_sizes_keep_the_shape():
    assert small_size(1920, 1080, 640) == (640, 360)
    assert small_size(768, 576, 640) == (640, 480)
    assert small_size(320, 240, 640) == (320, 240)
    assert small_size(1080, 1920, 640) == (640, 1138)


def test_the_encoder_cuts_groups_by_time_and_obeys_the_rate():
    encoder = Encoder(320, 240, coding=Coding(300, frame_rate=10, key_seconds=1.0), source_rate=25)
    taken = []
    for number in range(100):
        ticks = 1_000_000 + number * 3600
        if encoder.wants(ticks):
            unit = encoder.encode(grey(320, 240, 50 + number), ticks, Utc(ticks))
            assert unit is not None and unit.ticks == ticks
            taken.append(unit)
    assert 38 <= len(taken) <= 41
    keys = [unit for unit in taken if unit.key]
    assert taken[0].key
    assert [round((unit.ticks - 1_000_000) / 90_000, 1) for unit in keys] == [0.0, 1.0, 2.0, 3.0, 4.0]
    for unit in taken:
        kinds = [h264.nal_type(nal) for nal in iter_length_prefixed(unit.data)]
        assert (h264.SPS in kinds) == (h264.PPS in kinds) == unit.key
        assert sum(kind in (h264.SLICE, h264.IDR) for kind in kinds) == 1
    encoder.ask_key()
    unit = encoder.encode(grey(320, 240), 2_000_000, Utc(0))
    assert unit is not None and unit.key
