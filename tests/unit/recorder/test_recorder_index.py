"""The index: grouped commits, newest state, upgrades, damage."""

import sqlite3
import time

import pytest

from camward.base.clock import NS, Utc
from camward.recorder.errors import IndexFileError
from camward.recorder.files import DiskFiles
from camward.recorder.index import IndexReader, IndexWriter, schema
from camward.recorder.index.writer import begin_outage, end_outages
from camward.recorder.segment_store import SegmentStore

START = 1_760_000_000 * NS


@pytest.fixture
def rows(root, cutter, direct, pictures, video_form):
    """Three files of a camera, with every state that was acknowledged on the way."""
    states = []
    sink = direct(SegmentStore(root, DiskFiles()))
    sink.on_flush = lambda: states.append(list(sink.acknowledged.values()))
    cutter(sink, segment=10.0).feed(pictures(30), form=video_form)
    return states


@pytest.fixture
def index(tmp_path, clock):
    writer = IndexWriter(tmp_path / "index.sqlite", clock=clock, epoch=3)
    reader = IndexReader(tmp_path / "index.sqlite")
    yield writer, reader
    reader.close()
    writer.close()


def test_the_newest_state_of_each_file_is_committed(index, rows):
    writer, reader = index
    for state in rows:
        writer.put(state)
    assert writer.flush()
    found = reader.segments("front", "stream1", from_utc=0, to_utc=1 << 62)
    assert [(one.path, one.size, one.closed) for one in found] == [(row.path, row.size, True) for row in rows[-1]]
    assert [one.first_utc for one in found] == [START + n * 10 * NS for n in range(3)]
    assert all(reader.init(one.init) == row.init for one, row in zip(found, rows[-1], strict=True))
    assert len({one.init for one in found}) == 1
    assert [len(one.fragments()) for one in found] == [5, 5, 5]


def test_rows_are_there_only_after_a_commit_and_commits_are_grouped(index, rows, tmp_path):
    writer, reader = index
    commits = count_commits(tmp_path / "index.sqlite")
    for state in rows:
        writer.put(state)
    assert writer.flush()
    assert count_commits(tmp_path / "index.sqlite") - commits <= 2
    writer.remove([rows[-1][0].path])
    assert writer.flush()
    assert len(reader.all_rows()) == 2


def count_commits(path) -> int:
    """The file change counter does not move in WAL mode; the number of commit frames does."""
    data = path.with_name(path.name + "-wal").read_bytes()
    return sum(data[at + 4 : at + 8] != bytes(4) for at in range(32, len(data), 24 + 4096))


def test_it_commits_by_itself_soon(index, rows):
    writer, reader = index
    writer.put(rows[-1])
    end = time.monotonic() + 5
    while len(reader.all_rows()) < 3:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_commit_that_fails_is_made_up_for(tmp_path, clock, rows):
    told = []
    path = tmp_path / "index.sqlite"
    writer = IndexWriter(path, clock=clock, epoch=1, on_failure=told.append)
    reader = IndexReader(path)
    blocker = sqlite3.connect(path, isolation_level=None)
    writer._connection.execute("PRAGMA busy_timeout = 10")
    blocker.execute("BEGIN IMMEDIATE")
    writer.put(rows[-1])
    assert not writer.flush(timeout=0.5)
    assert told and "locked" in told[0]
    writer.remove([rows[-1][0].path])
    blocker.execute("COMMIT")
    blocker.close()
    assert writer.flush(timeout=20)
    assert told[-1] is None
    assert [row[0] for row in reader.all_rows()] == [row.path for row in rows[-1][1:]]
    reader.close()
    writer.close()


def test_ranges_and_edges(index, rows):
    writer, reader = index
    writer.put(rows[-1])
    writer.flush()
    end = START + 30 * NS
    ask = {"from_utc": START - NS, "to_utc": end + NS}
    assert reader.ranges("front", "stream1", **ask) == [
        (START + n * 10 * NS, START + (n + 1) * 10 * NS) for n in range(3)
    ]
    assert reader.edge("front", "stream1", **ask, last=False) == (START, START + 10 * NS)
    assert reader.edge("front", "stream1", **ask, last=True) == (START + 20 * NS, end)
    assert reader.edge("front", "stream1", from_utc=0, to_utc=START, last=True) is None
    assert reader.edge("front", "stream2", **ask, last=True) is None
    assert reader.cameras() == ["front"]
    assert reader.totals()[0].size == sum(row.size for row in rows[-1])
    assert [one.path for one in reader.oldest(before=1 << 62, limit=2)] == [row.path for row in rows[-1][:2]]


