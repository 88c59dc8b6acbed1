"""Fragmented MP4: boxes, the recorder's stored form, its recovery, and a reader for ours and others' files."""
