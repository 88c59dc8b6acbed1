"""A recorder's disk side in a process of its own, to be killed: real footage of three cameras, as fast as it goes.

Arguments: state folder, clip. For each line on standard input a child begins to record and says "ready" and its
process id; then each acknowledged state of a file is one line: path, bytes, fragments. When it has died: "dead".
"""

import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import structlog

from camward.base.clock import NS, SystemClock, Utc
from camward.base.setting import SettingsSection
from camward.base.settings_store import SettingsStore
from camward.media.mp4.reader import Mp4File
from camward.media.unit import AccessUnit, Flags, StreamFormat, Track
from camward.recorder import CamerasSettings, RecordingSettings
from camward.recorder.archive import Archive
from camward.recorder.files import DiskFiles
from camward.recorder.pins import PinBook
from camward.recorder.state import RecorderFolder


class Tree(SettingsSection):
    recording: RecordingSettings = RecordingSettings(segment_seconds=10)
    cameras: CamerasSettings = CamerasSettings()


class Telling(Archive):
    """Says what it acknowledges, once the index has been given it."""

    def _stored(self, rows) -> None:
        super()._stored(rows)
        lines = "".join(f"{row.path} {row.size} {row.fragment_count}\n" for row in rows)
        os.write(1, lines.encode())


def read_clip(path: Path) -> tuple[StreamFormat, list[AccessUnit]]:
    data = path.read_bytes()
    file = Mp4File.scan(data)
    units = [
        AccessUnit(Track.VIDEO, one.presented * 90_000 // file.tracks[0].timescale, Utc(0), file.read(one),
                   Flags.KEY if one.key else Flags.NONE)
        for one in file.samples() if one.track_id == file.tracks[0].track_id
    ]  # fmt: skip
    return StreamFormat(file.tracks[0].form), units


def record(state: Path, form: StreamFormat, units: list[AccessUnit]) -> None:
    """Until killed."""
    clock, folder = SystemClock(), RecorderFolder(state)
    folder.prepare()
    settings = SettingsStore(Tree, state / "settings.toml", clock=clock, journal=lambda _: None)
    with folder.locked():
        archive = Telling(
            folder,
            settings=settings,
            pins=PinBook(folder.pins, clock),
            clock=clock,
            recorder_id="R1",
            files=DiskFiles(),
            limits=None,
            on_state=lambda state, reason: os._exit(9),
        )
        archive.open()
        os.write(1, f"ready {os.getpid()}\n".encode())
        checking = threading.Thread(target=archive._recover_all, daemon=True)
        checking.start()
        cutters = [archive.segmenter(name, "stream1", on_jump=lambda _: None) for name in ("a", "b", "c")]
        for cutter in cutters:
            cutter.format(form)
        began, length = clock.utc(), units[-1].ticks + 3600
        turn = 0
        while True:
            for unit in units:
                ticks = unit.ticks + turn * length
                moved = replace(unit, ticks=ticks, utc=Utc(began + ticks * NS // 90_000))
                for cutter in cutters:
                    cutter.take(moved)
                while archive._volume._waiting > 4_000_000:
                    time.sleep(0.001)
            turn += 1


def main(state: Path, clip: Path) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    form, units = read_clip(clip)
    for _ in sys.stdin:
        child = os.fork()  # what is slow is the import, and that is not under test
        if not child:
            record(state, form, units)
        os.waitpid(child, 0)
        os.write(1, b"dead\n")


main(Path(sys.argv[1]), Path(sys.argv[2]))
