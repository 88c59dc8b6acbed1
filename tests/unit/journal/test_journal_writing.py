"""The journal as a device uses it: written, read back, recovered after a power cut, bounded."""

import asyncio
import errno
import json
import os
import stat
import threading

import pytest

from camward.base.clock import ManualClock, SystemClock
from camward.base.secret import Secret
from camward.journal import (
    BreakReason,
    Entry,
    Head,
    Journal,
    JournalError,
    JournalFilter,
    JournalLimits,
    JournalVerdict,
    read_entries,
    verify_journal,
)
from camward.journal.entry import read_line, seal_entry

SMALL = JournalLimits(part=1000, parts=3)


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path / "journal", ManualClock())
    yield made
    made.close()


def fill(journal: Journal, count: int) -> None:
    for number in range(count):
        journal.append("tested", who="ann", where="127.0.0.1", what=f"did {number}", details={"number": number})


def reopened(journal: Journal, **limits) -> Journal:
    journal.close()
    return Journal(journal.folder, ManualClock(), **limits)


def test_an_entry_is_on_the_disk_chained_and_readable_by_people(journal):
    first = journal.append(
        "settings_changed", who="ann", where="::1", what="port", details={"old": 1, "new": [2, None]}
    )
    second = journal.append("login", who="bob", what="in")
    (part,) = journal.folder.glob("*.jsonl")
    lines = [json.loads(line) for line in part.read_text().splitlines()]
    assert lines[0]["who"] == "ann"
    assert lines[0]["details"] == {"old": 1, "new": [2, None]}
    assert (second.seq, second.prev) == (2, first.hash)
    assert journal.head == Head(2, second.hash)
    assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(part.stat().st_mode) == 0o600
    assert journal.verify().verdict is JournalVerdict.WHOLE


def test_a_new_journal_is_empty_and_says_so(journal):
    assert journal.verify().verdict is JournalVerdict.EMPTY
    assert journal.read() == []
    assert verify_journal(journal.folder / "absent").verdict is JournalVerdict.EMPTY


def test_it_goes_on_after_a_restart(journal):
    fill(journal, 3)
    again = reopened(journal)
    fill(again, 2)
    report = again.verify()
    again.close()
    assert (report.verdict, report.entries, report.first) == (JournalVerdict.WHOLE, 5, 1)


@pytest.mark.parametrize(
    "details",
    [{"password": Secret("swordfish")}, {"a": {"b": [Secret(b"x")]}}, {"big": 1 << 60}, {"bytes": b"x"}, {1: 2}],
)
def test_what_must_not_or_can_t_be_written_is_refused_and_leaves_no_trace(journal, details):
    with pytest.raises(JournalError) as caught:
        journal.append("x", who="ann", what="y", details=details)
    assert "swordfish" not in caught.value.diagnostics()
    with pytest.raises(JournalError):
        journal.append("x", who=Secret("swordfish"), what="y")
    assert journal.verify().verdict is JournalVerdict.EMPTY


@pytest.mark.parametrize("kind", ["", "A", "a b", "a" * 65, "a\n"])
def test_a_kind_is_a_stable_name(journal, kind):
    with pytest.raises(JournalError):
        journal.append(kind, who="ann", what="y")


def test_long_texts_are_shortened_and_odd_ones_survive(journal):
    entry = journal.append("x", who="a" * 1000, what="\udcff\n\0" + "b" * 9000, details={"f": 0.5})
    assert (len(entry.who), len(entry.what), entry.who[-1]) == (256, 2000, "…")
    assert entry.details == {"f": "0.5"}
    assert journal.read() == [entry]
    assert journal.verify().verdict is JournalVerdict.WHOLE


def test_an_entry_that_is_too_long_is_refused(journal):
    with pytest.raises(JournalError, match="longer"):
        journal.append("x", who="a", what="b", details={str(n): "c" * 60_000 for n in range(2)})
    deep: list[object] = []
    for _ in range(20):
        deep = [deep]
    with pytest.raises(JournalError, match="deep"):
        journal.append("x", who="a", what="b", details={"d": deep})


