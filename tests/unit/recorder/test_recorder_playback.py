"""A range as one stream of MP4: planned without opening files, on one timeline, with true capture times."""

from itertools import pairwise

import pytest

from camward.base.clock import NS, Utc
from camward.media.mp4.reader import Mp4File
from camward.media.unit import StreamFormat, Track, VideoFormat
from camward.recorder.errors import RecorderError
from camward.recorder.files import DiskFiles
from camward.recorder.index import IndexReader, IndexWriter
from camward.recorder.playback import plan
from camward.recorder.segment_store import SegmentStore

START = 1_760_000_000 * NS
MAIN = bytes.fromhex("674d401e965201405ff2a000000300200000065080")


@pytest.fixture
def shelf(root, direct, clock, tmp_path):
    """Takes recordings, and plans ranges of them."""

    class Shelf:
        def __init__(self) -> None:
            self.sink = direct(SegmentStore(root, DiskFiles()))
            self.writer = IndexWriter(tmp_path / "index.sqlite", clock=clock)
            self.reader = IndexReader(tmp_path / "index.sqlite")

        def plan(self, begin: float, end: float, **how):
            self.writer.put(list(self.sink.acknowledged.values()))
            assert self.writer.flush()
            times = {"from_utc": START + round(begin * NS), "to_utc": START + round(end * NS)}
            return plan(self.reader, root, camera="front", stream="stream1", **times, **how)

    found = Shelf()
    yield found
    found.reader.close()
    found.writer.close()


def read(media) -> Mp4File:
    data = b"".join(media.read())
    assert len(data) == media.size
    return Mp4File.scan(data)


def seen(file: Mp4File, track=Track.VIDEO) -> list[bytes]:
    return [file.read(one) for one in file.samples() if one.track_id == track + 1]


def check_times(file: Mp4File) -> None:
    """Decode times rise on each track; numbers count up; capture times fit the pictures' times."""
    assert [one.head.sequence for one in file.fragments] == list(range(1, len(file.fragments) + 1))
    for track in {one.track_id for one in file.samples()}:
        samples = [one for one in file.samples() if one.track_id == track]
        assert all(a.decode_time + a.duration <= b.decode_time + 1 for a, b in pairwise(samples))
    for fragment in file.fragments:
        first = next(one for one in fragment.samples() if one.track_id == fragment.time.track_id)
        assert fragment.time.media_time == first.decode_time


def test_a_range_begins_at_the_key_picture_before_it(shelf, cutter, pictures):
    units = list(pictures(150))
    cutter(shelf.sink).feed(units)
    media = shelf.plan(33.7, 71.0)
    file = read(media)
    assert seen(file) == [unit.data for unit in units[32 * 25 : 72 * 25]]
    assert file.fragments[0].utc == media.first_utc == START + 32 * NS
    assert media.end_utc == START + 72 * NS
    assert media.codecs == "avc3.640028"
    assert file.samples().__next__().decode_time == 0
    check_times(file)
    video = [one for one in file.samples() if one.track_id == 1]
    assert [one.presented for one in video] == [3600 * n for n in range(len(video))]  # over the border of two files


def test_sound_stays_with_the_picture_over_the_border_of_files(shelf, cutter, pictures, sound_form):
    units = list(pictures(20, sound=True))
    cutter(shelf.sink, segment=6.0).feed(units, form=sound_form)
    file = read(shelf.plan(0, 20))
    check_times(file)
    heard = [unit.data for unit in units if unit.track is Track.AUDIO][1:]
    assert seen(file, Track.AUDIO) == heard
    for one, unit in zip(
        (one for one in file.samples() if one.track_id == 2),
        (unit for unit in units if unit.track is Track.AUDIO and unit.data in set(heard)),
        strict=True,
    ):
        assert abs(one.presented / 48_000 - (unit.ticks / 48_000 - 10)) < 0.001


def test_a_long_group_begins_where_decoding_can_start(shelf, cutter, pictures):
    units = list(pictures(40, gop=10))
    cutter(shelf.sink).feed(units)
    file = read(shelf.plan(27.5, 28.0))
    assert seen(file) == [unit.data for unit in units[20 * 25 : 28 * 25]]
    assert file.fragments[0].samples()[0].key


