"""Fuzz target: any bytes as a recorded file are read, or are an `Mp4Error`; what recovery keeps of them is whole."""

from __future__ import annotations

import sys
from pathlib import Path

from camward.media.mp4.boxes import Mp4Error
from camward.media.mp4.reader import FileFragment, Mp4File, TrackInfo
from camward.media.mp4.recovery import snapshot, whole_part
from camward.recorder.fragment_list import init_segment, pack_entry, read_entries, unpack_entries


def TestOneInput(data: bytes) -> None:  # noqa: N802 (the name that the fuzzer calls)
    """One input; it is read as a file of anybody's, and recovered as one of ours."""
    try:
        file = Mp4File.scan(data)
        init_segment(data)
        for sample in file.samples():
            file.read(sample)
    except Mp4Error:
        pass
    kept = whole_part(data)
    assert kept.size + kept.cut == len(data)
    if kept.empty:
        assert kept.patch is None
        return
    again = snapshot(data)
    assert len(again) == kept.size
    twice = whole_part(again)
    assert (twice.fragments, twice.cut, twice.patch) == (kept.fragments, 0, kept.patch)
    try:
        _index(kept.fragments, kept.tracks)
    except Mp4Error:
        pass


def _index(fragments: tuple[FileFragment, ...], tracks: tuple[TrackInfo, ...]) -> None:
    """What the index keeps of a file comes back as it was."""
    entries = read_entries(fragments, tracks)
    if entries:
        first = entries[0].utc
        packed = b"".join(pack_entry(entry, first_utc=first) for entry in entries)
        assert list(unpack_entries(packed, first_utc=first)) == entries


TestOneInput.__test__ = False  # type: ignore[attr-defined]  # not a pytest test

if __name__ == "__main__":
    import atheris

    corpus = Path(__file__).parent / "corpus" / "mp4"
    atheris.instrument_all()
    atheris.Setup([*sys.argv, str(corpus)], TestOneInput)
    atheris.Fuzz()