def test_reading_filters_from_the_end(journal):
    clock = journal._clock
    fill(journal, 5)
    clock.advance(100)
    journal.append("login_failed", who="Bob", where="10.0.0.9", what="wrong password")
    fill(journal, 2)
    assert [entry.seq for entry in journal.read(limit=3)] == [8, 7, 6]
    assert [entry.seq for entry in journal.read(JournalFilter(before=6), limit=3)] == [5, 4, 3]
    assert [entry.seq for entry in journal.read(JournalFilter(kind="login_failed"))] == [6]
    assert [entry.seq for entry in journal.read(JournalFilter(who="Bob"))] == [6]
    assert [entry.seq for entry in journal.read(JournalFilter(text="10.0.0.9"))] == [6]
    assert [entry.seq for entry in journal.read(JournalFilter(text="BOB"))] == [6]
    assert [entry.seq for entry in journal.read(JournalFilter(since=clock.utc()))] == [8, 7, 6]
    assert [entry.seq for entry in journal.read(JournalFilter(until=clock.utc()))] == [5, 4, 3, 2, 1]
    assert journal.read(limit=0) == []


def test_parts_are_begun_and_the_oldest_are_dropped_with_an_entry_that_says_so(tmp_path):
    journal = Journal(tmp_path, ManualClock(), limits=SMALL)
    fill(journal, 40)
    parts = sorted(tmp_path.glob("*.jsonl"))
    report = journal.verify()
    assert len(parts) == 3
    assert all(part.stat().st_size <= 2 * SMALL.part for part in parts)
    assert report.verdict is JournalVerdict.WHOLE
    assert report.first == int(parts[0].stem) > 1
    assert journal.read(JournalFilter(kind="journal_trimmed"))[0].details["up_to"] == report.first - 1
    again = reopened(journal, limits=SMALL)
    fill(again, 5)
    assert again.verify().verdict is JournalVerdict.WHOLE
    again.close()


def test_dropping_the_oldest_part_by_hand_is_found(tmp_path):
    journal = Journal(tmp_path, ManualClock(), limits=JournalLimits(part=1000))
    fill(journal, 20)
    min(tmp_path.glob("*.jsonl")).unlink()
    report = journal.verify()
    journal.close()
    assert report.broken.reason is BreakReason.START_MISSING


def test_a_power_cut_while_trimming_is_finished_at_the_next_start(tmp_path):
    journal = Journal(tmp_path, ManualClock(), limits=JournalLimits(part=1000))
    fill(journal, 30)
    again = reopened(journal, limits=SMALL)
    assert len(list(tmp_path.glob("*.jsonl"))) == 3
    assert again.verify().verdict is JournalVerdict.WHOLE
    again.close()


def test_a_known_head_shows_that_the_end_was_cut_off(journal):
    fill(journal, 5)
    known = journal.head
    fill(journal, 1)
    assert journal.verify(known=known).verdict is JournalVerdict.WHOLE
    (part,) = journal.folder.glob("*.jsonl")
    part.write_bytes(b"".join(part.read_bytes().splitlines(keepends=True)[:4]))
    assert journal.verify().verdict is JournalVerdict.WHOLE
    report = journal.verify(known=known)
    assert (report.verdict, report.broken.reason) == (JournalVerdict.BROKEN, BreakReason.END_MISSING)


def test_a_broken_end_is_not_hidden_and_the_device_goes_on(journal):
    fill(journal, 3)
    (part,) = journal.folder.glob("*.jsonl")
    part.write_bytes(part.read_bytes().replace(b"did 2", b"did 9"))
    again = reopened(journal)
    fill(again, 1)
    report = again.verify()
    assert again.read(JournalFilter(kind="journal_broken"))
    again.close()
    assert (report.entries, report.broken.line, report.broken.reason) == (2, 3, BreakReason.NOT_AN_ENTRY)
    assert "hash" in report.broken.text


def rewritten(entry: Entry, **changes) -> bytes:
    """An entry as somebody would forge it, with the right hash of its own."""
    fields = {field: getattr(entry, field) for field in Entry.__slots__ if field != "hash"}
    return seal_entry(**{**fields, **changes}, limits=JournalLimits())[1]


def test_an_entry_forged_with_its_own_right_hash_breaks_the_next(journal):
    fill(journal, 3)
    (part,) = journal.folder.glob("*.jsonl")
    lines = part.read_bytes().splitlines(keepends=True)
    lines[1] = rewritten(journal.read()[1], what="did nothing")
    part.write_bytes(b"".join(lines))
    report = journal.verify()
    assert (report.entries, report.broken.line, report.broken.seq) == (2, 3, 3)
    assert report.broken.reason is BreakReason.CHAIN


