"""Is the journal as it was written? A report with the first broken line and the reason, never a bare yes or no.

What a hash chain alone shows: any change, removal, insertion or reordering before the last entry. What it can't show:
that the newest entries were cut off, or that everything was written anew. For that, a `Head` kept elsewhere is
given to `verify_journal`; signed heads will be such.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from camward.journal.entry import FIRST_PREVIOUS, Entry, JournalError, JournalLimits, read_line
from camward.journal.parts import first_of, part_paths, read_part

TRIMMED = "journal_trimmed"
"""Kind of the entry that explains why the oldest entries are gone."""


class JournalVerdict(StrEnum):
    """How a journal was found."""

    WHOLE = "whole"
    EMPTY = "empty"
    TORN = "torn"
    """Whole, but for a write at the very end that was under way or that a power cut tore."""
    BROKEN = "broken"


class BreakReason(StrEnum):
    """Why a line breaks the chain."""

    NOT_AN_ENTRY = "not_an_entry"
    WRONG_PLACE = "wrong_place"
    CHAIN = "chain"
    START_MISSING = "start_missing"
    END_MISSING = "end_missing"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry that somebody knows of: its number and its hash."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Break:
    """The first broken line.

    Args:
        part: file name.
        line: in it, from 1; 0 for the part as a whole.
        seq: number that the entry should have had.
        reason: kind of break.
        text: in words.
    """

    part: str
    line: int
    seq: int
    reason: BreakReason
    text: str


@dataclass(frozen=True, slots=True)
class JournalReport:
    """What `verify_journal` found.

    Args:
        verdict: see `JournalVerdict`.
        entries: how many entries are proved to be as written, counted from the oldest.
        first: number of the oldest entry; more than 1 after trimming.
        head: the newest proved entry.
        broken: the first break; None unless BROKEN.
    """

    verdict: JournalVerdict
    entries: int
    first: int
    head: Head | None
    broken: Break | None = None


@dataclass(slots=True)
class _Walk:
    """The chain as far as it is proved."""

    seq: int = 0
    previous: str = FIRST_PREVIOUS
    first: int = 0
    entries: int = 0
    start: tuple[int, str] | None = None
    explained: bool = False
    known: Head | None = None
    known_met: bool = False

    def take(self, entry: Entry) -> tuple[BreakReason, str] | None:
        if self.first == 0:
            self.first, self.seq, self.previous = entry.seq, entry.seq - 1, entry.prev
            self.start = (entry.seq - 1, entry.prev)
            self.explained = self.start == (0, FIRST_PREVIOUS)
        if entry.seq != self.seq + 1:
            return BreakReason.WRONG_PLACE, f"entry {entry.seq} stands where {self.seq + 1} belongs"
        if entry.prev != self.previous:
            return BreakReason.CHAIN, "the entry does not continue the one before it"
        self.seq, self.previous, self.entries = entry.seq, entry.hash, self.entries + 1
        if entry.kind == TRIMMED and self.start == (entry.details.get("up_to"), entry.details.get("hash")):
            self.explained = True
        if self.known and self.known.seq == entry.seq and self.known.hash == entry.hash:
            self.known_met = True
        return None


def verify_journal(folder: Path, *, known: Head | None = None, limits: JournalLimits | None = None) -> JournalReport:
    """Check every line, oldest first, up to the first break.

    Args:
        folder: the journal's.
        known: a head kept elsewhere; the journal must contain it.
        limits: as it was written with.

    Raises:
        OSError: it can't be read.
    """
    limits = limits or JournalLimits()
    walk = _Walk(known=known)
    parts = part_paths(folder)
    torn = False
    for path in parts:
        part = read_part(path, limits)
        broken = _check_part(walk, path, part.lines)
        if broken is None and part.tail:
            torn = path is parts[-1]
            if not torn:
                text = "the part ends in the middle of a line"
                broken = Break(path.name, len(part.lines) + 1, walk.seq + 1, BreakReason.NOT_AN_ENTRY, text)
        if broken is not None:
            return _report(walk, JournalVerdict.BROKEN, broken)
    broken = _check_ends(walk, parts)
    if broken is not None:
        return _report(walk, JournalVerdict.BROKEN, broken)
    whole = JournalVerdict.WHOLE if walk.entries else JournalVerdict.EMPTY
    return _report(walk, JournalVerdict.TORN if torn else whole, None)


def _check_part(walk: _Walk, path: Path, lines: list[bytes]) -> Break | None:
    expected = walk.seq + 1
    if walk.entries and lines and first_of(path) != expected:
        text = f"the part should begin with entry {expected}"
        return Break(path.name, 0, expected, BreakReason.WRONG_PLACE, text)
    for number, entry in _entries(lines):
        if isinstance(entry, JournalError):
            return Break(path.name, number, walk.seq + 1, BreakReason.NOT_AN_ENTRY, entry.what)
        found = walk.take(entry)
        if found is not None:
            return Break(path.name, number, walk.seq + 1, *found)
    if walk.entries and lines and walk.entries == len(lines) and first_of(path) != walk.first:
        text = f"the part's name says {first_of(path)}, its first entry {walk.first}"
        return Break(path.name, 0, walk.first, BreakReason.WRONG_PLACE, text)
    return None


def _entries(lines: list[bytes]) -> Iterator[tuple[int, Entry | JournalError]]:
    for number, line in enumerate(lines, 1):
        try:
            yield number, read_line(line)
        except JournalError as error:
            yield number, error


def _check_ends(walk: _Walk, parts: list[Path]) -> Break | None:
    if walk.entries and not walk.explained:
        text = f"the entries before {walk.first} are gone, and no entry says why"
        return Break(parts[0].name, 1, 1, BreakReason.START_MISSING, text)
    if walk.known and not walk.known_met and walk.known.seq >= walk.first:
        name = parts[-1].name if parts else ""
        text = f"entry {walk.known.seq}, known from elsewhere, is missing or another one"
        return Break(name, 0, walk.known.seq, BreakReason.END_MISSING, text)
    return None


def _report(walk: _Walk, verdict: JournalVerdict, broken: Break | None) -> JournalReport:
    head = Head(walk.seq, walk.previous) if walk.entries else None
    return JournalReport(verdict, walk.entries, walk.first, head, broken)
