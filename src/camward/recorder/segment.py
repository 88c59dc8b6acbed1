"""One recording file while it is made, and its row in the index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from camward.base.clock import NS, Utc
from camward.media.mp4.origin import Origin
from camward.media.mp4.writer import FragmentWriter
from camward.media.unit import StreamFormat
from camward.recorder.fragment_list import init_segment, unpack_entries


@dataclass(eq=False, slots=True)
class Segment:
    """A file being recorded: made by the segmenter, stored by the volume.

    Args:
        path: below the folder of recordings.
        origin: who makes it.
        writer: makes its bytes.
        init: see `init_segment`.
        failed: set by the volume: nothing more of it can be stored.
    """

    path: str
    origin: Origin
    writer: FragmentWriter
    init: bytes
    failed: bool = False

    @classmethod
    def begin(cls, form: StreamFormat, origin: Origin) -> Segment:
        """A new file of this format.

        Raises:
            ProtocolError: the format can't be written.
        """
        writer = FragmentWriter(form, origin)
        return cls(segment_path(origin), origin, writer, init_segment(writer.header()))


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """What the index knows of a file.

    Args:
        path: below the folder of recordings.
        origin: who made it.
        end_utc: when its last picture ends.
        size: bytes acknowledged.
        closed: complete, as opposed to still growing (or left behind by a crash).
        init: see `init_segment`.
        fragments: see `fragment_list`.
    """

    path: str
    origin: Origin
    end_utc: Utc
    size: int
    closed: bool
    init: bytes
    fragments: bytes

    @property
    def fragment_count(self) -> int:
        """How many fragments it has."""
        return sum(1 for _ in unpack_entries(self.fragments, first_utc=self.origin.first_utc))


def segment_path(origin: Origin) -> str:
    """`<camera>/<YYYY-MM-DD>/<HH>/<start>Z-<seq>.mp4`, all in UTC."""
    seconds, rest = divmod(origin.first_utc, NS)
    start = datetime.fromtimestamp(seconds, UTC)
    suffix = "" if origin.stream == "stream1" else "-s2"
    name = f"{start:%Y%m%dT%H%M%S}.{rest // 1_000_000:03d}Z-{origin.sequence:06d}{suffix}.mp4"
    return f"{origin.camera_id}/{start:%Y-%m-%d}/{start:%H}/{name}"
