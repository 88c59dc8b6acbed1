"""The few file operations that recordings are made of, in one place, so that a power cut at each can be tested."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from camward.base.files import flush_folder

BATCH = 1024
"""IOV_MAX: buffers that one os.writev takes."""


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of a disk."""

    total: int
    free: int


class Files(Protocol):
    """What a volume needs of a file system. Each call raises OSError when it fails."""

    def make_folder(self, path: Path) -> None:
        """Make one folder in an existing one, durably; it may exist."""
        ...

    def create(self, path: Path) -> int:
        """A new file's descriptor; the file must not exist."""
        ...

    def append(self, descriptor: int, chunks: Sequence[bytes | memoryview]) -> None:
        """Write all chunks behind what was written before."""
        ...

    def write_at(self, descriptor: int, offset: int, data: bytes) -> None:
        """Write over bytes that are there."""
        ...

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file."""
        ...

    def flush(self, descriptor: int) -> None:
        """Make the file's bytes and its size durable (fdatasync)."""
        ...

    def flush_folder(self, path: Path) -> None:
        """Make a folder's entries durable."""
        ...

    def close(self, descriptor: int) -> None:
        """Let go of the file."""
        ...

    def remove(self, path: Path) -> None:
        """Delete a file, and the folders above it that it leaves empty, two at most; it may be gone already."""
        ...

    def space(self, path: Path) -> Space:
        """Of the disk that holds a path."""
        ...


class DiskFiles:
    """The file system itself."""

    def make_folder(self, path: Path) -> None:
        """See `Files`."""
        try:
            path.mkdir()
        except FileExistsError:
            return
        flush_folder(path.parent)

    def create(self, path: Path) -> int:
        """See `Files`."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)

    def append(self, descriptor: int, chunks: Sequence[bytes | memoryview]) -> None:
        """See `Files`."""
        for start in range(0, len(chunks), BATCH):
            batch = chunks[start : start + BATCH]
            written = os.writev(descriptor, batch)
            if written < sum(map(len, batch)):
                self._rest(descriptor, batch, written)

    def _rest(self, descriptor: int, batch: Sequence[bytes | memoryview], written: int) -> None:
        """The kernel took a part only: the disk is about to be full, or a signal came."""
        for chunk in batch:
            view = memoryview(chunk)[written:]
            written = max(0, written - len(chunk))
            while view:
                view = view[os.write(descriptor, view) :]

    def write_at(self, descriptor: int, offset: int, data: bytes) -> None:
        """See `Files`."""
        if os.pwrite(descriptor, data, offset) != len(data):
            raise OSError("a short write within a file")

    def truncate(self, descriptor: int, size: int) -> None:
        """See `Files`."""
        os.ftruncate(descriptor, size)

    def flush(self, descriptor: int) -> None:
        """See `Files`."""
        os.fdatasync(descriptor)

    def flush_folder(self, path: Path) -> None:
        """See `Files`."""
        flush_folder(path)

    def close(self, descriptor: int) -> None:
        """See `Files`."""
        os.close(descriptor)

    def remove(self, path: Path) -> None:
        """See `Files`."""
        path.unlink(missing_ok=True)
        for folder in path.parents[:2]:
            try:
                folder.rmdir()
            except OSError:
                return

    def space(self, path: Path) -> Space:
        """See `Files`."""
        found = os.statvfs(path)
        return Space(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)
