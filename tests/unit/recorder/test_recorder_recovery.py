"""The index made anew from the files equals the index; strays and losses are found; damage never stops a start."""

import shutil

import pytest

from camward.base.clock import NS, Utc
from camward.media.mp4.reader import Mp4File
from camward.recorder.errors import IndexFileError, RecorderBusyError
from camward.recorder.files import DiskFiles
from camward.recorder.index import IndexReader, IndexWriter
from camward.recorder.index.writer import begin_outage
from camward.recorder.recovery import recover_all, recover_lately
from camward.recorder.reindex import check, reindex
from camward.recorder.segment_store import SegmentStore
from camward.recorder.state import RecorderFolder

START = 1_760_000_000 * NS


@pytest.fixture
def state(tmp_path, cutter, direct, pictures, video_form, sound_form, clock):
    """A recorder's state: two cameras, sound, GOPs of all lengths; index and files agree."""
    folder = RecorderFolder(tmp_path / "state")
    folder.prepare()
    sink = direct(SegmentStore(folder.recordings, DiskFiles()))
    for camera, gop, sound in (("front", 2.0, True), ("yard", 5.2, False), ("gate", 0.48, True)):
        form = sound_form if sound else video_form
        cutter(sink, camera=camera, segment=10.0).feed(pictures(35, gop=gop, sound=sound), form=form)
    writer = IndexWriter(folder.index, clock=clock, epoch=1)
    writer.put(list(sink.acknowledged.values()))
    writer.close()
    return folder


def rows_of(folder) -> list[tuple]:
    reader = IndexReader(folder.index)
    try:
        return reader.all_rows()
    finally:
        reader.close()


