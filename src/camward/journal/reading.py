"""Reading the journal from its end, by filters; needs no lock, so a console may read while the device writes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from camward.base.clock import Utc
from camward.journal.entry import Entry, JournalError, JournalLimits, read_line
from camward.journal.parts import part_paths, read_part


def read_entries(
    folder: Path,
    *,
    limit: int = 100,
    before: int | None = None,
    kind: str | None = None,
    who: str | None = None,
    since: Utc | None = None,
    until: Utc | None = None,
    text: str | None = None,
    limits: JournalLimits | None = None,
) -> list[Entry]:
    """Entries, newest first. Lines that are no entries are left out here; `verify_journal` names them.

    Args:
        limit: most entries returned.
        before: only entries with a smaller `seq`: the next page.
        kind: this kind only.
        who: by this name only.
        since: at or after; nanoseconds.
        until: before; nanoseconds.
        text: contained in `what`, `who` or `where`, in any case.
    """
    limits = limits or JournalLimits()
    wanted = text.lower() if text else ""

    def fits(entry: Entry) -> bool:
        return (
            (before is None or entry.seq < before)
            and (kind is None or entry.kind == kind)
            and (who is None or entry.who == who)
            and (since is None or entry.utc >= since)
            and (until is None or entry.utc < until)
            and (not wanted or wanted in f"{entry.what}\n{entry.who}\n{entry.where}".lower())
        )

    return list(islice((entry for entry in _backwards(folder, limits) if fits(entry)), max(0, limit)))


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
