"""Appends fragments to recording files, flushes, and only then acknowledges. One thread per store; it blocks.

Order for each file: its folders, the file, header and first fragment, `fdatasync`, the folder's entry; then fragment
after fragment, `fdatasync` each. What is flushed is acknowledged, and the reference in `sidx` (8 bytes within one
sector) follows: it never covers more than was acknowledged. See docs/design/formats/mp4.md.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from camward.base.clock import Utc
from camward.media.mp4.writer import Fragment
from camward.recorder.files import Files
from camward.recorder.fragment_list import pack_entry, written_entry
from camward.recorder.segment import Segment, SegmentRow


class _Mark(NamedTuple):
    """How far a file is: its size, bytes of packed entries, end of its timeline, end of its last picture."""

    size: int = 0
    packed: int = 0
    end: int = 0
    end_utc: Utc = Utc(0)


_NOTHING = _Mark()


@dataclass(slots=True)
class _Open:
    """A file that grows."""

    segment: Segment
    descriptor: int
    written: _Mark = _NOTHING
    acknowledged: _Mark = _NOTHING
    packed: bytearray = field(default_factory=bytearray)
    is_new: bool = True
    closing: bool = False

    def row(self, *, closed: bool) -> SegmentRow:
        segment, done = self.segment, self.acknowledged
        packed = bytes(memoryview(self.packed)[: done.packed])
        return SegmentRow(segment.path, segment.origin, done.end_utc, done.size, closed, segment.init, packed)


@dataclass(frozen=True, slots=True)
class Flushed:
    """What a flush came to.

    Args:
        rows: the acknowledged state of each file that was written to.
        errors: what went wrong.
        broken: files that must be recovered once the disk works again.
    """

    rows: list[SegmentRow]
    errors: list[OSError]
    broken: list[str]


class SegmentStore:
    """The files of one volume.

    Args:
        root: the folder of recordings; it must exist.
        files: the file system.
    """

    def __init__(self, root: Path, files: Files) -> None:
        self.root = root
        self.files = files
        self._open: dict[Segment, _Open] = {}
        self._touched: dict[Segment, _Open] = {}
        self._folders: set[Path] = set()

    def append(self, segment: Segment, fragment: Fragment) -> None:
        """Write a fragment; it counts only once `flush` returns it.

        Raises:
            OSError: the disk is full or failing; the segment can't be continued.
        """
        one = self._open.get(segment) or self._create(segment)
        chunks, offset = fragment.chunks, one.written.size
        if not offset:
            header = segment.writer.header()
            chunks, offset = [header, *chunks], len(header)
        self._touched[segment] = one
        self.files.append(one.descriptor, chunks)
        end = one.written.end + fragment.duration
        entry = written_entry(fragment, offset=offset, end=end)
        one.packed += pack_entry(entry, first_utc=segment.origin.first_utc)
        end_utc = max(one.written.end_utc, entry.end_utc)
        one.written = _Mark(offset + fragment.size, len(one.packed), end, end_utc)

    def finish(self, segment: Segment) -> None:
        """No more will come for this file; the next `flush` closes it."""
        one = self._open.get(segment)
        if one is not None:
            one.closing = True
            self._touched[segment] = one

    def flush(self) -> Flushed:
        """Flush what was written since the last call: that is the acknowledgement.

        A file that can't be flushed is out of the store: after a failed `fdatasync` nobody knows what is on the disk,
        and asking again would lie.
        """
        done = Flushed([], [], [])
        touched, self._touched = self._touched, {}
        for segment, one in touched.items():
            try:
                done.rows.append(self._flush_one(one))
            except OSError as error:
                done.errors.append(error)
                done.broken.append(segment.path)
                segment.failed = True
                self._drop(segment)
            else:
                if one.closing:
                    self._drop(segment)
        return done

    def abandon(self, segment: Segment) -> SegmentRow | None:
        """Give a file up after a failure: cut it back to what was acknowledged, as far as the disk still obeys.

        Returns:
            Its state: closed if the cut reached the disk, else to be recovered later; None when nothing of it counts.
        """
        segment.failed = True
        self._touched.pop(segment, None)
        one = self._open.get(segment)
        if one is None:
            return None
        closed = False
        try:
            self.files.truncate(one.descriptor, one.acknowledged.size)
            if one.acknowledged.size:
                self._write_reference(one)
                self.files.flush(one.descriptor)
                closed = True
        except OSError:
            pass  # recovery cuts it
        self._drop(segment)
        if one.acknowledged.size:
            return one.row(closed=closed)
        with contextlib.suppress(OSError):
            self.files.remove(self.root / segment.path)
        return None

    def abandon_all(self) -> list[SegmentRow]:
        """`abandon` every open file."""
        rows = [self.abandon(segment) for segment in tuple(self._open)]
        return [row for row in rows if row is not None]

    def remove(self, path: str) -> None:
        """Delete a file of recordings.

        Raises:
            OSError: it can't be deleted.
        """
        target = self.root / path
        self.files.remove(target)
        if not target.parent.exists():
            self._folders.clear()

    def segments(self) -> list[Segment]:
        """The files that grow now."""
        return list(self._open)

    def _create(self, segment: Segment) -> _Open:
        path = self.root / segment.path
        self._make_folders(path.parent)
        one = _Open(segment, self.files.create(path))
        self._open[segment] = one
        return one

    def _make_folders(self, folder: Path) -> None:
        if folder in self._folders:
            return
        for one in (*reversed(folder.relative_to(self.root).parents[:-1]), folder.relative_to(self.root)):
            self.files.make_folder(self.root / one)
        if len(self._folders) > 4096:
            self._folders.clear()
        self._folders.add(folder)

    def _flush_one(self, one: _Open) -> SegmentRow:
        self.files.flush(one.descriptor)
        if one.is_new:
            self.files.flush_folder((self.root / one.segment.path).parent)
            one.is_new = False
        one.acknowledged = one.written
        self._write_reference(one)
        if one.closing:
            self.files.flush(one.descriptor)
        return one.row(closed=one.closing)

    def _write_reference(self, one: _Open) -> None:
        writer, done = one.segment.writer, one.acknowledged
        self.files.write_at(one.descriptor, *writer.reference(done.size - len(writer.header()), done.end))

    def _drop(self, segment: Segment) -> None:
        one = self._open.pop(segment, None)
        if one is not None:
            with contextlib.suppress(OSError):
                self.files.close(one.descriptor)
