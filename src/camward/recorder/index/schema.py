"""The index file: opened, made, or brought to the present schema step by step."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from pathlib import Path

from camward.recorder.errors import IndexFileError

UPGRADES: dict[int, str] = {}
"""Schema number -> SQL that makes the next one of it. A new schema changes schema.sql and adds its step here."""


def newest_schema() -> int:
    """The number of the schema in schema.sql."""
    return max(UPGRADES, default=0) + 1


def open_for_writing(path: Path) -> sqlite3.Connection:
    """A connection that may write; the file is made or upgraded if need be. Use it in one thread.

    Raises:
        IndexFileError: it is damaged, or newer than this software.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        upgrade(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _unusable(error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that can't write. Use it in one thread at a time.

    Raises:
        IndexFileError: there is no index, or it is damaged.
    """
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.DatabaseError as error:
        raise _unusable(error) from error
    return connection


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring the schema to the newest, all steps in one transaction: done or not begun.

    Raises:
        IndexFileError: the file is newer than this software.
    """
    newest = newest_schema()
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    if number > newest:
        raise IndexFileError(
            f"The index has schema {number}, this software knows {newest}",
            why="a newer version wrote it",
            next="run the newer version, or `camward recorder reindex` with this one",
            newer=True,
        )
    if number == newest:
        return
    steps = [files(__package__).joinpath("schema.sql").read_text()] if number == 0 else []
    steps += [UPGRADES[step] for step in range(number, newest)] if number else []
    script = "\n".join(["BEGIN IMMEDIATE;", *steps, f"PRAGMA user_version = {newest};", "COMMIT;"])
    try:
        connection.executescript(script)
    except BaseException:
        if connection.in_transaction:
            connection.rollback()
        raise


def _unusable(error: sqlite3.Error) -> IndexFileError:
    return IndexFileError(
        "The index can't be used", why=str(error), next="stop the recorder and run `camward recorder reindex`"
    )
