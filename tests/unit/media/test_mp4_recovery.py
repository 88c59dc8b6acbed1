"""A recorded file cut off at any byte, or with a spoilt tail, keeps every whole fragment and nothing else."""

import pytest

from camward.base.clock import NS, Utc
from camward.media.mp4.boxes import Mp4Error, box_at
from camward.media.mp4.fragments import parse_moof, rebase_fragment
from camward.media.mp4.origin import Origin
from camward.media.mp4.reader import Mp4File
from camward.media.mp4.recovery import recover, snapshot, whole_part
from camward.media.mp4.writer import SIZE_LIMIT, FragmentWriter
from camward.media.nal import join_length_prefixed
from camward.media.unit import AccessUnit, AudioFormat, Flags, StreamFormat, Track, VideoFormat

SPS = bytes.fromhex("67640028acd940780227e5c044000003000400000300c83c60c658")
FORM = StreamFormat(
    VideoFormat("h264", 1920, 1080, (SPS, bytes.fromhex("68ebe3cb22c0")), 25.0),
    AudioFormat("aac", 48000, 2, bytes.fromhex("1190")),
    metadata=True,
)
START = 1_760_000_000 * NS + 123_456_789
ORIGIN = Origin("camera-7", "recorder-ü", 3, 41, Utc(START), "stream2", bytes(range(16)))


