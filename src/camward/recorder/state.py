"""A recorder's state on disk: where things are, who may write them, and the fencing epoch."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from camward.base.files import flush_folder, private_folder, write_atomic
from camward.recorder.errors import RecorderBusyError


@dataclass(frozen=True, slots=True)
class RecorderFolder:
    """`STATE` of a recorder."""

    path: Path

    @property
    def recordings(self) -> Path:
        """The folder of recordings."""
        return self.path / "recordings"

    @property
    def index(self) -> Path:
        """The index file."""
        return self.path / "index.sqlite"

    @property
    def pins(self) -> Path:
        """Ranges that are never deleted; beside the files that they protect, for the index can be lost."""
        return self.recordings / "pins.json"

    @property
    def secrets(self) -> Path:
        """Passwords of cameras."""
        return private_folder(self.path / "secrets") / "cameras.json"

    @property
    def epoch_file(self) -> Path:
        """The epoch of the last start."""
        return self.path / "epoch"

    def prepare(self) -> None:
        """Make what must exist."""
        self.path.mkdir(parents=True, exist_ok=True)
        if not self.recordings.exists():
            self.recordings.mkdir()
            flush_folder(self.path)

    def begin_epoch(self, *, above: int) -> int:
        """The epoch of this start: higher than any before, and durable before anything is recorded under it."""
        try:
            last = int(self.epoch_file.read_text()[:20])
        except (FileNotFoundError, ValueError):
            last = 0
        epoch = max(last, above) + 1
        write_atomic(self.epoch_file, f"{epoch}\n".encode())
        return epoch

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from this state.

        Raises:
            RecorderBusyError: another one has it.
        """
        descriptor = os.open(self.path / "recorder.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise RecorderBusyError(
                    "This recorder's state is in use",
                    why="a recorder is running with it",
                    next="stop the recorder first",
                ) from None
            yield
        finally:
            os.close(descriptor)
