"""What is written is read back; a cut at any byte keeps the whole fragments; any other bytes are an `Mp4Error`."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camward.base.clock import NS, Utc
from camward.media.mp4.boxes import Mp4Error
from camward.media.mp4.fragments import rebase_fragment
from camward.media.mp4.origin import LIMIT, Origin
from camward.media.mp4.reader import Mp4File
from camward.media.mp4.recovery import snapshot, whole_part
from camward.media.mp4.writer import FragmentWriter
from camward.media.nal import join_length_prefixed
from camward.media.unit import AccessUnit, AudioFormat, Flags, StreamFormat, Track, VideoFormat

SETS = (bytes.fromhex("67640028acd940780227e5c044000003000400000300c83c60c658"), bytes.fromhex("68ebe3cb22c0"))
FORM = StreamFormat(VideoFormat("h264", 1920, 1080, SETS, 25.0), AudioFormat("aac", 48_000, 2, bytes.fromhex("1190")))
START = 1_760_000_000 * NS
ORIGIN = Origin("front", "R1", 2, 7, Utc(START))

texts = st.text(max_size=20)
numbers = st.integers(0, LIMIT - 1)
pictures = st.tuples(st.integers(1, 200_000), st.booleans(), st.binary(min_size=1, max_size=40))
sounds = st.binary(min_size=1, max_size=30)
groups = st.lists(
    st.tuples(st.lists(pictures, min_size=1, max_size=6), st.lists(sounds, max_size=4)), min_size=1, max_size=5
)


def write(made: list) -> tuple[bytes, list[list[AccessUnit]], list[int]]:
    """A file of these groups of pictures and sounds, its units, and where each fragment ends."""
    writer = FragmentWriter(FORM, ORIGIN)
    data, fragments, ends = bytearray(writer.header()), [], []
    ticks, heard, duration = 900_000, 480_000, 0
    for shown, tones in made:
        units = []
        for step, key, body in shown:
            flags = Flags.KEY if key else Flags.NONE
            data_ = join_length_prefixed([b"\x65" + body])
            utc = Utc(START + (ticks - 900_000) * NS // 90_000)
            units.append(AccessUnit(Track.VIDEO, ticks, utc, data_, flags))
            ticks += step
        for tone in tones:
            units.append(AccessUnit(Track.AUDIO, heard, Utc(START), tone, Flags.KEY))
            heard += 1024
        fragment = writer.fragment(units, next_ticks={Track.VIDEO: ticks})
        data += b"".join(fragment.chunks)
        duration += fragment.duration
        fragments.append(units)
        ends.append(len(data))
    offset, patch = writer.reference(len(data) - len(writer.header()), duration)
    data[offset : offset + 8] = patch
    return bytes(data), fragments, ends


@given(groups)
def test_every_unit_comes_back_with_its_time(made: list) -> None:
    data, fragments, ends = write(made)
    file = Mp4File.scan(data)
    assert file.origin == ORIGIN
    assert [fragment.end for fragment in file.fragments] == ends
    for track in (Track.VIDEO, Track.AUDIO):
        wanted = [unit for units in fragments for unit in units if unit.track is track]
        got = [sample for sample in file.samples() if sample.track_id == track + 1]
        assert [file.read(sample) for sample in got] == [unit.data for unit in wanted]
        assert [sample.key for sample in got] == [unit.key for unit in wanted]
        assert len({sample.presented - unit.ticks for sample, unit in zip(got, wanted, strict=True)}) <= 1
        assert all(a.decode_time < b.decode_time for a, b in pairwise(got))
    for fragment, units in zip(file.fragments, fragments, strict=True):
        assert fragment.utc == units[0].utc


@given(groups, st.data())
def test_a_cut_at_any_byte_keeps_the_whole_fragments(made: list, chosen: st.DataObject) -> None:
    data, _, ends = write(made)
    cut = chosen.draw(st.integers(0, len(data)))
    whole = [end for end in ends if end <= cut]
    kept = whole_part(data[:cut])
    assert (kept.size, kept.cut) == ((whole or [0])[-1], cut - (whole or [0])[-1])
    assert [fragment.end for fragment in kept.fragments] == whole
    if whole:
        assert Mp4File.scan(snapshot(data[:cut])).fragments == kept.fragments
    # Old sectors and zeros behind it take nothing away.
    tail = chosen.draw(st.sampled_from([bytes(700), b"\xff" * 50, data[:300]]))
    assert whole_part(data[:cut] + tail).fragments[: len(whole)] == kept.fragments


@given(groups, st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(max_size=8)), min_size=1, max_size=4))
def test_damage_is_an_error_or_unseen_and_never_more(made: list, damage: list) -> None:
    spoilt = bytearray(write(made)[0])
    for at, patch in damage:
        at %= len(spoilt)
        spoilt[at : at + len(patch)] = patch
    data = bytes(spoilt)
    try:
        file = Mp4File.scan(data)
        for sample in file.samples():
            file.read(sample)
    except Mp4Error:
        pass
    kept = whole_part(data)
    assert kept.size + kept.cut == len(data)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    kept = whole_part(data)
    assert kept.empty and kept.cut == len(data)
    for call in (lambda: snapshot(data), lambda: rebase_fragment(data, sequence=1, decode_times={1: 0})):
        with pytest.raises(Mp4Error):
            call()


@given(texts, texts, numbers, numbers, numbers, st.none() | st.binary(min_size=16, max_size=16))
def test_origins_come_back(camera: str, recorder: str, epoch: int, sequence: int, utc: int, key: bytes | None) -> None:
    origin = Origin(camera, recorder, epoch, sequence, Utc(utc), "stream2", key)
    assert Origin.from_payload(origin.to_box()[24:] + b"for later versions") == origin


@given(groups, st.integers(1, 1 << 31), st.integers(0, 1 << 62))
def test_rebased_fragments_hold_the_same_at_another_time(made: list, sequence: int, time: int) -> None:
    data, _, _ = write(made)
    head = len(FragmentWriter(FORM, ORIGIN).header())
    first = Mp4File.scan(data).fragments[0]
    moof = data[first.moof.start : first.moof.end]
    moved = rebase_fragment(moof, sequence=sequence, decode_times={1: time})
    assert len(moved) == len(moof)
    again = Mp4File.scan(data[:head] + moved + data[first.moof.end : first.end]).fragments[0]
    assert again.head.sequence == sequence and again.times()[1][0] == time
    before, after = first.head.runs[0], again.head.runs[0]
    assert (before.sizes, before.durations, before.flags) == (after.sizes, after.durations, after.flags)
