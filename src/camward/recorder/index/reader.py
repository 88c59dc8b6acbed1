"""Looking things up in the index: small answers out of its own indexes, never a walk over files."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from camward.base.clock import NS, Utc
from camward.recorder.errors import IndexFileError
from camward.recorder.fragment_list import FragmentEntry, unpack_entries
from camward.recorder.index.schema import open_for_reading

LONGEST = 2 * 3600 * NS
"""No file lasts longer, nanoseconds; see `segmenter`. So a range needs to be looked up only this far around it."""


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A file as the index has it.

    Args:
        path: below the folder of recordings.
        first_utc: capture time of its first picture.
        end_utc: when its last acknowledged picture ends.
        size: acknowledged bytes.
        closed: whether it grows no more.
        init: number of its init segment.
        packed: its fragments.
    """

    path: str
    first_utc: Utc
    end_utc: Utc
    size: int
    closed: bool
    init: int
    packed: bytes

    def fragments(self) -> list[FragmentEntry]:
        """Its acknowledged fragments, in file order."""
        return list(unpack_entries(self.packed, first_utc=self.first_utc))


@dataclass(frozen=True, slots=True)
class Outage:
    """Why nothing was recorded; `to_utc` None: it lasts."""

    from_utc: Utc
    to_utc: Utc | None
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """When the recorder ran."""

    epoch: int
    started: Utc
    seen: Utc
    clean: bool


@dataclass(frozen=True, slots=True)
class CameraTotal:
    """What a camera's files take."""

    camera_id: str
    size: int
    oldest: Utc
    newest: Utc


@dataclass(frozen=True, slots=True)
class OldFile:
    """A file that retention may look at."""

    path: str
    camera_id: str
    first_utc: Utc
    end_utc: Utc
    size: int


_COLUMNS = "path, first_utc, end_utc, size, closed, init, fragments"


