"""After a crash: files made whole, and the index brought into line with them.

Files that the index knows to be unfinished, and those in folders that changed lately, are looked at before recording
begins; that takes milliseconds a camera. After a stop that wasn't in order every folder is listed as well, while the
recorder already works.
"""

from __future__ import annotations

import contextlib
import mmap
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from camward.base.clock import NS, Utc
from camward.base.errors import ProtocolError
from camward.media.mp4.origin import Origin
from camward.media.mp4.reader import Mp4File, Scan
from camward.media.mp4.recovery import recover
from camward.recorder.fragment_list import FragmentEntry, init_segment, pack_entry, read_entries
from camward.recorder.index.reader import IndexReader
from camward.recorder.index.writer import IndexWriter
from camward.recorder.segment import SegmentRow

log = structlog.get_logger(__name__)

LATELY = 4200 * NS
"""How long before the last sign of life a day's folder may have changed last, to be looked into at once."""

_HEAD = 1 << 16
"""Bytes of a file in which its origin box is."""

_NAME = re.compile(r"\d{8}T\d{6}\.\d{3}Z-\d+(-s2)?\.mp4")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_HOUR = re.compile(r"\d{2}")


@dataclass(slots=True)
class Mended:
    """What recovery did.

    Args:
        files: looked at.
        cut: bytes cut off behind last whole fragments.
        removed: files without a whole fragment.
        forgotten: rows whose file is gone.
    """

    files: int = 0
    cut: int = 0
    removed: int = 0
    forgotten: int = 0


def is_recording(path: Path) -> bool:
    """Whether the name is one that we give."""
    return _NAME.fullmatch(path.name) is not None


def recover_file(root: Path, path: str, mended: Mended | None = None) -> SegmentRow | None:
    """A file that a crash left behind, made whole. One without any whole fragment is removed: None.

    Raises:
        OSError: it can't be read or written.
        ProtocolError: its headers are damaged; it is left as it is.
    """
    target = root / path
    try:
        kept = recover(target)
    except FileNotFoundError:
        return None
    if mended is not None:
        mended.files += 1
        mended.cut += kept.cut if kept.fragments else 0
    if kept.cut and kept.fragments:
        log.warning("recording_recovered", path=path, cut=kept.cut)
    if kept.empty or kept.origin is None:
        if is_recording(target):
            log.warning("recording_removed", path=path, reason="no whole fragment")
            target.unlink(missing_ok=True)
            if mended is not None:
                mended.removed += 1
        return None
    with target.open("rb") as file:
        header = file.read(kept.fragments[0].start)
    return _row(path, kept.origin, read_entries(kept.fragments, kept.tracks), init=init_segment(header))


def _row(path: str, origin: Origin, entries: Sequence[FragmentEntry], *, init: bytes) -> SegmentRow | None:
    if not entries:
        return None
    packed = b"".join(pack_entry(entry, first_utc=origin.first_utc) for entry in entries)
    end = Utc(max(entry.end_utc for entry in entries))
    size = entries[-1].offset + entries[-1].size
    return SegmentRow(path, origin, end, size, closed=True, init=init, fragments=packed)


def read_row(root: Path, path: str, mended: Mended | None = None) -> SegmentRow | None:
    """The row of a file: of one that was closed in order from its headers alone, else after `recover_file`.

    Raises:
        OSError: it can't be read or written.
        ProtocolError: its headers are damaged; it is left as it is.
    """
    row = _read_complete(root, path)
    if row is not None:
        if mended is not None:
            mended.files += 1
        return row
    return recover_file(root, path, mended)


def _read_complete(root: Path, path: str) -> SegmentRow | None:
    """None: the file isn't one that was closed in order."""
    with (root / path).open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            return None
        with data:
            try:
                found = Mp4File.scan(data)
            except ProtocolError:
                return None
            if found.origin is None or found.index is None or not found.fragments:
                return None
            told = int.from_bytes(data[found.index.end - 12 : found.index.end - 8], "big")
            if found.index.end + told != len(data) or found.fragments[-1].end != len(data):
                return None
            entries = read_entries(found.fragments, found.tracks)
            init = init_segment(bytes(data[: found.header_size]))
    return _row(path, found.origin, entries, init=init)


