"""kill -9 at random points, fifty times on one state: every acknowledged fragment is there, and plays."""

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from camward.base.clock import SystemClock
from camward.media.mp4.reader import Mp4File
from camward.media.mp4.recovery import whole_part
from camward.recorder import check, reindex
from camward.recorder.index import IndexReader, IndexWriter
from camward.recorder.recovery import recover_all, recover_lately
from camward.recorder.state import RecorderFolder

KILLS = 50
WRITER = Path(__file__).with_name("kill_writer.py")


class Writer:
    """Starts recorders and kills them."""

    def __init__(self, state: Path, clip: Path) -> None:
        command = [sys.executable, str(WRITER), str(state), str(clip)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def record_and_kill(self, after: float) -> dict[str, tuple[int, int]]:
        """Path -> bytes and fragments that were acknowledged when the recorder died."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        ready, number = self.process.stdout.readline().split()
        assert ready == "ready"
        killer = threading.Timer(after, os.kill, (int(number), signal.SIGKILL))
        killer.start()
        acknowledged: dict[str, tuple[int, int]] = {}
        while (line := self.process.stdout.readline()) != "dead\n":
            path, size, fragments = line.split()
            acknowledged[path] = int(size), int(fragments)
        killer.join()
        return acknowledged

    def close(self) -> None:
        self.process.stdin.close()
        assert self.process.wait(20) == 0
        self.process.stdout.close()


def plays(path: Path) -> int:
    """Pictures that ffmpeg decodes, without a complaint."""
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-f", "framemd5", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return sum(not line.startswith("#") for line in done.stdout.splitlines())


@pytest.mark.timeout(150)
def test_every_acknowledged_fragment_survives(tmp_path, footage):
    clip, state = footage / "car-park.mp4", tmp_path / "state"
    folder, chance = RecorderFolder(state), random.Random(2)
    everything: dict[str, tuple[int, int]] = {}
    writing = Writer(state, clip)
    for _ in range(KILLS):
        everything |= writing.record_and_kill(after=chance.random() * 0.4)
    writing.close()
    assert len(everything) > KILLS
    # Before any recovery of the last run: its files hold what was acknowledged.
    for path, (size, fragments) in everything.items():
        kept = whole_part((folder.recordings / path).read_bytes())
        assert kept.size >= size and len(kept.fragments) >= fragments, path
    # The next start.
    writer, reader = IndexWriter(folder.index, clock=SystemClock(), epoch=999), IndexReader(folder.index)
    recover_lately(folder.recordings, reader, writer, seen=reader.runs()[-2].seen)
    recover_all(folder.recordings, reader, writer, epoch=999)
    writer.flush()
    rows = {row[0]: row for row in reader.all_rows()}
    assert [run.epoch for run in reader.runs()] == [*range(1, KILLS + 1), 999]
    reader.close()
    writer.close()
    assert check(state).ok
    source = {Mp4File.scan(clip.read_bytes()).read(one) for one in Mp4File.scan(clip.read_bytes()).samples()}
    for path, (size, fragments) in everything.items():
        assert rows[path][9] >= size
        data = (folder.recordings / path).read_bytes()
        file = Mp4File.scan(data)
        assert len(file.fragments) >= fragments and file.fragments[-1].end == len(data)
        assert all(file.read(one) in source for one in file.samples())
    for path in chance.sample(sorted(everything), 12):
        assert plays(folder.recordings / path) == sum(
            1 for _ in Mp4File.scan((folder.recordings / path).read_bytes()).samples()
        )
    # The index of all these starts is what the files alone give.
    reindex(state)
    reader = IndexReader(folder.index)
    assert {row[0]: row for row in reader.all_rows()} == rows
    reader.close()
