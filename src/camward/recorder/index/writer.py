"""The one thread that writes the index: newest state per file, committed in groups.

A row is handed over after its file was flushed. Commits come every half second at most, so a crash leaves the index
that much behind the files; recovery at the next start reads what is missing from the files themselves. Should a
commit fail, what it held waits for the next one: the newest state per file, so the wait is bounded.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from camward.base.clock import Clock, Utc
from camward.recorder.index.schema import open_for_writing
from camward.recorder.segment import SegmentRow

log = structlog.get_logger(__name__)

PAUSE = 0.5
"""Seconds between commits."""

HEARTBEAT = 5.0
"""Seconds between signs of life, when nothing else is written."""

_PUT = """
    INSERT INTO segments (path, camera, stream, recorder, epoch, sequence, key_id, first_utc, end_utc, size, closed,
                          init, fragments)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (path) DO UPDATE SET
        end_utc = excluded.end_utc, size = excluded.size, closed = excluded.closed, fragments = excluded.fragments
"""

Change = Callable[[sqlite3.Connection], None]


class IndexWriter:
    """Takes changes from any thread.

    Args:
        path: the index file.
        clock: for the sign of life.
        epoch: of this run; 0 for tools that only mend the index, whose runs are not noted.
        on_failure: called in the writer's thread with what went wrong (None: it works again).

    Raises:
        IndexFileError: the index can't be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        epoch: int = 0,
        on_failure: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._connection = open_for_writing(path)
        self._clock, self._epoch, self._on_failure = clock, epoch, on_failure
        self._changed = threading.Condition()
        self._rows: dict[str, SegmentRow | None] = {}
        self._changes: list[Change] = []
        self._inits: dict[bytes, int] = {}
        self._taken = self._done = 0
        self._urgent = False
        self._closing = False
        self._failing = False
        if epoch:
            self._begin_run()
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)
        self._thread.start()

    def put(self, rows: Sequence[SegmentRow]) -> None:
        """Note the acknowledged state of files."""
        with self._changed:
            self._rows.update((row.path, row) for row in rows)
            self._taken += 1
            self._changed.notify_all()

    def remove(self, paths: Sequence[str]) -> None:
        """Forget files."""
        with self._changed:
            self._rows.update(dict.fromkeys(paths))
            self._taken += 1
            self._changed.notify_all()

    def change(self, change: Change) -> None:
        """Make another change in the next commit; it must not fail."""
        with self._changed:
            self._changes.append(change)
            self._taken += 1
            self._changed.notify_all()

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until all that was handed over is committed. Blocks; whether it was in time."""
        with self._changed:
            wanted = self._taken
            self._urgent = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._done >= wanted or not self._thread.is_alive(), timeout)

    def close(self, *, clean: bool = True) -> None:
        """Commit and close the file; `clean` notes that the recorder stopped in order."""
        if clean and self._epoch:
            self.change(self._end_run)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(30)
        self._connection.close()

    def _begin_run(self) -> None:
        """The run before ended when it was last seen, and so did what it knew of outages."""
        now = self._clock.utc()
        self._connection.execute(
            "UPDATE outages SET to_utc = max(from_utc, coalesce((SELECT seen FROM runs ORDER BY epoch DESC LIMIT 1),"
            " from_utc)) WHERE to_utc IS NULL"
        )
        self._connection.execute(
            "INSERT INTO runs (epoch, started, seen, clean) VALUES (?, ?, ?, 0)"
            " ON CONFLICT (epoch) DO UPDATE SET started = excluded.started, seen = excluded.seen, clean = 0",
            (self._epoch, now, now),
        )

    def _end_run(self, connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE runs SET clean = 1 WHERE epoch = ?", (self._epoch,))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._waiting, HEARTBEAT)
                if not self._urgent and not self._closing:
                    # A group: what comes within the pause is committed with it.
                    self._changed.wait_for(lambda: self._closing or self._urgent, PAUSE)
                rows, self._rows = self._rows, {}
                changes, self._changes = self._changes, []
                taken, self._urgent = self._taken, False
                last = self._closing
            failed = self._commit(rows, changes)
            with self._changed:
                if failed:
                    self._rows = {**rows, **self._rows}
                    self._changes = [*changes, *self._changes]
                else:
                    self._done = max(self._done, taken)
                self._changed.notify_all()
                if last:
                    return
                if failed:
                    self._changed.wait_for(lambda: self._closing, HEARTBEAT)

    @property
    def _waiting(self) -> bool:
        return bool(self._rows or self._changes or self._urgent)

    def _commit(self, rows: dict[str, SegmentRow | None], changes: Sequence[Change]) -> bool:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for path, row in rows.items():
                if row is None:
                    self._connection.execute("DELETE FROM segments WHERE path = ?", (path,))
                else:
                    self._put(row)
            for change in changes:
                change(self._connection)
            if self._epoch:
                now = self._clock.utc()
                self._connection.execute("UPDATE runs SET seen = ? WHERE epoch = ?", (now, self._epoch))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.rollback()
            self._inits.clear()
            self._report(error)
            return True
        if self._failing:
            self._failing = False
            self._on_failure(None)
        return False

    def _report(self, error: sqlite3.Error) -> None:
        if not self._failing:
            self._failing = True
            log.error("index_commit_failed", error=str(error))
            self._on_failure(str(error))

    def _put(self, row: SegmentRow) -> None:
        origin = row.origin
        self._connection.execute(
            _PUT,
            (row.path, origin.camera_id, origin.stream, origin.recorder_id, origin.epoch, origin.sequence)
            + (origin.key_id, origin.first_utc, row.end_utc, row.size, row.closed, self._init(row.init))
            + (row.fragments,),
        )

    def _init(self, data: bytes) -> int:
        """The row of an init segment; formats are few, so their rows are remembered."""
        number = self._inits.get(data)
        if number is None:
            self._connection.execute("INSERT OR IGNORE INTO inits (data) VALUES (?)", (data,))
            (number,) = self._connection.execute("SELECT id FROM inits WHERE data = ?", (data,)).fetchone()
            self._inits[data] = int(number)
        return int(number)


def begin_outage(camera: str, stream: str, *, at: Utc, state: str, reason: str) -> Change:
    """Note why nothing is recorded from now on."""

    def change(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO outages (camera, stream, from_utc, to_utc, state, reason) VALUES (?, ?, ?, NULL, ?, ?)",
            (camera, stream, at, state, reason),
        )

    return change


def end_outages(camera: str, stream: str, *, at: Utc) -> Change:
    """Note that something is recorded again."""

    def change(connection: sqlite3.Connection) -> None:
        connection.execute(
            "UPDATE outages SET to_utc = max(from_utc, ?) WHERE camera = ? AND stream = ? AND to_utc IS NULL",
            (at, camera, stream),
        )

    return change


def trim(*, before: Utc) -> Change:
    """Forget runs and outages that ended long ago."""

    def change(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM outages WHERE to_utc < ?", (before,))
        connection.execute("DELETE FROM runs WHERE seen < ?", (before,))

    return change