def test_a_gap_stays_as_long_as_it_was(shelf, cutter, pictures):
    one = cutter(shelf.sink)
    one.feed(pictures(10))
    one.feed(pictures(10, start=0, utc=START + 100 * NS, seed=5000))
    file = read(shelf.plan(0, 200))
    check_times(file)
    starts = [one.samples()[0].presented / 90_000 for one in file.fragments]
    assert starts == pytest.approx([0, 2, 4, 6, 8, 100, 102, 104, 106, 108])
    assert [(one.utc - START) / NS for one in file.fragments] == starts


def test_files_that_overlap_after_a_clock_was_set_back_all_come(shelf, cutter, pictures):
    one = cutter(shelf.sink)
    one.feed(pictures(10))
    one.feed(pictures(10, start=0, utc=START + 4 * NS, seed=5000))
    file = read(shelf.plan(0, 200))
    check_times(file)
    assert len(seen(file)) == 500


def test_a_range_with_nothing_in_it(shelf, cutter, pictures):
    cutter(shelf.sink).feed(pictures(10))
    media = shelf.plan(11, 20)
    assert (media.size, list(media.read())) == (0, [])
    assert shelf.plan(-20, 0).size == 0
    assert shelf.plan(-20, 0.5).size > 0


def test_what_is_being_recorded_can_be_read_up_to_the_last_acknowledgement(shelf, cutter, pictures):
    one = cutter(shelf.sink)
    units = list(pictures(60))
    one.feed(units[:333], end=False)
    assert seen(read(shelf.plan(4, 60))) == [unit.data for unit in units[100:300]]
    one.feed(units[333:])
    assert seen(read(shelf.plan(4, 60))) == [unit.data for unit in units[100:]]


def test_where_the_format_changes_a_new_init_follows_or_the_file_ends(shelf, cutter, pictures, video_form, sound_form):
    one = cutter(shelf.sink)
    one.feed(pictures(10))
    one.feed(pictures(10, start=0, utc=START + 10 * NS), form=StreamFormat(VideoFormat("h264", 320, 240, (MAIN, video_form.video.parameter_sets[1]))))  # fmt: skip  # noqa: E501
    one.feed(pictures(10, start=0, utc=START + 20 * NS, sound=True), form=sound_form)
    media = shelf.plan(0, 30)
    data = b"".join(media.read())
    assert len(data) == media.size and data.count(b"moov") == 3
    kept = shelf.plan(0, 30, one_init=True)
    assert not kept.complete
    assert kept.end_utc == START + 20 * NS  # another size is fine, its parameter sets are in band; a new track is not
    assert b"".join(kept.read()).count(b"moov") == 1
    assert len(seen(read(kept))) == 500
    assert shelf.plan(0, 19, one_init=True).complete


async def test_it_is_read_in_pieces_off_the_loop(shelf, cutter, pictures):
    cutter(shelf.sink).feed(pictures(10, size=120_000))
    media = shelf.plan(0, 10)
    pieces = [piece async for piece in media.chunks()]
    assert b"".join(pieces) == b"".join(media.read())
    assert max(map(len, pieces)) <= 1 << 20
    assert len(pieces) > 20


async def test_a_reader_that_goes_away_leaves_nothing_open(shelf, cutter, pictures):
    cutter(shelf.sink).feed(pictures(10, size=120_000))
    chunks = shelf.plan(0, 10).chunks()
    await anext(chunks)
    await chunks.aclose()


async def test_a_file_that_retention_took_is_told(shelf, cutter, pictures, root):
    cutter(shelf.sink).feed(pictures(10))
    media = shelf.plan(0, 10)
    for path in root.rglob("*.mp4"):
        path.unlink()
    with pytest.raises(RecorderError, match="can't be read"):
        async for _ in media.chunks():
            pass


def test_a_file_that_is_shorter_than_the_index_says_is_told(shelf, cutter, pictures, root):
    cutter(shelf.sink).feed(pictures(10))
    media = shelf.plan(0, 10)
    for path in root.rglob("*.mp4"):
        path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(RecorderError, match="can't be read"):
        list(media.read())


def test_an_hour_opens_at_once(shelf, cutter, pictures):
    """From the index alone; the bound is loose, for machines that are busy."""
    import time

    cutter(shelf.sink).feed(pictures(3600, rate=2, size=60))
    shelf.plan(0, 1)
    began = time.perf_counter()
    media = shelf.plan(1800, 3600)
    first = next(media.read())
    assert first and time.perf_counter() - began < 0.1
    assert media.end_utc == Utc(START + 3600 * NS)
