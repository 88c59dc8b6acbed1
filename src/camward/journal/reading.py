"""Reading the journal from its end, by filters; needs no lock, so a console may read while the device writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from camward.base.clock import Utc
from camward.journal.entry import Entry, JournalError, JournalLimits, read_line
from camward.journal.parts import part_paths, read_part


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Which entries are wanted; what is None does not matter.

    Args:
        before: those with a smaller `seq`: the next page.
        kind: this kind.
        who: by this name.
        since: at or after; nanoseconds.
        until: before; nanoseconds.
        text: contained in `what`, `who` or `where`, in any case.
    """

    before: int | None = None
    kind: str | None = None
    who: str | None = None
    since: Utc | None = None
    until: Utc | None = None
    text: str = ""

    def fits(self, entry: Entry) -> bool:
        """Whether an entry is wanted."""
        return (
            (self.before is None or entry.seq < self.before)
            and (self.kind is None or entry.kind == self.kind)
            and (self.who is None or entry.who == self.who)
            and (self.since is None or entry.utc >= self.since)
            and (self.until is None or entry.utc < self.until)
            and self.text.lower() in f"{entry.what}\n{entry.who}\n{entry.where}".lower()
        )


def read_entries(
    folder: Path, wanted: JournalFilter | None = None, *, limit: int = 100, limits: JournalLimits | None = None
) -> list[Entry]:
    """Entries, newest first, `limit` at most. Lines that are no entries are left out; `verify_journal` names them."""
    wanted = wanted or JournalFilter()
    fitting = (entry for entry in _backwards(folder, limits or JournalLimits()) if wanted.fits(entry))
    return list(islice(fitting, max(0, limit)))


def _backwards(folder: Path, limits: JournalLimits) -> Iterator[Entry]:
    for path in reversed(part_paths(folder)):
        try:
            lines = read_part(path, limits).lines
        except FileNotFoundError:  # the writer dropped the oldest part meanwhile
            continue
        for line in reversed(lines):
            try:
                yield read_line(line)
            except JournalError:
                continue
