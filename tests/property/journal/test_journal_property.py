"""No change to a journal goes unseen, and every truncation is recovered from."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from camward.base.clock import ManualClock
from camward.journal import Journal, JournalLimits, JournalVerdict, verify_journal

LIMITS = JournalLimits(part=1500)
ENTRIES = 12


@pytest.fixture(scope="module")
def written() -> Iterator[dict[str, bytes]]:
    """A journal of three parts or so: file name -> bytes."""
    folder = Path(tempfile.mkdtemp())
    journal = Journal(folder, ManualClock(), limits=LIMITS)
    for number in range(ENTRIES):
        journal.append("tested", who="ann", where="::1", what=f"did it {number} ü", details={"a": [1, True, None, "x"]})
    journal.close()
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.jsonl"))}
    shutil.rmtree(folder)
    assert len(files) >= 3
    yield files


@contextmanager
def folder_of(files: dict[str, bytes]) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    try:
        for name, data in files.items():
            (folder / name).write_bytes(data)
        yield folder
    finally:
        shutil.rmtree(folder)


def verdict(files: dict[str, bytes]) -> JournalVerdict:
    with folder_of(files) as folder:
        report = verify_journal(folder, limits=LIMITS)
        assert (report.broken is not None) == (report.verdict is JournalVerdict.BROKEN)
        return report.verdict


def lines_of(files: dict[str, bytes]) -> list[tuple[str, bytes]]:
    return [(name, line) for name, data in files.items() for line in data.splitlines(keepends=True)]


def files_of(lines: list[tuple[str, bytes]], names: dict[str, bytes]) -> dict[str, bytes]:
    return {name: b"".join(line for owner, line in lines if owner == name) for name in names}


def test_untouched_it_is_whole(written):
    assert verdict(written) is JournalVerdict.WHOLE


@settings(max_examples=400)
@given(st.data())
def test_any_flipped_byte_is_found(written, data):
    name = data.draw(st.sampled_from(sorted(written)))
    at = data.draw(st.integers(0, len(written[name]) - 1))
    mask = data.draw(st.integers(1, 255))
    body = bytearray(written[name])
    body[at] ^= mask
    found = verdict({**written, name: bytes(body)})
    # A last line that lost its newline, or got a NUL, looks like a torn write: reported too, as what it looks like.
    in_last_line = name == max(written) and at >= written[name].rstrip(b"\n").rfind(b"\n")
    assert found is JournalVerdict.BROKEN or (found is JournalVerdict.TORN and in_last_line)


@given(st.integers(0, ENTRIES - 2))
def test_any_removed_line_but_the_newest_is_found(written, at):
    lines = lines_of(written)
    del lines[at]
    assert verdict(files_of(lines, written)) is JournalVerdict.BROKEN


@given(st.integers(0, ENTRIES - 1), st.integers(0, ENTRIES))
def test_any_repeated_line_is_found(written, source, target):
    lines = lines_of(written)
    owner = lines[min(target, ENTRIES - 1)][0]
    lines.insert(target, (owner, lines[source][1]))
    assert verdict(files_of(lines, written)) is JournalVerdict.BROKEN


@given(st.integers(0, ENTRIES - 1), st.integers(0, ENTRIES - 1))
def test_any_swapped_lines_are_found(written, first, second):
    if first == second:
        return
    lines = lines_of(written)
    (a, one), (b, two) = lines[first], lines[second]
    lines[first], lines[second] = (a, two), (b, one)
    assert verdict(files_of(lines, written)) is JournalVerdict.BROKEN


@given(st.data())
def test_a_missing_part_but_the_newest_is_found(written, data):
    name = data.draw(st.sampled_from(sorted(written)[:-1]))
    assert verdict({other: body for other, body in written.items() if other != name}) is JournalVerdict.BROKEN


@settings(max_examples=150)
@given(st.data())
def test_every_truncation_recovers(written, data):
    newest = max(written)
    cut = data.draw(st.integers(0, len(written[newest])))
    files = {**written, newest: written[newest][:cut]}
    whole = sum(body.count(b"\n") for body in files.values())
    torn = not files[newest].endswith(b"\n") and cut > 0
    with folder_of(files) as folder:
        journal = Journal(folder, ManualClock(), limits=LIMITS)
        journal.append("after", who="ann", what="the power came back")
        report, kinds = journal.verify(), [entry.kind for entry in journal.read(limit=2)]
        journal.close()
    assert (report.verdict, report.entries) == (JournalVerdict.WHOLE, whole + 1 + torn)
    assert kinds == ["after", "journal_recovered" if torn else "tested"]
