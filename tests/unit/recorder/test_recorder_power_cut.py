"""A power cut after every single write and flush: what was acknowledged is there, and the index agrees with the files.

The store's file operations are logged while it records. Each prefix of the log is then replayed into a folder of its
own as a disk might hold it after the cut: what was flushed is there; what was not may be lost, whole, cut off, full of
zeros, or missing a sector in the middle; a file whose folder was not flushed may be gone.
"""

import os
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from camward.base.clock import Utc
from camward.media.mp4.reader import Mp4File
from camward.recorder.files import DiskFiles
from camward.recorder.fragment_list import unpack_entries
from camward.recorder.index import IndexReader, IndexWriter
from camward.recorder.recovery import recover_all, recover_lately
from camward.recorder.segment_store import SegmentStore

MODES = ("lost", "whole", "cut", "zeros", "hole")


@dataclass
class LoggedFiles(DiskFiles):
    """A file system that remembers what was asked of it."""

    root: Path
    log: list[tuple] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)

    def name(self, path: Path) -> str:
        return str(path.relative_to(self.root))

    def make_folder(self, path):
        super().make_folder(path)
        self.log.append(("folder", self.name(path)))

    def create(self, path):
        descriptor = super().create(path)
        self.names[descriptor] = self.name(path)
        self.log.append(("create", self.name(path)))
        return descriptor

    def append(self, descriptor, chunks):
        super().append(descriptor, chunks)
        self.log.append(("append", self.names[descriptor], b"".join(chunks)))

    def write_at(self, descriptor, offset, data):
        super().write_at(descriptor, offset, data)
        self.log.append(("write", self.names[descriptor], offset, data))

    def flush(self, descriptor):
        super().flush(descriptor)
        self.log.append(("flush", self.names[descriptor]))

    def flush_folder(self, path):
        super().flush_folder(path)
        self.log.append(("flush folder", self.name(path)))


@dataclass
class DiskFile:
    """A file on the disk: flushed bytes, writes on their way, and whether its name is durable."""

    flushed: bytes = b""
    waiting: list[tuple] = field(default_factory=list)
    named: bool = False


def disk_after(log) -> dict[str, DiskFile]:
    disk: dict[str, DiskFile] = {}
    for kind, name, *rest in log:
        if kind == "create":
            disk[name] = DiskFile()
        elif kind in ("append", "write"):
            disk[name].waiting.append((kind, *rest))
        elif kind == "flush":
            disk[name].flushed = applied(disk[name].flushed, disk[name].waiting)
            disk[name].waiting = []
        elif kind == "flush folder":
            for path, one in disk.items():
                one.named = one.named or path.rpartition("/")[0] == name
    return disk


def applied(data: bytes, writes) -> bytes:
    result = bytearray(data)
    for kind, *rest in writes:
        if kind == "append":
            result += rest[0]
        else:
            offset, patch = rest
            result[offset : offset + len(patch)] = patch
    return bytes(result)


def lay_down(disk, root: Path, mode: str, chance: random.Random) -> None:
    for name, one in disk.items():
        if mode == "lost":
            data = one.flushed
            if not one.named:
                continue
        else:
            data = applied(one.flushed, one.waiting)
            new = len(data) - len(one.flushed)
            if new and mode == "cut":
                data = data[: len(one.flushed) + chance.randrange(new + 1)]
            elif new and mode == "zeros":
                at = (len(one.flushed) + chance.randrange(new + 1)) & -512
                at = max(at, len(one.flushed))
                data = data[:at] + bytes(len(data) - at)
            elif new and mode == "hole":
                at = max(len(one.flushed), (len(one.flushed) + chance.randrange(new + 1)) & -4096)
                data = data[:at] + bytes(min(4096, len(data) - at)) + data[at + 4096 :]
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, cutter, direct, pictures, video_form):
    """The log of recording two streams side by side, with what was acknowledged after which operation."""
    root = tmp_path_factory.mktemp("logged")
    files = LoggedFiles(root)
    store = SegmentStore(root, files)
    acknowledged: list[tuple[int, dict]] = []
    sinks = [direct(store) for _ in range(2)]

    def note() -> None:
        rows = {path: row for sink in sinks for path, row in sink.acknowledged.items()}
        acknowledged.append((len(files.log), rows))

    cutters = []
    for sink, camera in zip(sinks, ("front", "yard"), strict=True):
        sink.on_flush = note
        one = cutter(sink, camera=camera, segment=6.0)
        one.segmenter.format(video_form)
        cutters.append((one.segmenter, list(pictures(14, size=9000, seed=len(camera)))))
    for index in range(14 * 25):
        for segmenter, units in cutters:
            segmenter.take(units[index])
    for segmenter, _ in cutters:
        segmenter.end()
    whole = {name: (root / name).read_bytes() for name in {entry[1] for entry in files.log if entry[0] == "create"}}
    return files.log, acknowledged, whole


