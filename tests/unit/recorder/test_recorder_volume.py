"""A disk that is full, failing or slow: recording stops loudly, nothing is corrupt, and it goes on by itself."""

import errno
import threading
import time

import pytest

from camward.base.clock import SystemClock
from camward.media.mp4.reader import Mp4File
from camward.recorder.fragment_list import unpack_entries
from camward.recorder.status import VolumeState
from camward.recorder.volume import Volume, VolumeLimits

LIMITS = VolumeLimits(stop_below=20_000, resume_above=60_000, retry=0.05, check=0.02)


class Rig:
    """A volume with all that it tells."""

    def __init__(self, root, files, limits=LIMITS) -> None:
        self.rows, self.states, self.removed = {}, [], []
        self.volume = Volume(
            root,
            files,
            SystemClock(),
            on_stored=lambda rows: self.rows.update((row.path, row) for row in rows),
            on_removed=self.removed.extend,
            on_state=lambda state, reason: self.states.append((state, reason)),
            limits=limits,
        )

    def __enter__(self):
        self.volume.start()
        return self

    def __exit__(self, *_):
        self.volume.close()

    def until(self, condition, seconds=5.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.005)

    def check_files(self, root) -> None:
        """Every file on the disk is whole, and holds at least what was acknowledged."""
        on_disk = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.mp4")}
        assert on_disk.keys() == self.rows.keys()
        for path, row in self.rows.items():
            file = Mp4File.scan(on_disk[path])
            told = list(unpack_entries(row.fragments, first_utc=row.origin.first_utc))
            assert [(one.offset, one.size) for one in told] == [(one.start, one.size) for one in file.fragments]
            assert row.size == len(on_disk[path])


def feed(one, volume, units, form) -> None:
    """As fast as the volume can take it, so that each fragment is a round."""
    one.segmenter.format(form)
    for unit in units:
        one.segmenter.take(unit)
        volume.settle()


def test_all_is_stored_and_closed(root, failing_files, cutter, pictures, video_form):
    with Rig(root, failing_files) as rig:
        one = cutter(rig.volume, segment=10.0)
        feed(one, rig.volume, pictures(30), video_form)
        one.segmenter.end()
    assert [row.closed for row in rig.rows.values()] == [True] * 3
    rig.check_files(root)
    assert rig.states == []


def test_closing_flushes_what_waits_and_closes_the_files(root, failing_files, cutter, pictures, video_form):
    with Rig(root, failing_files) as rig:
        one = cutter(rig.volume)
        one.feed(pictures(9), form=video_form, end=False)
    assert [row.closed for row in rig.rows.values()] == [True]
    rig.check_files(root)


@pytest.mark.parametrize("room", [350_000, 351_337, 480_000])
def test_a_full_disk_stops_loudly_and_recording_resumes_with_space(
    root, failing_files, cutter, pictures, video_form, room
):
    """ENOSPC in the middle of a fragment, whatever the free space had promised."""
    failing_files.room = room
    with Rig(root, failing_files, VolumeLimits(stop_below=0, resume_above=60_000, retry=0.05, check=0.02)) as rig:
        one = cutter(rig.volume, segment=6.0)
        units = list(pictures(60, size=2000))
        feed(one, rig.volume, units[:750], video_form)
        assert [state for state, _ in rig.states] == [VolumeState.FULL]
        assert "full" in rig.states[0][1]
        assert not rig.volume.ready()
        stored = sum(row.size for row in rig.rows.values())
        assert 0 < stored <= room
        rig.volume.settle()
        rig.check_files(root)
        oldest = min(rig.rows)
        rig.volume.remove([oldest])
        rig.until(lambda: rig.removed == [oldest])
        rig.rows.pop(oldest)
        failing_files.room = 3_000_000
        rig.until(rig.volume.ready)
        feed(one, rig.volume, units[750:], video_form)
        one.segmenter.end()
    assert [state for state, _ in rig.states] == [VolumeState.FULL, VolumeState.OK]
    rig.check_files(root)
    newest = rig.rows[max(rig.rows)]
    assert newest.end_utc == units[-1].utc + 40_000_000


