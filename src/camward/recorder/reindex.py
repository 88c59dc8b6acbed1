"""The index made anew from the recordings alone, and compared with them. The recorder must be stopped for both."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from camward.base.clock import Clock, SystemClock
from camward.base.errors import ProtocolError
from camward.base.files import flush_folder
from camward.recorder.errors import IndexFileError
from camward.recorder.index import IndexReader, IndexWriter
from camward.recorder.recovery import Mended, all_recordings, read_row
from camward.recorder.state import RecorderFolder

log = structlog.get_logger(__name__)

Progress = Callable[[int, int], None]
"""Files done, files in all."""


@dataclass(frozen=True, slots=True)
class ReindexReport:
    """What a new index was made from.

    Args:
        files: indexed.
        fragments: in them.
        size: bytes of them.
        cut: bytes cut off behind last whole fragments.
        removed: files without a whole fragment.
        unreadable: files that are left as they are.
    """

    files: int
    fragments: int
    size: int
    cut: int
    removed: int
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """How index and files compare.

    Args:
        files: looked at.
        missing: in the index, but gone.
        strays: there, but not in the index.
        short: files that lack acknowledged bytes.
    """

    files: int
    missing: tuple[str, ...]
    strays: tuple[str, ...]
    short: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.missing or self.strays or self.short)


def _quiet(done: int, total: int) -> None:
    """Tell nobody."""


def reindex(state: Path, *, progress: Progress = _quiet, clock: Clock | None = None) -> ReindexReport:
    """Make the index anew from the files, and put it in the old one's place at the end. Blocks, for long.

    What explains gaps (runs, outages) is taken over from the old index, as far as it can be read.

    Raises:
        RecorderBusyError: the recorder runs.
        OSError: the state can't be read or written.
    """
    folder = RecorderFolder(state)
    folder.prepare()
    with folder.locked():
        new = folder.index.with_name("index.sqlite.new")
        _remove(new)
        writer = IndexWriter(new, clock=clock or SystemClock())
        try:
            report = _fill(folder.recordings, writer, progress)
            if folder.index.exists():
                writer.change(_take_over(folder.index))
            writer.flush(timeout=600)
        finally:
            writer.close()
        _remove(folder.index)
        new.replace(folder.index)
        flush_folder(state)
        return report


def _fill(root: Path, writer: IndexWriter, progress: Progress) -> ReindexReport:
    paths = all_recordings(root)
    mended = Mended()
    files = fragments = size = 0
    unreadable: list[str] = []
    for done, path in enumerate(paths):
        progress(done, len(paths))
        try:
            row = read_row(root, path, mended)
        except (OSError, ProtocolError) as error:
            log.error("recording_unreadable", path=path, error=str(error))
            unreadable.append(path)
            continue
        if row is not None:
            writer.put([row])
            files += 1
            fragments += row.fragment_count
            size += row.size
        if done % 1000 == 999:
            writer.flush(timeout=600)
    progress(len(paths), len(paths))
    return ReindexReport(files, fragments, size, mended.cut, mended.removed, tuple(unreadable))


def _take_over(old: Path) -> Callable[[sqlite3.Connection], None]:
    def change(connection: sqlite3.Connection) -> None:
        try:
            source = sqlite3.connect(f"{old.absolute().as_uri()}?mode=ro", uri=True)
        except sqlite3.Error:
            return
        try:
            runs = source.execute("SELECT epoch, started, seen, clean FROM runs").fetchall()
            outages = source.execute("SELECT camera, stream, from_utc, to_utc, state, reason FROM outages").fetchall()
        except sqlite3.Error as error:
            log.warning("reasons_of_gaps_lost", error=str(error))
            return
        finally:
            source.close()
        connection.executemany("INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?)", runs)
        connection.executemany(
            "INSERT INTO outages (camera, stream, from_utc, to_utc, state, reason) VALUES (?, ?, ?, ?, ?, ?)", outages
        )

    return change


def _remove(index: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        index.with_name(index.name + suffix).unlink(missing_ok=True)


def check(state: Path, *, progress: Progress = _quiet) -> CheckReport:
    """Compare index and files; nothing is changed. Blocks.

    Raises:
        RecorderBusyError: the recorder runs.
        IndexFileError: there is no index, or it can't be read.
    """
    folder = RecorderFolder(state)
    with folder.locked():
        if not folder.index.exists():
            raise IndexFileError("There is no index", next="run `camward recorder reindex`")
        reader = IndexReader(folder.index)
        try:
            known: dict[str, int] = {}
            for camera in reader.cameras():
                known |= reader.known(camera)
        finally:
            reader.close()
        there = all_recordings(folder.recordings)
        short: list[str] = []
        for done, path in enumerate(there):
            progress(done, len(there))
            if path in known and (folder.recordings / path).stat().st_size < known[path]:
                short.append(path)
        progress(len(there), len(there))
        missing = tuple(sorted(known.keys() - set(there)))
        return CheckReport(len(there), missing, tuple(path for path in there if path not in known), tuple(short))
