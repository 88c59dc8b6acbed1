"""Damaged files of recordings never keep a recorder from starting, nor others from being found."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from camward.base.clock import NS, ManualClock, Utc
from camward.media.mp4.origin import Origin
from camward.media.mp4.reader import Mp4File
from camward.media.nal import join_length_prefixed
from camward.media.unit import AccessUnit, Flags, StreamFormat, Track, VideoFormat
from camward.recorder.index import IndexReader, IndexWriter
from camward.recorder.recovery import recover_all, recover_lately
from camward.recorder.reindex import reindex
from camward.recorder.segment import Segment
from camward.recorder.state import RecorderFolder

SETS = (bytes.fromhex("67640028acd940780227e5c044000003000400000300c83c60c658"), bytes.fromhex("68ebe3cb22c0"))
FORM = StreamFormat(VideoFormat("h264", 1920, 1080, SETS, 25.0))
START = 1_760_000_000 * NS


def recording(number: int) -> tuple[str, bytes]:
    """The path and the bytes of a file of three fragments."""
    first = Utc(START + number * 60 * NS)
    segment = Segment.begin(FORM, Origin("front", "R1", 1, number, first))
    data, duration = bytearray(segment.writer.header()), 0
    for index in range(3):
        ticks = (number * 60 + index) * 90_000
        picture = join_length_prefixed([b"\x65\x88picture"])
        unit = AccessUnit(Track.VIDEO, ticks, Utc(first + index * NS), picture, Flags.KEY)
        fragment = segment.writer.fragment([unit], next_ticks={Track.VIDEO: ticks + 90_000})
        data += b"".join(fragment.chunks)
        duration += fragment.duration
    offset, patch = segment.writer.reference(len(data) - len(segment.writer.header()), duration)
    data[offset : offset + 8] = patch
    return segment.path, bytes(data)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


GOOD_PATH, GOOD = recording(1)
SPOILT_PATH, WHOLE = recording(2)
HEADERS = [place for one in Mp4File.scan(WHOLE).fragments for place in range(one.start, one.mdat.body)]
places = st.sampled_from([*range(700), *HEADERS]) | st.integers(0, len(WHOLE))
damage = st.lists(st.tuples(places, st.binary(min_size=1, max_size=8)), min_size=1, max_size=3)


FAR_OFF = [(WHOLE.index(b"tfdt") + 8, b"\x7f" + bytes(7))]
"""A fragment that is shown in a hundred thousand years."""


@settings(max_examples=40, deadline=None)
@example(FAR_OFF, None)
@given(damage, st.integers(0, len(WHOLE)) | st.none())
def test_a_start_and_a_new_index_survive_any_damage(folder: Path, damage: list, cut: int | None) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        state = RecorderFolder(Path(name))
        state.prepare()
        spoilt = bytearray(WHOLE)
        for at, patch in damage:
            spoilt[at : at + len(patch)] = patch
        for path, data in ((GOOD_PATH, GOOD), (SPOILT_PATH, bytes(spoilt[:cut]))):
            (state.recordings / path).parent.mkdir(parents=True, exist_ok=True)
            (state.recordings / path).write_bytes(data)
        writer, reader = IndexWriter(state.index, clock=ManualClock()), IndexReader(state.index)
        try:
            recover_lately(state.recordings, reader, writer, seen=Utc(0))
            recover_all(state.recordings, reader, writer, epoch=9)
            assert writer.flush()
            rows = {row[0]: row for row in reader.all_rows()}
        finally:
            reader.close()
            writer.close()
        assert rows[GOOD_PATH][9] == len(GOOD)
        report = reindex(state.path, clock=ManualClock())
        assert report.files >= 1
        reader = IndexReader(state.index)
        try:
            assert {row[0]: row for row in reader.all_rows()} == rows
        finally:
            reader.close()
