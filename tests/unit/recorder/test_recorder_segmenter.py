"""Where files and fragments are cut, and that nothing of the stream is lost or changed by it."""

from dataclasses import replace
from itertools import pairwise

import pytest

from camward.base.clock import NS
from camward.media.mp4.boxes import uuid_box
from camward.media.mp4.reader import Mp4File
from camward.media.unit import Flags, StreamFormat, Track, VideoFormat

START = 1_760_000_000 * NS


def stored(kept) -> list[Mp4File]:
    return [Mp4File.scan(kept.bytes_of(path)) for path in kept.files]


def media(files, track=Track.VIDEO) -> list[bytes]:
    return [file.read(one) for file in files for one in file.samples() if one.track_id == track + 1]


def lengths(file) -> list[float]:
    """From the first picture of each fragment to its last, seconds."""
    found = []
    for fragment in file.fragments:
        shown = [one.presented for one in fragment.samples() if one.track_id == 1]
        found.append((max(shown) - min(shown)) / 90_000)
    return found


def test_files_of_a_minute_are_cut_at_key_pictures_and_hold_every_byte(kept, cutter, pictures, sound_form):
    units = list(pictures(150, sound=True))
    cutter(kept).feed(units, form=sound_form)
    files = stored(kept)
    assert [len(file.fragments) for file in files] == [30, 30, 15]
    assert media(files) == [unit.data for unit in units if unit.track is Track.VIDEO]
    heard = [unit.data for unit in units if unit.track is Track.AUDIO]
    assert media(files, Track.AUDIO) == heard[-len(media(files, Track.AUDIO)) :]
    assert len(heard) - len(media(files, Track.AUDIO)) <= 1  # what came before the first key picture
    assert all(fragment.samples()[0].key for file in files for fragment in file.fragments)
    assert kept.finished == list(kept.files)


def test_names_and_origins_say_who_when_and_in_which_order(kept, cutter, pictures):
    cutter(kept, camera="yard", epoch=7).feed(pictures(130))
    assert list(kept.files) == [
        "yard/2025-10-09/08/20251009T085320.000Z-000001.mp4",
        "yard/2025-10-09/08/20251009T085420.000Z-000002.mp4",
        "yard/2025-10-09/08/20251009T085520.000Z-000003.mp4",
    ]
    origins = [file.origin for file in stored(kept)]
    assert [(one.camera_id, one.recorder_id, one.epoch, one.stream) for one in origins] == [
        ("yard", "R1", 7, "stream1")
    ] * 3
    assert [one.sequence for one in origins] == [1, 2, 3]
    assert [one.first_utc for one in origins] == [START + n * 60 * NS for n in range(3)]


def test_stream_2_has_a_name_of_its_own(kept, cutter, pictures):
    cutter(kept, stream="stream2").feed(pictures(4))
    assert [path.rpartition("/")[2] for path in kept.files] == ["20251009T085320.000Z-000001-s2.mp4"]


@pytest.mark.parametrize("gop", [0.04, 0.4, 0.52, 1.0, 1.48, 2.0, 2.52, 4.0, 10.0])
def test_fragments_are_two_seconds_at_most_whatever_the_gop(kept, cutter, pictures, gop):
    units = list(pictures(40, gop=gop))
    cutter(kept).feed(units)
    files = stored(kept)
    assert media(files) == [unit.data for unit in units]
    assert max(length for file in files for length in lengths(file)) < 2.0
    assert sum(len(file.fragments) for file in files) <= 40 / min(1.0, gop) + 1
    for file in files:
        for fragment in file.fragments:
            marks = [one.key for one in fragment.samples()]
            assert marks[0] or True not in marks  # decoding starts at a fragment's first picture, or not in it


def test_a_boundary_cuts_the_file(kept, cutter, pictures):
    units = [
        replace(unit, flags=unit.flags | Flags.BOUNDARY) if number == 250 else unit
        for number, unit in enumerate(pictures(20))
    ]
    cutter(kept).feed(units)
    assert [len(file.fragments) for file in stored(kept)] == [5, 5]
    assert media(stored(kept)) == [unit.data for unit in units]


def test_a_new_format_begins_a_new_file(kept, cutter, pictures, video_form):
    one = cutter(kept)
    one.feed(pictures(6), end=False)
    small = VideoFormat("h264", 640, 480, video_form.video.parameter_sets, 25.0)
    one.feed(pictures(6, start=900_000 + 6 * 90_000, utc=START + 6 * NS), form=StreamFormat(small))
    assert [file.tracks[0].form.width for file in stored(kept)] == [1920, 1920]  # as the parameter sets say
    assert [len(file.fragments) for file in stored(kept)] == [3, 3]


def test_the_same_format_again_does_not(kept, cutter, pictures):
    one = cutter(kept)
    one.feed(pictures(6), end=False)
    one.feed(pictures(6, start=900_000 + 6 * 90_000, utc=START + 6 * NS))
    assert [len(file.fragments) for file in stored(kept)] == [6]


def test_a_gap_in_the_pictures_begins_a_new_file(kept, cutter, pictures):
    one = cutter(kept)
    one.feed(pictures(6), end=False)
    one.feed(pictures(6, start=900_000 + 10 * 90_000, utc=START + 10 * NS))
    assert [file.origin.first_utc - START for file in stored(kept)] == [0, 10 * NS]