def test_an_entry_with_a_skipped_number_is_in_the_wrong_place(journal):
    fill(journal, 2)
    (part,) = journal.folder.glob("*.jsonl")
    lines = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(lines[0] + rewritten(journal.read()[0], seq=3))
    assert journal.verify().broken.reason is BreakReason.WRONG_PLACE


def test_a_renamed_part_is_found(journal):
    fill(journal, 2)
    (part,) = journal.folder.glob("*.jsonl")
    part.rename(part.with_name("000000000007.jsonl"))
    assert journal.verify().broken.reason is BreakReason.WRONG_PLACE


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[]", b"[" * 5000, b'{"seq":1}', b"\xff", b"1" * 5000], ids=lambda line: repr(line[:9])
)
def test_a_line_that_is_no_entry_is_a_verdict_not_a_crash(journal, line):
    fill(journal, 1)
    (part,) = journal.folder.glob("*.jsonl")
    with part.open("ab") as file:
        file.write(line + b"\n")
    report = journal.verify()
    assert (report.entries, report.broken.line, report.broken.reason) == (1, 2, BreakReason.NOT_AN_ENTRY)
    assert len(journal.read()) == 1


@pytest.mark.parametrize("changes", [{"seq": True}, {"utc": "1"}, {"details": []}, {"who": None}, {"extra": 1}])
def test_fields_have_their_types(journal, changes):
    entry = journal.append("x", who="ann", what="y")
    body = {name: getattr(entry, name) for name in Entry.__slots__} | changes
    with pytest.raises(JournalError):
        read_line(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())


def test_one_process_writes_and_others_read(journal):
    fill(journal, 2)
    with pytest.raises(JournalError, match="in use"):
        Journal(journal.folder, ManualClock())
    assert len(read_entries(journal.folder)) == 2
    fill(journal, 1)


def test_a_write_under_way_is_torn_for_a_reader_not_broken(journal):
    fill(journal, 2)
    (part,) = journal.folder.glob("*.jsonl")
    with part.open("ab") as file:
        file.write(b'{"seq":3')
    report = verify_journal(journal.folder)
    assert (report.verdict, report.entries) == (JournalVerdict.TORN, 2)


@pytest.mark.parametrize("failing", ["write", "fdatasync"])
def test_a_full_or_failing_disk_is_an_error_and_the_journal_stays_whole(journal, monkeypatch, failing):
    fill(journal, 2)
    real = os.write

    def fail(descriptor, *data):
        if data:
            real(descriptor, bytes(data[0])[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, failing, fail)
        with pytest.raises(JournalError, match="can't be written") as caught:
            fill(journal, 1)
    assert "No space" in caught.value.diagnostics()
    fill(journal, 1)
    report = journal.verify()
    assert (report.verdict, report.entries) == (JournalVerdict.WHOLE, 3)


def test_zeros_where_a_block_was_never_written_are_cut_off(journal):
    fill(journal, 2)
    (part,) = journal.folder.glob("*.jsonl")
    with part.open("ab") as file:
        file.write(b"\0" * 300 + b'tail"}\n')
    again = reopened(journal)
    report, newest = again.verify(), again.read(limit=1)[0]
    again.close()
    assert (report.verdict, report.entries) == (JournalVerdict.WHOLE, 3)
    assert newest.kind == "journal_recovered"


async def test_an_event_loop_is_not_held_up(tmp_path):
    journal = Journal(tmp_path, SystemClock())
    threads = set()
    real = journal._write

    def slow(line):
        threads.add(threading.current_thread().name)
        real(line)

    journal._write = slow
    entries = await asyncio.gather(*(journal.record("x", who="a", what=str(n)) for n in range(20)))
    assert [entry.seq for entry in entries] == list(range(1, 21))
    assert threads == {"journal_0"}
    assert journal.verify().entries == 20
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.append("x", who="a", what="b")


def test_many_threads_make_one_chain(journal):
    workers = [threading.Thread(target=fill, args=(journal, 25)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    report = journal.verify()
    assert (report.verdict, report.entries) == (JournalVerdict.WHOLE, 100)