class IndexReader:
    """Answers from any thread; a call blocks for as long as SQLite needs.

    Raises:
        IndexFileError: in each call, when the index can't be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._closed = True
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        try:
            connection = connection or open_for_reading(self._path)
            yield connection
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise IndexFileError(
                "The index can't be read", why=str(error), next="stop the recorder and run `camward recorder reindex`"
            ) from error
        with self._lock:
            if self._closed or len(self._idle) >= 4:
                connection.close()
            else:
                self._idle.append(connection)

    def ranges(self, camera: str, stream: str, *, from_utc: int, to_utc: int) -> list[tuple[Utc, Utc]]:
        """When a camera's files that touch a range begin and end, by their ends."""
        with self._connection() as connection:
            return connection.execute(
                "SELECT first_utc, end_utc FROM segments WHERE camera = ? AND stream = ? AND end_utc > ?"
                " AND end_utc < ? AND first_utc < ? ORDER BY end_utc",
                (camera, stream, from_utc, to_utc + LONGEST, to_utc),
            ).fetchall()

    def segments(
        self, camera: str, stream: str, *, from_utc: int, to_utc: int, limit: int = 100_000
    ) -> list[StoredSegment]:
        """A camera's files that touch a range, by their ends."""
        with self._connection() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM segments WHERE camera = ? AND stream = ? AND end_utc > ?"  # noqa: S608
                " AND end_utc < ? AND first_utc < ? ORDER BY end_utc LIMIT ?",
                (camera, stream, from_utc, to_utc + LONGEST, to_utc, limit),
            ).fetchall()
        return [_segment(row) for row in rows]

    def edge(self, camera: str, stream: str, *, from_utc: int, to_utc: int, last: bool) -> tuple[Utc, Utc] | None:
        """When the first or the last file that touches a range begins and ends."""
        order = "DESC" if last else "ASC"
        with self._connection() as connection:
            found: tuple[Utc, Utc] | None = connection.execute(
                "SELECT first_utc, end_utc FROM segments WHERE camera = ? AND stream = ? AND end_utc > ?"  # noqa: S608
                f" AND end_utc < ? AND first_utc < ? ORDER BY end_utc {order} LIMIT 1",
                (camera, stream, from_utc, to_utc + LONGEST, to_utc),
            ).fetchone()
        return found

    def init(self, number: int) -> bytes:
        """The bytes of an init segment."""
        with self._connection() as connection:
            found = connection.execute("SELECT data FROM inits WHERE id = ?", (number,)).fetchone()
        if found is None:
            raise IndexFileError("The index lacks an init segment", next="run `camward recorder reindex`")
        return bytes(found[0])

    def outages(self, camera: str, stream: str, *, from_utc: int, to_utc: int) -> list[Outage]:
        """Outages that touch a range, in order."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT from_utc, to_utc, state, reason FROM outages WHERE camera = ? AND stream = ? AND from_utc < ?"
                " AND (to_utc IS NULL OR to_utc > ?) ORDER BY from_utc, id",
                (camera, stream, to_utc, from_utc),
            ).fetchall()
        return [Outage(*row) for row in rows]

    def runs(self) -> list[Run]:
        """All runs, oldest first."""
        with self._connection() as connection:
            rows = connection.execute("SELECT epoch, started, seen, clean FROM runs ORDER BY epoch").fetchall()
        return [Run(epoch, started, seen, bool(clean)) for epoch, started, seen, clean in rows]

    def last_epoch(self) -> int:
        """The highest epoch of any run, and of the newest files."""
        with self._connection() as connection:
            (found,) = connection.execute(
                "SELECT max(coalesce((SELECT max(epoch) FROM runs), 0), coalesce((SELECT max(epoch) FROM"
                " (SELECT epoch FROM segments ORDER BY first_utc DESC LIMIT 1000)), 0))"
            ).fetchone()
        return int(found)

    def unfinished(self) -> list[str]:
        """Files that were growing when the recorder was last seen."""
        with self._connection() as connection:
            return [path for (path,) in connection.execute("SELECT path FROM segments WHERE closed = 0")]

    def known(self, folder: str) -> dict[str, int]:
        """Path and acknowledged size of each file below a folder of recordings ("camera" or "camera/2026-01-31/05")."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT path, size FROM segments WHERE path >= ? AND path < ?", (f"{folder}/", f"{folder}0")
            )
            return dict(rows.fetchall())

    def cameras(self) -> list[str]:
        """Every camera of which there are files."""
        with self._connection() as connection:
            return [one for (one,) in connection.execute("SELECT DISTINCT camera FROM segments ORDER BY camera")]

    def totals(self) -> list[CameraTotal]:
        """What each camera's files take."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT camera, sum(size), min(first_utc), max(end_utc) FROM segments GROUP BY camera ORDER BY camera"
            )
            return [CameraTotal(*row) for row in rows]

    def stored_since(self, since: Utc) -> dict[str, int]:
        """Bytes of each camera's files that began after a time."""
        with self._connection() as connection:
            return dict(
                connection.execute(
                    "SELECT camera, sum(size) FROM segments WHERE first_utc >= ? GROUP BY camera", (since,)
                ).fetchall()
            )

    def oldest(self, *, before: int, limit: int, camera: str | None = None) -> list[OldFile]:
        """Closed files that begin before a time, of one camera or of all, oldest first."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT path, camera, first_utc, end_utc, size FROM segments WHERE closed = 1 AND first_utc < ?"
                " AND (? IS NULL OR camera = ?) ORDER BY first_utc LIMIT ?",
                (before, camera, camera, limit),
            ).fetchall()
        return [OldFile(*row) for row in rows]

    def all_rows(self) -> list[tuple[object, ...]]:
        """All that is known of files, by path: to compare two indexes."""
        with self._connection() as connection:
            return connection.execute(
                "SELECT path, camera, stream, recorder, epoch, sequence, key_id, first_utc, end_utc, size, closed,"
                " inits.data, fragments FROM segments JOIN inits ON inits.id = init ORDER BY path"
            ).fetchall()


def _segment(row: tuple[str, Utc, Utc, int, int, int, bytes]) -> StoredSegment:
    path, first, end, size, closed, init, packed = row
    return StoredSegment(path, first, end, size, bool(closed), init, packed)
