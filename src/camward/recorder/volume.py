"""The writer thread of one disk: takes fragments of all cameras, writes and flushes them in rounds.

What arrives while a round is being flushed makes the next round, so that a slow disk gets larger rounds by itself.

States:
    ok      everything is stored
    slow    more waits than may; what does not fit is dropped, and no file is begun until the disk has caught up and
            a while has passed: a disk that is a little too slow must not ring the bell every few seconds
    full    too little space; nothing is written until there is enough again
    failed  a write or a flush failed; the files in hand are given up at what was acknowledged, and the disk is tried
            every few seconds with a file of its own; what was given up is recovered before new files are begun
"""

from __future__ import annotations

import contextlib
import errno
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from camward.base.clock import Clock
from camward.base.errors import ProtocolError
from camward.media.mp4.writer import Fragment
from camward.recorder.files import Files, Space
from camward.recorder.recovery import recover_file
from camward.recorder.segment import Segment, SegmentRow
from camward.recorder.segment_store import SegmentStore
from camward.recorder.status import VolumeState

log = structlog.get_logger(__name__)

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class VolumeLimits:
    """When a volume stops.

    Args:
        waiting: bytes that may wait for the disk.
        stop_below: free bytes under which nothing more is written; the rest is for the index and the settings.
        resume_above: free bytes from which on writing begins again.
        retry: seconds between tries of a disk that failed.
        check: seconds between looks at the free space.
        calm: seconds that "slow" lasts at least.
    """

    waiting: int = 192 * 1024 * 1024
    stop_below: int = 64 * 1024 * 1024
    resume_above: int = 128 * 1024 * 1024
    retry: float = 2.0
    check: float = 1.0
    calm: float = 10.0


@dataclass(frozen=True, slots=True)
class _Append:
    segment: Segment
    fragment: Fragment


@dataclass(frozen=True, slots=True)
class _Finish:
    segment: Segment


@dataclass(frozen=True, slots=True)
class _Remove:
    paths: Sequence[str]


_Job = _Append | _Finish | _Remove