def known_at(acknowledged, count: int) -> dict:
    rows: dict = {}
    for at, state in acknowledged:
        if at <= count:
            rows = state
    return rows


def restart(root: Path, folder: Path, rows, clock) -> dict[str, tuple]:
    """What a start does; returns the index's rows by path."""
    index = folder / "index.sqlite"
    writer = IndexWriter(index, clock=clock)
    reader = IndexReader(index)
    try:
        writer.put(list(rows.values()))
        assert writer.flush()
        recover_lately(root, reader, writer, seen=Utc(0))
        assert writer.flush()
        recover_all(root, reader, writer, epoch=99)
        assert writer.flush()
        return {row[0]: row for row in reader.all_rows()}
    finally:
        reader.close()
        writer.close()


@pytest.mark.parametrize("mode", MODES)
def test_every_prefix_of_the_log(recorded, tmp_path, clock, mode):
    log, acknowledged, whole = recorded
    assert sum(entry[0] == "flush" for entry in log) > 14
    chance = random.Random(mode)
    for count in range(len(log) + 1):
        folder = tmp_path / str(count)
        root = folder / "recordings"
        root.mkdir(parents=True)
        lay_down(disk_after(log[:count]), root, mode, chance)
        must = known_at(acknowledged, count)
        # The index is a cache that lags behind: it may know all of it, some of it, or nothing.
        stale = known_at(acknowledged, chance.randrange(count + 1)) if count % 3 else {}
        found = restart(root, folder, stale, clock)
        for path, row in must.items():
            check_kept(root / path, whole[path], row, found[path])
        for path in found.keys() - must.keys():  # written and whole, though nobody was told
            assert Mp4File.scan((root / path).read_bytes()).fragments
        on_disk = {str(path.relative_to(root)) for path in root.rglob("*.mp4")}
        assert on_disk == found.keys()


def check_kept(path: Path, whole: bytes, row, found) -> None:
    data = path.read_bytes()
    file = Mp4File.scan(data)
    assert file.origin == row.origin
    place = file.index.end - 12
    assert data[:place] == whole[:place]
    assert data[place + 8 : row.size] == whole[place + 8 : row.size]
    assert int.from_bytes(data[place : place + 4], "big") == len(data) - file.index.end
    must = list(unpack_entries(row.fragments, first_utc=row.origin.first_utc))
    told = list(unpack_entries(found[12], first_utc=row.origin.first_utc))
    assert told[: len(must)] == must
    assert [(one.offset, one.size) for one in told] == [(one.start, one.size) for one in file.fragments]
    assert os.path.getsize(path) == found[9] == file.fragments[-1].end


def test_what_was_flushed_is_what_was_acknowledged(recorded):
    """No row before its flush, and none is forgotten."""
    log, acknowledged, _ = recorded
    for at, rows in acknowledged:
        disk = disk_after(log[:at])
        for path, row in rows.items():
            assert disk[path].named
            assert len(disk[path].flushed) >= row.size
    _, last = acknowledged[-1]
    assert all(row.closed for row in last.values())
    assert len(last) == 6
