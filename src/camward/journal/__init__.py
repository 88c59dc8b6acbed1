"""The tamper-evident audit log: who did what, when, from where; each entry is bound to all before it."""

from camward.journal.entry import Entry, JournalError, JournalLimits
from camward.journal.journal import Journal
from camward.journal.reading import JournalFilter, read_entries
from camward.journal.verdict import Break, BreakReason, Head, JournalReport, JournalVerdict, verify_journal

__all__ = [
    "Break",
    "BreakReason",
    "Entry",
    "Head",
    "Journal",
    "JournalError",
    "JournalFilter",
    "JournalLimits",
    "JournalReport",
    "JournalVerdict",
    "read_entries",
    "verify_journal",
]
