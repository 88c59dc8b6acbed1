"""Everything on the disk: the volume that writes, the index, retention, recovery; opened and closed as one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from camward.base.clock import NS, Clock, Utc
from camward.base.errors import CamwardError
from camward.media.mp4.origin import Origin
from camward.media.unit import AccessUnit
from camward.recorder.cameras import TreeStore
from camward.recorder.errors import IndexFileError
from camward.recorder.files import Files, Space
from camward.recorder.index import IndexReader, IndexWriter
from camward.recorder.index.reader import Run
from camward.recorder.index.writer import begin_outage, end_outages, trim
from camward.recorder.pins import PinBook
from camward.recorder.recovery import recover_all, recover_lately
from camward.recorder.retention import DAY, GB, Keeping, delete, due
from camward.recorder.segment import SegmentRow
from camward.recorder.segmenter import Segmenter, SegmenterLimits
from camward.recorder.state import RecorderFolder
from camward.recorder.status import CameraStorage, SpanState, StorageReport, VolumeState
from camward.recorder.volume import Volume, VolumeLimits

log = structlog.get_logger(__name__)

RETENTION_EVERY = 60.0
"""Seconds between looks at what is due for deletion."""

MINUTE = 60 * NS
"""From so much of a camera on its need for space is estimated."""

SETTLE = 3600.0
"""Seconds that the wall clock must have gone on without a jump before anything is deleted because of its age."""


class Archive:
    """The recordings of one recorder. `open`, `close` and `report` block; the rest is for the event loop.

    Args:
        folder: the recorder's state.
        settings: what to keep for how long.
        pins: what to keep in any case.
        clock: the clocks.
        recorder_id: goes into each file.
        files: the file system.
        limits: when the disk counts as full or slow; None: as usual.
        on_state: called in any thread when the disk's state changes.
        on_index: called in any thread when the index can't be written, with the reason, and with None when it can.
    """

    def __init__(
        self,
        folder: RecorderFolder,
        *,
        settings: TreeStore,
        pins: PinBook,
        clock: Clock,
        recorder_id: str,
        files: Files,
        limits: VolumeLimits | None,
        on_state: Callable[[VolumeState, str], None],
        on_index: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._folder, self._settings, self._pins, self._clock = folder, settings, pins, clock
        self._recorder_id, self._on_state, self._on_index = recorder_id, on_state, on_index
        self._limits = limits or VolumeLimits()
        self._volume = Volume(
            folder.recordings,
            files,
            clock,
            on_stored=self._stored,
            on_removed=self._removed,
            on_state=self._volume_changed,
            limits=self._limits,
        )
        self.state_since = clock.utc()
        self.epoch = 0
        self._sequences: dict[str, int] = {}
        self._recorded: dict[tuple[str, str], Utc] = {}
        self._reader: IndexReader | None = None
        self._writer: IndexWriter | None = None
        self._unclean = False
        self._closing = threading.Event()
        self._checking = threading.Lock()
        self._poked = asyncio.Event()
        self._settled = 0.0

    @property
    def reader(self) -> IndexReader:
        """For look-ups, in any thread.

        Raises:
            IndexFileError: the recorder isn't running.
        """
        if self._reader is None:
            raise IndexFileError("The recorder is starting or has stopped", next="try again in a moment")
        return self._reader

    @property
    def writer(self) -> IndexWriter:
        """For notes, in any thread.

        Raises:
            IndexFileError: the recorder isn't running.
        """
        if self._writer is None:
            raise IndexFileError("The recorder is starting or has stopped", next="try again in a moment")
        return self._writer

    @property
    def state(self) -> VolumeState:
        """Of the disk."""
        return self._volume.state

    @property
    def reason(self) -> str:
        """Why it is in that state."""
        return self._volume.reason

    def open(self) -> None:
        """Recover what the run before left behind, and begin a new epoch.

        Raises:
            IndexFileError: the index can't be used even after it was made anew.
            OSError: the state can't be read or written.
        """
        path, now = self._folder.index, self._clock.utc()
        runs, last_epoch = self._look_back()
        self.epoch = self._folder.begin_epoch(above=last_epoch)
        self._writer = IndexWriter(path, clock=self._clock, epoch=self.epoch, on_failure=self._on_index)
        self._reader = IndexReader(path)
        seen = runs[-1].seen if runs else now
        self._unclean = not runs or not runs[-1].clean
        if self._unclean and runs:
            mended = recover_lately(self._folder.recordings, self._reader, self._writer, seen=seen)
            self._writer.flush()
            log.info("recordings_recovered", files=mended.files, cut=mended.cut, removed=mended.removed)
        # A clock that is far from where it was may just not have been set yet.
        self._settled = self._clock.monotonic() + (0.0 if abs(now - seen) < DAY else SETTLE)
        self._volume.start()

    def close(self) -> None:
        """Flush and close everything; what was handed over is on the disk then."""
        self._closing.set()
        self._volume.close()
        with self._checking:  # the check mends files: the next owner of this state must not meet it
            if self._writer is not None:
                self._writer.close()
            if self._reader is not None:
                self._reader.close()
            self._writer = self._reader = None

    async def look_after(self) -> None:
        """Retention for ever; after a stop that wasn't in order the full check of the index first, beside it."""
        async with asyncio.TaskGroup() as group:
            if self._unclean:
                group.create_task(asyncio.to_thread(self._recover_all))
            while True:
                try:
                    await asyncio.to_thread(self._expire)
                except (CamwardError, OSError) as error:
                    log.error("retention_failed", error=str(error))
                try:
                    async with asyncio.timeout(RETENTION_EVERY):
                        await self._poked.wait()
                except TimeoutError:
                    pass
                self._poked.clear()

    def poke(self) -> None:
        """Look at what is due for deletion now."""
        self._poked.set()

    def clock_jumped(self) -> None:
        """The wall clock was set: deletion by age waits until it has held for a while."""
        self._settled = self._clock.monotonic() + SETTLE

    def segmenter(
        self,
        camera_id: str,
        stream: str,
        *,
        on_jump: Callable[[float], None],
        before: Callable[[list[AccessUnit]], bytes] | None = None,
    ) -> Segmenter:
        """What cuts a stream into files of this archive."""
        seconds = float(self._settings.current.recording.segment_seconds)
        return Segmenter(
            begin=partial(self._origin, camera_id, stream),
            sink=self._volume,
            limits=SegmenterLimits(segment=seconds),
            on_jump=on_jump,
            before=before,
        )

    def recorded_until(self, camera_id: str, stream: str) -> Utc | None:
        """When the newest acknowledged picture of a stream ends; None when none was in this run."""
        return self._recorded.get((camera_id, stream))

    def note(self, camera_id: str, stream: str, state: SpanState | None, reason: str) -> None:
        """Note why nothing is recorded from now on; None: it is again."""
        if self._writer is not None:
            at = self._clock.utc()
            self._writer.change(end_outages(camera_id, stream, at=at))
            if state is not None:
                self._writer.change(begin_outage(camera_id, stream, at=at, state=state.value, reason=reason))

    def report(self) -> StorageReport:
        """See `Recorder.storage`.

        Raises:
            OSError: the disk can't be asked.
            IndexFileError: the index can't be read.
        """
        now, space = self._clock.utc(), self._volume.space()
        totals, lately = self.reader.totals(), self.reader.stored_since(Utc(now - DAY))
        cameras: list[CameraStorage] = []
        keeping = self._keeping()
        usual = self._settings.current.recording.keep_days
        for total in totals:
            observed = min(DAY, max(now - total.oldest, 1))
            rate = lately.get(total.camera_id, 0) * DAY // observed if observed >= MINUTE else 0
            kept = keeping.get(total.camera_id)
            cameras.append(
                CameraStorage(
                    total.camera_id, total.size, total.oldest, total.newest, rate, kept.days if kept else usual
                )
            )
        used, daily = sum(one.size for one in cameras), sum(one.bytes_per_day for one in cameras)
        reserve = self._reserve(space)
        room = max(0, used + space.free - reserve)
        return StorageReport(
            total=space.total,
            free=space.free,
            used=used,
            reserve=reserve,
            bytes_per_day=daily,
            days=room / daily if daily else None,
            state=self.state,
            reason=self.reason,
            cameras=tuple(cameras),
        )

    def _look_back(self) -> tuple[list[Run], int]:
        """The runs before this one and the highest epoch; a damaged index is put aside, for it can be rebuilt."""
        path = self._folder.index
        if not path.exists():
            return [], 0
        try:
            IndexWriter(path, clock=self._clock).close()  # brings the schema up to date
            reader = IndexReader(path)
            try:
                return reader.runs(), reader.last_epoch()
            finally:
                reader.close()
        except IndexFileError as error:
            if error.newer:
                raise
            log.error("index_damaged", error=error.diagnostics(), next="it is rebuilt from the files")
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                if path.with_name(name).exists():
                    path.with_name(name).replace(path.with_name(f"damaged-{name}"))
            return [], 0

    def _recover_all(self) -> None:
        with self._checking:
            try:
                mended = recover_all(
                    self._folder.recordings, self.reader, self.writer, epoch=self.epoch, stop=self._closing.is_set
                )
            except (CamwardError, OSError) as error:
                log.error("index_check_failed", error=str(error))
                return
        log.info("index_checked", files=mended.files, removed=mended.removed, forgotten=mended.forgotten)

    def _expire(self) -> None:
        now, space = self._clock.utc(), self._volume.space()
        found = due(
            self.reader,
            self._pins,
            now=now if self._clock.monotonic() >= self._settled else Utc(0),
            keeping=self._keeping(),
            usual=Keeping(self._settings.current.recording.keep_days),
            space=space,
            reserve=self._reserve(space),
        )
        delete(found.files, self._volume.remove)
        if found.only_pinned:
            log.warning("space_pinned", free=space.free)
        self.writer.change(trim(before=Utc(now - 4000 * DAY)))

    def _keeping(self) -> dict[str, Keeping]:
        usual = self._settings.current.recording.keep_days
        return {
            camera_id: Keeping(entry.keep_days or usual, entry.keep_gb * GB if entry.keep_gb else None)
            for camera_id, entry in self._settings.current.cameras.entries.items()
        }

    def _reserve(self, space: Space) -> int:
        percent = self._settings.current.recording.keep_free_percent
        return max(space.total * percent // 100, self._limits.resume_above * 5 // 4)

    def _origin(self, camera_id: str, stream: str, first_utc: Utc) -> Origin:
        sequence = self._sequences[camera_id] = self._sequences.get(camera_id, 0) + 1
        return Origin(camera_id, self._recorder_id, self.epoch, sequence, first_utc, stream)

    def _stored(self, rows: Sequence[SegmentRow]) -> None:
        """In the volume's thread: these are flushed."""
        for row in rows:
            self._recorded[row.origin.camera_id, row.origin.stream] = row.end_utc
        self.writer.put(rows)

    def _removed(self, paths: Sequence[str]) -> None:
        self.writer.remove(paths)

    def _volume_changed(self, state: VolumeState, reason: str) -> None:
        self.state_since = self._clock.utc()
        self._on_state(state, reason)
