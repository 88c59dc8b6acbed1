"""What goes and what stays: days, space of a camera, space of the disk, pins."""

import pytest

from camward.base.clock import NS, Utc
from camward.media.mp4.origin import Origin
from camward.recorder.files import Space
from camward.recorder.index import IndexReader, IndexWriter
from camward.recorder.pins import PinBook
from camward.recorder.retention import DAY, Keeping, due
from camward.recorder.segment import SegmentRow, segment_path

NOW = Utc(1_760_000_000 * NS)
PLENTY = Space(1000, 500)
SIZE = 100


@pytest.fixture
def shelf(tmp_path, clock):
    """Two cameras with a file of 100 bytes every day for 40 days, the last one still growing."""
    writer = IndexWriter(tmp_path / "index.sqlite", clock=clock)
    for camera in ("front", "yard"):
        for age in range(40):
            origin = Origin(camera, "R1", 1, 40 - age, Utc(NOW - age * DAY - 60 * NS))
            row = SegmentRow(
                segment_path(origin), origin, Utc(NOW - age * DAY), SIZE, closed=age > 0, init=b"i", fragments=b""
            )
            writer.put([row])
    writer.flush()
    reader = IndexReader(tmp_path / "index.sqlite")
    yield reader
    reader.close()
    writer.close()


@pytest.fixture
def pins(tmp_path, clock):
    return PinBook(tmp_path / "pins.json", clock)


def ages(found, camera) -> list[int]:
    return sorted((NOW - one.end_utc) // DAY for one in found.files if one.camera_id == camera)


def ask(shelf, pins, *, now=NOW, keeping=None, usual=Keeping(100), space=PLENTY, reserve=0):
    return due(shelf, pins, now=now, keeping=keeping or {}, usual=usual, space=space, reserve=reserve)


def test_nothing_goes_without_a_reason(shelf, pins):
    assert ask(shelf, pins).files == ()


def test_by_days_of_each_camera(shelf, pins):
    found = ask(shelf, pins, keeping={"front": Keeping(30)}, usual=Keeping(35))
    assert ages(found, "front") == list(range(30, 40))
    assert ages(found, "yard") == list(range(35, 40))


def test_by_space_of_a_camera(shelf, pins):
    found = ask(shelf, pins, keeping={"front": Keeping(100, 25 * SIZE), "yard": Keeping(100, 10_000)})
    assert ages(found, "front") == list(range(25, 40))
    assert ages(found, "yard") == []


def test_days_and_space_together(shelf, pins):
    found = ask(shelf, pins, keeping={"front": Keeping(30, 25 * SIZE), "yard": Keeping(100)})
    assert ages(found, "front") == list(range(25, 40))


def test_by_the_space_of_the_disk_the_oldest_of_all_go(shelf, pins):
    found = ask(shelf, pins, space=Space(10_000, 50), reserve=550)
    assert sorted(ages(found, "front") + ages(found, "yard")) == [37, 38, 38, 39, 39]
    assert found.size == 500
    assert not found.only_pinned


def test_the_file_that_grows_never_goes(shelf, pins):
    found = ask(shelf, pins, space=Space(10_000, 0), reserve=1 << 40)
    assert len(found.files) == 78
    assert min(ages(found, "front") + ages(found, "yard")) == 1


async def test_pinned_ranges_never_go(shelf, pins):
    await pins.pin("front", Utc(NOW - 39 * DAY), Utc(NOW - 20 * DAY), reason="theft", by="anna")
    found = ask(shelf, pins, keeping={"front": Keeping(10)}, usual=Keeping(38), space=Space(10_000, 0), reserve=1 << 40)
    assert ages(found, "front") == [*range(1, 20), 39]
    assert ages(found, "yard") == list(range(1, 40))
    assert found.only_pinned


async def test_a_pin_touches_a_whole_file(shelf, pins):
    at = NOW - 30 * DAY
    await pins.pin("front", Utc(at - 30 * NS), Utc(at - 29 * NS), reason="", by="anna")
    assert 30 not in ages(ask(shelf, pins, usual=Keeping(5)), "front")
    assert 30 in ages(ask(shelf, pins, usual=Keeping(5)), "yard")


async def test_unpinned_goes_again(shelf, pins):
    pin = await pins.pin("front", Utc(0), NOW, reason="", by="anna")
    assert ages(ask(shelf, pins, usual=Keeping(5)), "front") == []
    await pins.unpin(pin.id)
    assert ages(ask(shelf, pins, usual=Keeping(5)), "front") == list(range(5, 40))


def test_a_clock_far_in_the_past_deletes_nothing(shelf, pins):
    assert ask(shelf, pins, now=Utc(0), usual=Keeping(1)).files == ()


async def test_a_long_pinned_range_does_not_hide_what_may_go(tmp_path, clock, pins):
    writer = IndexWriter(tmp_path / "big.sqlite", clock=clock)
    rows = []
    for number in range(1500):
        origin = Origin("front", "R1", 1, number, Utc(NOW - DAY + number * NS))
        end = Utc(origin.first_utc + NS)
        rows.append(SegmentRow(segment_path(origin), origin, end, SIZE, closed=True, init=b"i", fragments=b""))
    writer.put(rows)
    writer.flush()
    reader = IndexReader(tmp_path / "big.sqlite")
    await pins.pin("front", Utc(0), Utc(NOW - DAY + 1200 * NS), reason="long", by="anna")
    found = ask(reader, pins, space=Space(10_000, 0), reserve=2500)
    assert found.size == 2500 and not found.only_pinned
    assert min(one.first_utc for one in found.files) >= NOW - DAY + 1200 * NS
    reader.close()
    writer.close()
