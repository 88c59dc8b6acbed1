"""An MP4 file read lazily: tracks and fragments at once from its headers, samples on demand; media is never touched.

It reads our own files and the fragmented or plain ones of others. Edit lists are not applied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from camward.base.clock import Utc
from camward.media.mp4.boxes import LIMITS, Box, Buffer, Mp4Error, Mp4Limits, box_at
from camward.media.mp4.fragments import Defaults, Moof, ProducerTime, Sample, parse_moof, parse_prft
from camward.media.mp4.origin import USER_TYPE, Origin
from camward.media.mp4.tracks import TrackInfo, parse_defaults, parse_tracks

__all__ = ["FileFragment", "Mp4Error", "Mp4File", "Mp4Limits", "Sample", "TrackInfo"]


@dataclass(frozen=True, slots=True)
class FileFragment:
    """One fragment of a file.

    Args:
        start: its first byte: the first box behind the fragment before it.
        size: up to the end of its `mdat`.
        moof: where that box is.
        mdat: likewise.
        head: sequence number and runs of samples.
        time: capture time of its first picture, when the file tells.
    """

    start: int
    size: int
    moof: Box
    mdat: Box
    head: Moof
    time: ProducerTime | None

    @property
    def end(self) -> int:
        """The byte behind it."""
        return self.start + self.size

    @property
    def utc(self) -> Utc | None:
        """Capture time of its first picture, nanoseconds."""
        return self.time.utc if self.time else None

    def times(self) -> dict[int, tuple[int, int]]:
        """First decode time and duration by track id, in the track's ticks."""
        found: dict[int, tuple[int, int]] = {}
        for run in self.head.runs:
            first = found.get(run.track_id, (run.decode_time, 0))[0]
            found[run.track_id] = (first, run.end - first)
        return found

    def samples(self) -> list[Sample]:
        """All samples, track after track."""
        return [sample for run in self.head.runs for sample in run.samples()]


@dataclass(frozen=True, slots=True)
class Mp4File:
    """What a file's headers say.

    Args:
        data: the file, usually a map of it; it must stay open while this is used.
        tracks: its tracks.
        fragments: its fragments in file order; empty for a plain file.
        origin: who made it, for Camward's own files.
        header_size: bytes up to the first fragment, what comes ahead of its `moof` not counted in.
        init_size: bytes of `ftyp` and `moov`, when the file starts with them, else 0.
        index: the first `sidx`.
    """

    data: Buffer = field(repr=False)
    tracks: tuple[TrackInfo, ...]
    fragments: tuple[FileFragment, ...]
    origin: Origin | None
    header_size: int
    init_size: int
    index: Box | None

    @classmethod
    def scan(cls, data: Buffer, *, limits: Mp4Limits = LIMITS) -> Mp4File:
        """Read all headers of a whole file.

        Raises:
            Mp4Error: it breaks the format or a limit, or ends within a box; see `recovery` for that.
        """
        scan = Scan(data, limits=limits)
        for _ in scan.steps():
            pass
        return scan.result()

    def track(self, track_id: int) -> TrackInfo | None:
        """The track of this number."""
        return next((track for track in self.tracks if track.track_id == track_id), None)

    def init_segment(self) -> bytes:
        """`ftyp` and `moov` alone: what Media Source Extensions want before any fragment.

        Raises:
            Mp4Error: the file doesn't start with them.
        """
        if not self.init_size:
            raise Mp4Error("The file doesn't start with ftyp and moov")
        return bytes(self.data[: self.init_size])

    def read(self, sample: Sample) -> bytes:
        """A sample's bytes.

        Raises:
            Mp4Error: they lie outside the file.
        """
        if sample.offset < 0 or sample.offset + sample.size > len(self.data):
            raise Mp4Error("A sample lies outside the file")
        return bytes(self.data[sample.offset : sample.offset + sample.size])

    def samples(self) -> Iterator[Sample]:
        """All samples: of a plain file track after track, else fragment after fragment."""
        for track in self.tracks:
            yield from track.samples
        for fragment in self.fragments:
            yield from fragment.samples()


class Scan:
    """The walk over a file's top level, box after box; what is read so far is valid when a later box is not."""

    def __init__(self, data: Buffer, *, limits: Mp4Limits = LIMITS) -> None:
        self._data = data
        self._limits = limits
        self.tracks: tuple[TrackInfo, ...] | None = None
        self.defaults: dict[int, Defaults] = {}
        self.fragments: list[FileFragment] = []
        self.origin: Origin | None = None
        self.index: Box | None = None
        self._init_size = 0
        self._begin = 0
        self._samples = 0
        self._head: tuple[Box, Moof] | None = None
        self._time: ProducerTime | None = None

    def steps(self) -> Iterator[Box]:
        """Read the next box at each step.

        Raises:
            Mp4Error: the box breaks the format or a limit.
        """
        position, count, end = 0, 0, len(self._data)
        while position < end:
            count += 1
            if count > self._limits.boxes:
                raise Mp4Error("The file has too many boxes")
            found = box_at(self._data, position, end)
            self._take(found)
            position = found.end
            yield found

    def result(self) -> Mp4File:
        """What was read.

        Raises:
            Mp4Error: no movie header came.
        """
        if self.tracks is None:
            raise Mp4Error("The file has no movie header")
        header = self.fragments[0].start if self.fragments else self._begin
        fragments = tuple(self.fragments)
        return Mp4File(self._data, self.tracks, fragments, self.origin, header, self._init_size, self.index)

    def _take(self, found: Box) -> None:
        if found.kind == b"moov":
            self.tracks = parse_tracks(self._data, found, limits=self._limits)
            self.defaults = parse_defaults(self._data, found, limits=self._limits)
            self._init_size = found.end if bytes(self._data[4:8]) == b"ftyp" and not self.fragments else 0
            self._begin = found.end
        elif found.kind == b"uuid" and bytes(self._data[found.body : found.body + 16]) == USER_TYPE:
            self.origin = Origin.from_payload(bytes(self._data[found.body + 16 : min(found.end, found.body + 4096)]))
        elif found.kind == b"sidx" and self.index is None:
            self.index = found
            self._begin = found.end
        elif found.kind == b"prft":
            self._time = parse_prft(self._data, found)
        elif found.kind == b"moof":
            if self.tracks is None:
                raise Mp4Error("A fragment comes before the movie header")
            self._head = found, parse_moof(self._data, found, defaults=self.defaults, limits=self._limits)
        elif found.kind == b"mdat":
            self._close(found)

    def _close(self, mdat: Box) -> None:
        if self._head is not None:
            moof, head = self._head
            self._samples += sum(len(run.sizes) for run in head.runs)
            if self._samples > min(self._limits.samples, len(self._data)):
                raise Mp4Error("The file has too many samples")
            self.fragments.append(FileFragment(self._begin, mdat.end - self._begin, moof, mdat, head, self._time))
        self._head = self._time = None
        self._begin = mdat.end