def test_runs_and_outages(tmp_path, clock):
    path = tmp_path / "index.sqlite"
    first = IndexWriter(path, clock=clock, epoch=1)
    first.change(begin_outage("front", "stream1", at=Utc(clock.utc()), state="network", reason="no answer"))
    clock.advance(5)
    first.flush()
    first.close(clean=False)
    seen = clock.utc()
    clock.advance(60)
    second = IndexWriter(path, clock=clock, epoch=2)
    reader = IndexReader(path)
    assert [(run.epoch, run.clean) for run in reader.runs()] == [(1, False), (2, False)]
    [outage] = reader.outages("front", "stream1", from_utc=0, to_utc=1 << 62)
    assert outage.to_utc == seen and outage.reason == "no answer"  # it ended when the recorder was last seen
    second.change(end_outages("front", "stream1", at=clock.utc()))
    second.close()
    assert reader.runs()[1].clean
    assert reader.last_epoch() == 2
    reader.close()


def test_the_sign_of_life_goes_on_without_work(tmp_path, clock, monkeypatch):
    monkeypatch.setattr("camward.recorder.index.writer.HEARTBEAT", 0.05)
    monkeypatch.setattr("camward.recorder.index.writer.PAUSE", 0.01)
    path = tmp_path / "index.sqlite"
    writer = IndexWriter(path, clock=clock, epoch=1)
    reader = IndexReader(path)
    clock.advance(100)
    end = time.monotonic() + 5
    while reader.runs()[0].seen < clock.utc():
        assert time.monotonic() < end
        time.sleep(0.02)
    reader.close()
    writer.close()


def test_an_old_schema_is_upgraded_with_its_rows(tmp_path, clock, rows, monkeypatch):
    path = tmp_path / "index.sqlite"
    writer = IndexWriter(path, clock=clock, epoch=1)
    writer.put(rows[-1])
    writer.close()
    monkeypatch.setitem(schema.UPGRADES, 1, "ALTER TABLE segments ADD COLUMN note TEXT NOT NULL DEFAULT 'none';")
    monkeypatch.setitem(schema.UPGRADES, 2, "UPDATE segments SET note = 'of schema 3';")
    writer = IndexWriter(path, clock=clock, epoch=2)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    assert connection.execute("SELECT DISTINCT note FROM segments").fetchall() == [("of schema 3",)]
    assert connection.execute("SELECT count(*) FROM segments").fetchone() == (3,)
    connection.close()
    writer.close()


def test_an_upgrade_that_fails_changes_nothing(tmp_path, clock, rows, monkeypatch):
    path = tmp_path / "index.sqlite"
    writer = IndexWriter(path, clock=clock, epoch=1)
    writer.put(rows[-1])
    writer.close()
    monkeypatch.setitem(schema.UPGRADES, 1, "DELETE FROM segments; SELECT * FROM nowhere;")
    with pytest.raises(IndexFileError):
        IndexWriter(path, clock=clock, epoch=2)
    monkeypatch.delitem(schema.UPGRADES, 1)
    reader = IndexReader(path)
    assert len(reader.all_rows()) == 3
    reader.close()


def test_an_index_of_a_newer_version_is_left_alone(tmp_path, clock):
    path = tmp_path / "index.sqlite"
    IndexWriter(path, clock=clock).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(IndexFileError) as caught:
        IndexWriter(path, clock=clock)
    assert caught.value.newer and "reindex" in caught.value.next


def test_a_damaged_index_is_an_error_with_the_way_out(tmp_path, clock):
    path = tmp_path / "index.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(IndexFileError, match="can't be used") as caught:
        IndexWriter(path, clock=clock)
    assert "reindex" in caught.value.next
    reader = IndexReader(path)
    with pytest.raises(IndexFileError, match="can't be read"):
        reader.runs()
    reader.close()