class Volume:
    """One disk. `ready`, `append`, `finish` and `remove` may be called from any thread and never block.

    Args:
        root: the folder of recordings on it; it must exist.
        files: the file system.
        clock: for the times of tries.
        on_stored: called in the volume's thread with the acknowledged state of files, after each flush.
        on_removed: likewise, with the paths of files that were deleted.
        on_state: likewise, with the new state and one sentence.
        limits: see there.
    """

    def __init__(
        self,
        root: Path,
        files: Files,
        clock: Clock,
        *,
        on_stored: Callable[[Sequence[SegmentRow]], None],
        on_removed: Callable[[Sequence[str]], None],
        on_state: Callable[[VolumeState, str], None],
        limits: VolumeLimits | None = None,
    ) -> None:
        self.root, self._files, self._clock = root, files, clock
        self._on_stored, self._on_removed, self._on_state = on_stored, on_removed, on_state
        self._limits = limits or VolumeLimits()
        self._store = SegmentStore(root, files)
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._waiting = 0
        self._taken = self._done = 0
        self._closing = False
        self._broken: list[str] = []
        self._next_try = self._next_look = self._slow_until = 0.0
        self.state, self.reason = VolumeState.OK, ""
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="volume", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write and flush what waits, close all files, end the thread. Blocks."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def settle(self, timeout: float = 30.0) -> bool:
        """Wait until all that was handed over is written or given up. Blocks; whether it was in time."""
        with self._changed:
            wanted = self._taken
            return self._changed.wait_for(lambda: self._done >= wanted, timeout)

    def space(self) -> Space:
        """Of the disk.

        Raises:
            OSError: it can't be asked.
        """
        return self._files.space(self.root)

    def ready(self) -> bool:
        """Whether a new file would be stored now."""
        return self.state is VolumeState.OK

    def append(self, segment: Segment, fragment: Fragment) -> bool:
        """Take a fragment; False: it was dropped."""
        with self._changed:
            if segment.failed or self.state in (VolumeState.FULL, VolumeState.FAILED) or self._closing:
                self.dropped += 1
                return False
            if self._waiting + fragment.size <= self._limits.waiting:
                self._waiting += fragment.size
                self._put(_Append(segment, fragment))
                return True
            self.dropped += 1
            slow = self.state is VolumeState.OK
            if slow:
                self.state, self.reason = VolumeState.SLOW, "The disk can't keep up with what the cameras send"
                self._slow_until = self._clock.monotonic() + self._limits.calm
        if slow:
            self._on_state(VolumeState.SLOW, self.reason)
        return False

    def finish(self, segment: Segment) -> None:
        """The file is complete."""
        with self._changed:
            self._put(_Finish(segment))

    def remove(self, paths: Sequence[str]) -> None:
        """Delete files."""
        with self._changed:
            self._put(_Remove(paths))

    def _put(self, job: _Job) -> None:
        self._jobs.append(job)
        self._taken += 1
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._closing, self._limits.check)
                jobs, self._jobs = self._jobs, deque()
                last = self._closing and not jobs
            if last:
                self._round(deque(_Finish(segment) for segment in self._store.segments()))
                return
            count, size = len(jobs), sum(job.fragment.size for job in jobs if isinstance(job, _Append))
            try:
                self._round(jobs)
            except Exception:  # the thread must outlive whatever a file system comes up with
                log.exception("volume_round_failed")
                self._stop(OSError("an error within the recorder; see the log"))
            with self._changed:
                self._done += count
                self._waiting -= size
                caught_up = self._waiting <= self._limits.waiting // 2 and self._clock.monotonic() >= self._slow_until
                relieved = self.state is VolumeState.SLOW and caught_up
                self._changed.notify_all()
            if relieved:
                self._set(VolumeState.OK, "")

    def _round(self, jobs: deque[_Job]) -> None:
        """Write all, then flush all. The memory of what is written is free before the flush."""
        errors: list[OSError] = []
        while jobs:
            match jobs.popleft():
                case _Append(segment, fragment) if not segment.failed:
                    try:
                        self._store.append(segment, fragment)
                    except OSError as error:
                        errors.append(error)
                        self._give_up(segment)
                case _Finish(segment):
                    self._store.finish(segment)
                case _Remove(paths):
                    self._remove(paths)
                case _:
                    pass
        flushed = self._store.flush()
        self._broken += flushed.broken
        if flushed.rows:
            self._on_stored(flushed.rows)
        errors += flushed.errors
        if errors:
            self._stop(errors[0])
        self._look()

    def _give_up(self, segment: Segment) -> None:
        row = self._store.abandon(segment)
        if row is not None:
            self._on_stored([row])
            if not row.closed:
                self._broken.append(row.path)

    def _remove(self, paths: Sequence[str]) -> None:
        gone = []
        for path in paths:
            try:
                self._store.remove(path)
                gone.append(path)
            except OSError as error:
                log.error("recording_not_removed", path=path, error=str(error))
        if gone:
            self._on_removed(gone)

    def _look(self) -> None:
        """Look at the free space, and at a disk that failed, when it is time."""
        now = self._clock.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + self._limits.check
        if self.state in (VolumeState.OK, VolumeState.SLOW):
            with contextlib.suppress(OSError):
                if self.space().free < self._limits.stop_below:
                    self._stop(OSError(errno.ENOSPC, "no space left"))
        elif now >= self._next_try:
            self._next_try = now + self._limits.retry
            if self._works():
                self._set(VolumeState.OK, "")

    def _works(self) -> bool:
        """Try the disk with a file of its own, then recover what was given up."""
        probe = self.root / ".probe"
        try:
            if self.state is VolumeState.FULL and self.space().free < self._limits.resume_above:
                return False
            self._files.remove(probe)
            descriptor = self._files.create(probe)
            try:
                self._files.append(descriptor, [bytes(4096)])
                self._files.flush(descriptor)
            finally:
                self._files.close(descriptor)
            self._files.remove(probe)
            while self._broken:
                row = self._recovered(self._broken[-1])
                if row is None:
                    self._on_removed([self._broken[-1]])
                else:
                    self._on_stored([row])
                self._broken.pop()
        except OSError as error:
            log.warning("volume_still_stopped", error=str(error))
            return False
        return True

    def _recovered(self, path: str) -> SegmentRow | None:
        try:
            return recover_file(self.root, path)
        except ProtocolError as error:
            log.error("recording_unreadable", path=path, error=str(error))
            return None

    def _stop(self, error: OSError) -> None:
        """Give all open files up at what was acknowledged, and say so loudly."""
        for row in self._store.abandon_all():
            self._on_stored([row])
            if not row.closed:
                self._broken.append(row.path)
        self._next_try = self._clock.monotonic() + self._limits.retry
        if error.errno in FULL:
            self._set(VolumeState.FULL, "The disk is full: nothing is recorded")
        else:
            self._set(VolumeState.FAILED, f"The disk failed ({error.strerror or error}): nothing is recorded")

    def _set(self, state: VolumeState, reason: str) -> None:
        with self._changed:
            if (state, reason) == (self.state, self.reason):
                return
            self.state, self.reason = state, reason
        log.warning("volume_state_changed", state=state.value, reason=reason)
        self._on_state(state, reason)