def test_it_stops_ahead_of_the_last_bytes(root, failing_files, cutter, pictures, video_form):
    failing_files.room = 60_000
    with Rig(root, failing_files) as rig:
        one = cutter(rig.volume)
        one.segmenter.format(video_form)
        for unit in pictures(20):
            one.segmenter.take(unit)
            if unit.key:
                time.sleep(0.05)
        rig.until(lambda: rig.states)
        assert rig.states[0][0] is VolumeState.FULL
        assert failing_files.room > 0
    rig.check_files(root)


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS])
def test_a_failed_flush_is_never_believed(root, failing_files, cutter, pictures, video_form, number):
    with Rig(root, failing_files) as rig:
        one = cutter(rig.volume)
        units = list(pictures(40))
        feed(one, rig.volume, units[:300], video_form)
        before = {path: row.size for path, row in rig.rows.items()}
        failing_files.broken = number
        feed(one, rig.volume, units[300:500], video_form)
        assert [state for state, _ in rig.states] == [VolumeState.FAILED]
        assert {path: row.size for path, row in rig.rows.items()} == before  # nothing more was acknowledged
        time.sleep(0.15)
        assert not rig.volume.ready()
        failing_files.broken = 0
        rig.until(rig.volume.ready)
        assert all(row.closed for row in rig.rows.values())  # recovered before it goes on
        feed(one, rig.volume, units[500:], video_form)
        one.segmenter.end()
    assert [state for state, _ in rig.states] == [VolumeState.FAILED, VolumeState.OK]
    assert len(rig.rows) == 2
    rig.check_files(root)


def test_a_slow_disk_costs_pictures_and_not_memory(root, failing_files, cutter, pictures, video_form):
    gate = threading.Event()
    flush = failing_files.flush

    def slow_flush(descriptor) -> None:
        gate.wait(20)
        flush(descriptor)

    failing_files.flush = slow_flush
    with Rig(root, failing_files, VolumeLimits(waiting=200_000, check=0.02, calm=0.5)) as rig:
        one = cutter(rig.volume)
        units = list(pictures(120, size=2000))
        one.feed(units[:2000], form=video_form, end=False)
        assert [state for state, _ in rig.states] == [VolumeState.SLOW]
        assert rig.volume.dropped > 0
        assert rig.volume._waiting <= 200_000
        gate.set()
        rig.until(rig.volume.ready)
        feed(one, rig.volume, units[2000:], video_form)
        one.segmenter.end()
    assert [state for state, _ in rig.states] == [VolumeState.SLOW, VolumeState.OK]
    rig.check_files(root)
    assert rig.rows[max(rig.rows)].end_utc == units[-1].utc + 40_000_000


def test_one_camera_flushes_do_not_wait_for_each_other(root, failing_files, cutter, pictures, video_form):
    """What comes while a round is flushed makes the next round: rounds grow by themselves."""
    with Rig(root, failing_files) as rig:
        cutters = [cutter(rig.volume, camera=f"c{n}") for n in range(20)]
        for one in cutters:
            one.feed(pictures(8), form=video_form)
    assert len(rig.rows) == 20
    assert failing_files.flushed <= 20 * 4 + 20
    rig.check_files(root)


def test_files_that_fit_no_name_do_not_stop_the_thread(root, failing_files, cutter, pictures, video_form):
    with Rig(root, failing_files) as rig:
        one = cutter(rig.volume, segment=6.0)
        units = list(pictures(20))
        clash = root / "front/2025-10-09/08/20251009T085320.000Z-000001.mp4"
        clash.parent.mkdir(parents=True)
        clash.write_bytes(b"somebody else's")
        feed(one, rig.volume, units[:100], video_form)
        rig.until(rig.volume.ready)
        feed(one, rig.volume, units[100:], video_form)
        one.segmenter.end()
    assert clash.read_bytes() == b"somebody else's"
    clash.unlink()
    rig.check_files(root)
    assert len(rig.rows) >= 2