def test_the_index_made_anew_is_the_same(state, clock):
    before = rows_of(state)
    seen = []
    report = reindex(state.path, progress=lambda done, total: seen.append((done, total)), clock=clock)
    assert rows_of(state) == before
    assert report.files == len(before) >= 10 and report.fragments > 50
    assert (report.cut, report.removed, report.unreadable) == (0, 0, ())
    assert seen[-1] == (report.files, report.files) and [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_also_without_an_index(state, clock):
    before = rows_of(state)
    state.index.unlink()
    reindex(state.path, clock=clock)
    assert rows_of(state) == before


def test_reasons_of_gaps_are_taken_over(state, clock):
    writer = IndexWriter(state.index, clock=clock, epoch=5)
    writer.change(begin_outage("front", "stream1", at=Utc(START), state="network", reason="cut"))
    writer.close()
    reindex(state.path, clock=clock)
    reader = IndexReader(state.index)
    assert [run.epoch for run in reader.runs()] == [1, 5]
    assert [one.reason for one in reader.outages("front", "stream1", from_utc=0, to_utc=1 << 62)] == ["cut"]
    reader.close()


def test_torn_files_are_made_whole_and_rubbish_is_left(state, clock):
    paths = sorted(state.recordings.rglob("*.mp4"))
    torn, empty = paths[0], paths[1]
    whole = torn.read_bytes()
    last = Mp4File.scan(whole).fragments[-1]
    torn.write_bytes(whole[: last.end - 100])
    empty.write_bytes(whole[:900])
    notes = state.recordings / "front" / "2025-10-09" / "08" / "notes.mp4"
    notes.write_bytes(b"not one of ours")
    report = reindex(state.path, clock=clock)
    assert report.cut > 0 and report.removed == 1
    assert torn.stat().st_size == last.start
    assert not empty.exists() and notes.exists()
    assert Mp4File.scan(torn.read_bytes()).fragments


def test_check_names_what_is_wrong(state, clock):
    assert check(state.path).ok
    paths = sorted(state.recordings.rglob("*.mp4"))
    paths[0].unlink()
    shutil.copy(paths[1], paths[1].with_name("20300101T000000.000Z-000009.mp4"))
    with paths[2].open("r+b") as file:
        file.truncate(2000)
    report = check(state.path)
    names = [str(path.relative_to(state.recordings)) for path in paths]
    assert report.missing == (names[0],)
    assert [one.rpartition("/")[2] for one in report.strays] == ["20300101T000000.000Z-000009.mp4"]
    assert report.short == (names[2],)
    assert not report.ok
    state.index.unlink()
    with pytest.raises(IndexFileError):
        check(state.path)


def test_a_running_recorder_keeps_them_out(state):
    with state.locked():
        for call in (reindex, check):
            with pytest.raises(RecorderBusyError):
                call(state.path)
    assert check(state.path).ok


def test_rows_without_files_and_files_without_rows(state, clock):
    paths = sorted(state.recordings.rglob("*.mp4"))
    before = {row[0]: row for row in rows_of(state)}
    gone, stray = (str(path.relative_to(state.recordings)) for path in (paths[3], paths[5]))
    paths[3].unlink()
    writer, reader = IndexWriter(state.index, clock=clock), IndexReader(state.index)
    writer.remove([stray])
    writer.flush()
    mended = recover_all(state.recordings, reader, writer, epoch=2)
    writer.flush()
    assert mended.forgotten == 1
    after = {row[0]: row for row in reader.all_rows()}
    assert after == {path: row for path, row in before.items() if path != gone}
    reader.close()
    writer.close()


def test_files_of_the_run_that_goes_on_are_left_alone(state, clock):
    """The background check meets files that are being written: it must not cut them."""
    path = sorted(state.recordings.rglob("*.mp4"))[0]
    growing = path.read_bytes() + b"half a fragment"
    path.write_bytes(growing)
    writer, reader = IndexWriter(state.index, clock=clock), IndexReader(state.index)
    writer.remove([str(path.relative_to(state.recordings))])
    writer.flush()
    recover_all(state.recordings, reader, writer, epoch=1)
    assert path.read_bytes() == growing
    recover_all(state.recordings, reader, writer, epoch=2)
    assert path.read_bytes() == growing[:-15]
    reader.close()
    writer.close()


def test_only_folders_that_changed_lately_are_looked_into_at_once(state, clock):
    writer, reader = IndexWriter(state.index, clock=clock), IndexReader(state.index)
    path = sorted(state.recordings.rglob("*.mp4"))[0]
    writer.remove([str(path.relative_to(state.recordings))])
    writer.flush()
    newest = max(one.stat().st_mtime_ns for one in state.recordings.rglob("*"))
    assert recover_lately(state.recordings, reader, writer, seen=Utc(newest + 7200 * NS)).files == 0
    assert recover_lately(state.recordings, reader, writer, seen=Utc(newest)).files == 1
    reader.close()
    writer.close()


def test_epochs_grow_whatever_is_lost(tmp_path):
    folder = RecorderFolder(tmp_path / "state")
    folder.prepare()
    assert [folder.begin_epoch(above=0) for _ in range(3)] == [1, 2, 3]
    folder.epoch_file.unlink()
    assert folder.begin_epoch(above=17) == 18
    folder.epoch_file.write_text("rubbish")
    assert folder.begin_epoch(above=18) == 19


def test_a_file_that_is_being_made_this_moment_is_left_alone(state, clock):
    """Between its creation and its first write it is empty, as a crash would leave it."""
    folder = next((state.recordings / "front").rglob("08"))
    for name, data in (("20251009T095320.000Z-000001.mp4", b""), ("20251009T095320.000Z-000002.mp4", bytes(100))):
        (folder / name).write_bytes(data)
    writer, reader = IndexWriter(state.index, clock=clock), IndexReader(state.index)
    recover_all(state.recordings, reader, writer, epoch=2)
    assert len(list(folder.glob("20251009T095320*"))) == 2
    recover_lately(state.recordings, reader, writer, seen=Utc(0))  # ahead of the recording, they are rubbish
    assert list(folder.glob("20251009T095320*")) == []
    reader.close()
    writer.close()