def recover_lately(root: Path, reader: IndexReader, writer: IndexWriter, *, seen: Utc) -> Mended:
    """Bring into line what can have changed since the last sign of life of the run before. Blocks.

    Raises:
        OSError: a folder or a file can't be read or written.
        IndexFileError: the index can't be read.
    """
    mended = Mended()
    unfinished = reader.unfinished()
    _take(root, unfinished, writer, mended)
    done = set(unfinished)
    for folder in _folders(root, since=seen - LATELY):
        known = reader.known(str(folder.relative_to(root)))
        strays = [path for path in _files(root, folder) if path not in known and path not in done]
        _take(root, strays, writer, mended)
    return mended


def recover_all(
    root: Path, reader: IndexReader, writer: IndexWriter, *, epoch: int, stop: Callable[[], bool] = lambda: False
) -> Mended:
    """Bring everything into line: files that the index doesn't know, rows whose file is gone. Blocks, for long.

    A file that doesn't tell its epoch is left alone: the run that goes on may have made it this very moment.

    Args:
        root: the folder of recordings.
        reader: of the index.
        writer: of the index.
        epoch: of the run that goes on meanwhile; its files are left alone.
        stop: asked now and then whether to end early.
    """
    mended = Mended()
    for camera in sorted({*(one.name for one in _subfolders(root)), *reader.cameras()}):
        there: set[str] = set()
        for folder in _folders(root, camera=camera):
            if stop():
                return mended
            files = list(_files(root, folder))
            there.update(files)
            known = reader.known(str(folder.relative_to(root)))
            strays = [one for one in files if one not in known]
            _take(root, [one for one in strays if _epoch(root / one) not in (epoch, None)], writer, mended)
        gone = [path for path in reader.known(camera) if path not in there and not (root / path).exists()]
        writer.remove(gone)
        mended.forgotten += len(gone)
    return mended


def _epoch(path: Path) -> int | None:
    """The epoch under which a file was begun; None when it doesn't tell."""
    try:
        with path.open("rb") as file:
            scan = Scan(file.read(_HEAD))
    except OSError:
        return None
    with contextlib.suppress(ProtocolError):
        for _ in scan.steps():
            if scan.origin is not None:
                break
    return scan.origin.epoch if scan.origin else None


def _take(root: Path, paths: Iterable[str], writer: IndexWriter, mended: Mended) -> None:
    for path in paths:
        try:
            row = read_row(root, path, mended)
        except FileNotFoundError:
            row = None
        except (OSError, ProtocolError) as error:
            log.error("recording_unreadable", path=path, error=str(error))
            continue
        if row is None:
            writer.remove([path])
        else:
            writer.put([row])


def all_recordings(root: Path) -> list[str]:
    """Every recording, by path below the folder of recordings."""
    return [path for folder in _folders(root) for path in _files(root, folder)]


def _folders(root: Path, *, since: int = 0, camera: str = "") -> Iterator[Path]:
    """The hours' folders, of days that changed after a time."""
    cameras = [root / camera] if camera else _subfolders(root)
    for one in cameras:
        for day in _subfolders(one, _DAY):
            if day.stat().st_mtime_ns >= since:
                yield from _subfolders(day, _HOUR)


def _subfolders(folder: Path, name: re.Pattern[str] | None = None) -> list[Path]:
    try:
        found = [one for one in folder.iterdir() if (name is None or name.fullmatch(one.name)) and one.is_dir()]
    except FileNotFoundError:
        return []
    return sorted(found)


def _files(root: Path, folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        if is_recording(path):
            yield str(path.relative_to(root))
