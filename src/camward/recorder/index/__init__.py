"""The recorder's index: SQLite, written by one thread, rebuildable from the recordings."""

from camward.recorder.index.reader import IndexReader
from camward.recorder.index.writer import IndexWriter

__all__ = ["IndexReader", "IndexWriter"]
