"""Keeps the records in `STATE/secrets/access.json`: a change is on the disk and in the journal before it counts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from camward.access.principal import Device
from camward.access.records import Records, read_records, write_records
from camward.base.errors import CamwardError
from camward.base.files import private_folder, write_atomic
from camward.journal import Journal

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Note:
    """What the journal is told; see `Journal.append`."""

    kind: str
    who: str
    where: str
    what: str
    details: Mapping[str, object] = field(default_factory=dict)


def records_path(state: Path) -> Path:
    """Where a device's accounts are."""
    return state / "secrets" / "access.json"


class RecordStore:
    """The records in use. All writing happens in one thread, one change after the other.

    Args:
        state: of the device.
        first: the records of a device that has none yet.
        waiting: notes that may wait for the disk; more are dropped, and counted in the next one.

    Raises:
        ConfigurationError: there is a file, and it can't be used.
        OSError: the disk.
    """

    def __init__(
        self,
        state: Path,
        *,
        device: Device,
        journal: Journal,
        thread: ThreadPoolExecutor,
        first: Callable[[], Records],
        waiting: int = 256,
    ) -> None:
        self._path, self._device = records_path(state), device
        self._journal, self._thread = journal, thread
        self._room, self._dropped = waiting, 0
        self._count = threading.Lock()
        private_folder(self._path.parent)
        if self._path.exists():
            self._records = read_records(self._path.read_bytes(), device)
        else:
            self._records = first()
            self._write(self._records)

    @property
    def records(self) -> Records:
        """As they are on the disk."""
        return self._records

    async def change(self, make: Callable[[Records], Records], note: Note) -> None:
        """Replace the records by what `make` gives for the present ones, and journal it.

        Raises:
            CamwardError: of `make`; nothing changed.
            JournalError: the journal refused; nothing changed.
            OSError: the disk is full or failing; nothing changed.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread, self._change, make, note)

    def later(self, note: Note, make: Callable[[Records], Records] | None = None) -> None:
        """Journal something, and change records if asked, without waiting for the disk: for code that must answer at
        once, whatever the disk does. What fails is logged."""
        with self._count:
            if self._room <= 0:
                self._dropped += 1
                return
            self._room -= 1
        self._thread.submit(self._later, note, make)

    def _later(self, note: Note, make: Callable[[Records], Records] | None) -> None:
        with self._count:
            dropped, self._dropped = self._dropped, 0
        try:
            if dropped:
                self._append(Note("notes_dropped", "access", "", f"{dropped} entries came too fast to be journalled"))
            if make is None:
                self._append(note)
            else:
                self._change(make, note)
        except (CamwardError, OSError) as error:
            log.exception("access_note_failed", kind=note.kind, error=str(error))
        finally:
            with self._count:
                self._room += 1

    def _change(self, make: Callable[[Records], Records], note: Note) -> None:
        before = self._records
        after = make(before)
        self._write(after)
        try:
            self._append(note)
        except BaseException:
            self._write(before)
            raise
        self._records = after

    def _write(self, records: Records) -> None:
        write_atomic(self._path, write_records(records, self._device), mode=0o600)

    def _append(self, note: Note) -> None:
        self._journal.append(note.kind, who=note.who, where=note.where, what=note.what, details=note.details)