def test_a_slow_camera_has_no_gaps(kept, cutter, pictures):
    units = [replace(unit, ticks=unit.ticks * 50, utc=START + (unit.ticks - 900_000) * 50 * NS // 90_000)
             for unit in pictures(1.2, gop=0.4)]  # fmt: skip
    cutter(kept).feed(units)
    assert len(kept.files) == 1
    assert media(stored(kept)) == [unit.data for unit in units]


@pytest.mark.parametrize("jump", [-3600.0, -10.0, 10.0, 86_400.0])
def test_a_clock_that_is_set_begins_a_new_file_and_spans_stay_sensible(kept, cutter, pictures, jump):
    units = [
        replace(unit, utc=unit.utc + round(jump * NS)) if number >= 225 else unit
        for number, unit in enumerate(pictures(20))
    ]
    one = cutter(kept)
    one.feed(units)
    first, second = stored(kept)
    assert one.jumps == [pytest.approx(jump, abs=0.01)]
    assert media([first, second]) == [unit.data for unit in units]
    times = [fragment.utc for fragment in first.fragments]
    assert times == [START + n * 2 * NS for n in range(len(times))]  # told by the ticks until the jump is believed
    assert second.origin.first_utc == START + len(times) * 2 * NS + round(jump * NS)
    assert second.origin.sequence == first.origin.sequence + 1


def test_a_burst_after_a_stall_is_no_jump(kept, cutter, pictures):
    """Times of arrival lag while the network stalls; the pictures' own ticks go on."""
    units = []
    for number, unit in enumerate(pictures(30)):
        late = 4.0 if 300 <= number < 340 else 0.0
        units.append(replace(unit, utc=unit.utc + round(late * NS)))
    one = cutter(kept)
    one.feed(units)
    assert one.jumps == [] and len(kept.files) == 1
    [file] = stored(kept)
    assert all(abs((b.utc - a.utc) / NS - 2) < 0.3 for a, b in pairwise(file.fragments))


def test_pictures_before_the_first_key_picture_are_left_out(kept, cutter, pictures):
    cutter(kept).feed(list(pictures(6))[20:])
    assert [len(file.fragments) for file in stored(kept)] == [2]
    assert stored(kept)[0].fragments[0].samples()[0].key


def test_what_is_held_is_written_when_the_stream_is_lost(kept, cutter, pictures):
    one = cutter(kept)
    units = list(pictures(3.2))
    one.feed(units)
    assert media(stored(kept)) == [unit.data for unit in units]
    one.feed(pictures(2, start=0, utc=START + 9 * NS))
    assert len(kept.files) == 2


def test_b_pictures_stay_with_theirs_in_a_long_group(kept, cutter, pictures):
    """Decoding order I P B B P B B: a forced cut comes ahead of a P, never between a P and its B pictures."""
    shown = list(pictures(10, gop=10))
    order = [shown[0]]
    for index in range(1, len(shown) - 2, 3):
        order += [shown[index + 2], shown[index], shown[index + 1]]
    cutter(kept).feed(order)
    [file] = stored(kept)
    assert media([file]) == [unit.data for unit in order]
    ends = [max(one.presented for one in fragment.samples()) for fragment in file.fragments]
    starts = [min(one.presented for one in fragment.samples()) for fragment in file.fragments]
    assert all(end < start for end, start in zip(ends, starts[1:], strict=False))
    assert len(file.fragments) == 5 and max(lengths(file)) <= 2.0


def test_the_box_ahead_of_a_fragment_is_kept(kept, cutter, pictures):
    box = uuid_box(bytes(range(16)), b"countersignature")
    cutter(kept, before=lambda units: box).feed(pictures(6))
    [path] = kept.files
    [file] = stored(kept)
    assert kept.bytes_of(path).count(box) == 3
    assert all(kept.bytes_of(path)[one.start :].startswith(box) for one in file.fragments)


def test_a_disk_that_takes_nothing_costs_only_what_came_meanwhile(kept, cutter, pictures):
    one = cutter(kept)
    units = list(pictures(20))
    one.feed(units[:100], end=False)
    kept.accept = kept.open = False
    one.feed(units[100:260], end=False)
    assert one.segmenter.segment is None
    kept.accept = kept.open = True
    one.feed(units[260:])
    first, second = stored(kept)
    assert media([first]) == [unit.data for unit in units[:50]]  # the second fragment came when the disk stopped
    assert media([second]) == [unit.data for unit in units[300:]]


def test_a_segment_that_the_volume_gave_up_is_continued_by_a_new_one(kept, cutter, pictures):
    one = cutter(kept)
    units = list(pictures(12))
    one.feed(units[:120], end=False)
    one.segmenter.segment.failed = True
    one.feed(units[120:])
    assert [file.origin.first_utc - START for file in stored(kept)] == [0, 6 * NS]


def test_sound_does_not_wait_for_pictures_for_ever(kept, cutter, pictures, sound_form):
    units = list(pictures(12, sound=True))
    only_sound = [unit for unit in units if unit.track is Track.AUDIO or unit.utc < START + 2 * NS]
    one = cutter(kept)
    one.feed(only_sound, form=sound_form, end=False)
    assert len(next(iter(kept.fragments.values()))) >= 3
    one.segmenter.end()
    assert media(stored(kept), Track.AUDIO) == [unit.data for unit in units if unit.track is Track.AUDIO][1:]


def test_a_format_that_cannot_be_written_is_refused_quietly(kept, cutter, pictures):
    cutter(kept).feed(pictures(4), form=StreamFormat(VideoFormat("h264", 1, 1, (b"\x67", b"\x68"))))
    assert kept.files == {}


def test_a_stream_without_key_pictures_ends_its_file(kept, cutter, pictures):
    units = list(pictures(30, gop=30))
    cutter(kept, longest=10.0).feed(units)
    [file] = stored(kept)
    assert 10.0 <= sum(lengths(file)) < 13.0