def group(number: int) -> list[AccessUnit]:
    """A key picture, three more, two audio frames and a metadata sample, 4/25 s in all."""
    units = []
    for index in range(4):
        ticks = 900_000 + (number * 4 + index) * 3600
        kinds = (b"\x67sps", b"\x65\x88key") if index == 0 else (b"\x41\x9a" + b"p" * index,)
        key = Flags.NONE if index else Flags.KEY
        utc = Utc(START + (ticks - 900_000) * NS // 90_000)
        units.append(AccessUnit(Track.VIDEO, ticks, utc, join_length_prefixed(kinds), key))
    for index in range(2):
        ticks = 480_000 + (number * 2 + index) * 1024
        units.append(AccessUnit(Track.AUDIO, ticks, Utc(START), b"audio%d" % index, Flags.KEY))
    units.append(AccessUnit(Track.METADATA, 900_000 + number * 14_400, Utc(START), b"<xml/>", Flags.KEY))
    return units


def record(count: int = 3, *, before: bytes = b"") -> tuple[bytes, list[int]]:
    """A file of so many fragments, and where each ends."""
    writer = FragmentWriter(FORM, ORIGIN)
    data, ends, duration = bytearray(writer.header()), [], 0
    assert len(data) % 512 == 0
    for number in range(count):
        following = {Track.VIDEO: 900_000 + (number + 1) * 14_400, Track.AUDIO: 480_000 + (number + 1) * 2048}
        fragment = writer.fragment(group(number), next_ticks=following, before=before)
        made = b"".join(fragment.chunks)
        assert len(made) == fragment.size
        assert made[fragment.moof_offset + 4 :][:4] == b"moof"
        assert made[fragment.keys[0].offset :].startswith(group(number)[0].data)
        assert fragment.first_utc == group(number)[0].utc and fragment.last_utc == group(number)[3].utc
        assert (fragment.start, fragment.duration) == (number * 14_400, 14_400)
        data += made
        ends.append(len(data))
        duration += fragment.duration
    offset, patch = writer.reference(ends[-1] - len(writer.header()), duration)
    assert offset // 512 == (offset + 7) // 512
    data[offset : offset + 8] = patch
    return bytes(data), ends


def test_what_was_written_is_read():
    data, ends = record(before=b"\0\0\0\x1cuuid" + bytes(20))
    file = Mp4File.scan(data)
    assert file.origin == ORIGIN
    assert [track.form for track in file.tracks] == [FORM.video, FORM.audio, None]
    assert [track.entry for track in file.tracks] == ["avc3", "mp4a", "metx"]
    assert [fragment.end for fragment in file.fragments] == ends
    assert [fragment.utc for fragment in file.fragments] == [group(n)[0].utc for n in range(3)]
    assert [file.read(sample) for sample in file.samples()] == [unit.data for n in range(3) for unit in group(n)]
    video = [sample for sample in file.samples() if sample.track_id == 1]
    assert [sample.presented for sample in video] == [3600 * n for n in range(12)]
    assert {sample.duration for sample in video} == {3600}
    assert [sample.key for sample in video] == [n % 4 == 0 for n in range(12)]
    assert data.startswith(file.init_segment())


def test_every_prefix_keeps_the_whole_fragments():
    data, ends = record(before=b"\0\0\0\x1cuuid" + bytes(20))
    for length in range(len(data) + 1):
        kept = whole_part(data[:length])
        whole = [end for end in ends if end <= length]
        assert len(kept.fragments) == len(whole)
        assert kept.size == (whole[-1] if whole else 0)
        assert kept.cut == length - kept.size
        assert kept.empty is not bool(whole)
        if whole:
            assert kept.origin == ORIGIN
            assert kept.duration == 14_400 * len(whole)


@pytest.mark.parametrize("tail", [bytes(700), b"\xff" * 700, b"\0\0\0\x10mdatgarbage!", b"\0\0\2\xbcfree" + bytes(692)])
def test_a_spoilt_tail_is_cut(tmp_path, tail):
    data, _ = record()
    path = tmp_path / "file.mp4"
    path.write_bytes(data + tail)
    kept = recover(path)
    assert (kept.size, kept.cut) == (len(data), len(tail))
    assert path.read_bytes() == data


@pytest.mark.parametrize("spoil", ["zeros", "old"])
def test_a_fragment_whose_media_never_reached_the_disk_is_cut(spoil):
    data, ends = record()
    last = Mp4File.scan(data).fragments[-1]
    media = bytes(last.mdat.end - last.mdat.body) if spoil == "zeros" else b"old sector " * 100
    spoilt = data[: last.mdat.body] + media[: last.mdat.end - last.mdat.body]
    assert len(spoilt) == len(data)
    assert whole_part(spoilt).size == ends[1]


@pytest.mark.parametrize("where", ["middle", "end"])
def test_a_fragment_with_a_sector_that_never_reached_the_disk_is_cut(where):
    writer = FragmentWriter(StreamFormat(FORM.video), ORIGIN)
    data = bytearray(writer.header())
    for number in range(2):
        nal = b"\x65" + bytes(range(1, 256)) * 40
        unit = AccessUnit(Track.VIDEO, number * 90_000, Utc(START), join_length_prefixed([nal]), Flags.KEY)
        data += b"".join(writer.fragment([unit]).chunks)
    first, second = Mp4File.scan(bytes(data)).fragments
    assert whole_part(bytes(data)).size == second.end
    if where == "middle":
        hole = slice(second.end - 8192 & -512, (second.end - 8192 & -512) + 512)
    else:
        hole = slice(second.end & -512, second.end)
    data[hole] = bytes(hole.stop - hole.start)
    assert whole_part(bytes(data)).size == first.end


def test_a_fragment_of_an_older_file_behind_the_end_is_cut():
    data, ends = record()
    older, _ = record(2)
    assert whole_part(data + older[-(len(older) - ends[0]) :]).size == len(data)


def test_recovery_puts_a_stale_index_right_and_is_repeatable(tmp_path):
    data, ends = record()
    path = tmp_path / "file.mp4"
    for length in (ends[0], ends[1] - 1, ends[2] - 7, ends[2]):
        path.write_bytes(data[:length])
        kept = recover(path)
        once = path.read_bytes()
        offset, patch = kept.patch
        assert once[offset : offset + 8] == patch
        assert int.from_bytes(patch[:4], "big") == kept.size - (offset + 12)
        assert recover(path).cut == 0
        assert path.read_bytes() == once == snapshot(data[:length])


def test_a_file_without_a_whole_fragment_is_empty_and_untouched(tmp_path):
    data, ends = record()
    path = tmp_path / "file.mp4"
    for length in (0, 7, 700, ends[0] - 1):
        path.write_bytes(data[:length])
        assert recover(path).empty
        assert path.read_bytes() == data[:length]
    with pytest.raises(Mp4Error):
        snapshot(data[: ends[0] - 1])


def test_rebased_fragments_keep_all_but_number_and_times():
    data, _ = record()
    moof = Mp4File.scan(data).fragments[1].moof
    before = data[moof.start : moof.end]
    after = rebase_fragment(before, sequence=9, decode_times={1: 1 << 40, 2: 5})
    assert len(after) == len(before)
    whole = after + bytes(1000)
    head = parse_moof(whole, box_at(whole, 0, len(after)))
    assert head.sequence == 9
    assert {run.track_id: run.decode_time for run in head.runs} == {1: 1 << 40, 2: 5, 3: 14_400}
    with pytest.raises(Mp4Error):
        rebase_fragment(b"\0\0\0\x08mdat", sequence=1, decode_times={})


def test_limits_of_the_writer():
    writer = FragmentWriter(StreamFormat(FORM.video), ORIGIN)
    with pytest.raises(Mp4Error):
        writer.fragment([])
    with pytest.raises(Mp4Error):
        writer.fragment(group(0))
    with pytest.raises(Mp4Error):
        writer.reference(SIZE_LIMIT + 1, 0)
    with pytest.raises(Mp4Error):
        Origin("c" * 257, "r", 0, 0, Utc(0)).to_box()
    with pytest.raises(Mp4Error):
        Origin("c", "r", 0, 0, Utc(0), key_id=b"short").to_box()
