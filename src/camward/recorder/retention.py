"""What is deleted, and when: by age and space of each camera, and for the disk. Pinned ranges never are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import structlog

from camward.base.clock import NS, Utc
from camward.recorder.files import Space
from camward.recorder.index.reader import IndexReader, OldFile
from camward.recorder.pins import PinBook

log = structlog.get_logger(__name__)

DAY = 86_400 * NS
GB = 1_000_000_000
BATCH = 500
"""Files looked at, at once; what is left over waits for the next round."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long one camera's recordings stay.

    Args:
        days: older files go.
        size: bytes; above it the oldest go. None: as the disk allows.
    """

    days: int
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """Files to delete, and whether pinned ones are all that is left while space is still wanted."""

    files: tuple[OldFile, ...]
    only_pinned: bool = False

    @property
    def size(self) -> int:
        """Their bytes."""
        return sum(file.size for file in self.files)


def due(
    reader: IndexReader,
    pins: PinBook,
    *,
    now: Utc,
    keeping: Mapping[str, Keeping],
    usual: Keeping,
    space: Space,
    reserve: int,
) -> Due:
    """Decide what goes now. Blocks for a few look-ups.

    Args:
        reader: of the index.
        pins: what never goes.
        now: the wall clock.
        keeping: by camera id.
        usual: for cameras that are not in `keeping`: those that left the book.
        space: of the disk.
        reserve: bytes that are to be free on it.

    Raises:
        IndexFileError: the index can't be read.
    """
    chosen: dict[str, OldFile] = {}
    totals = {total.camera_id: total for total in reader.totals()}
    for camera, total in totals.items():
        kept = keeping.get(camera, usual)
        _choose(chosen, reader, pins, camera=camera, before=now - kept.days * DAY, wanted=None)
        if kept.size is not None:
            gone = sum(file.size for file in chosen.values() if file.camera_id == camera)
            over = total.size - gone - kept.size
            if over > 0:
                _choose(chosen, reader, pins, camera=camera, before=now + DAY, wanted=over)
    missing = reserve - space.free - sum(file.size for file in chosen.values())
    found = missing <= 0 or _choose(chosen, reader, pins, camera=None, before=1 << 62, wanted=missing)
    return Due(tuple(chosen.values()), only_pinned=not found)


def _choose(
    chosen: dict[str, OldFile],
    reader: IndexReader,
    pins: PinBook,
    *,
    camera: str | None,
    before: int,
    wanted: int | None,
) -> bool:
    """Add the oldest files, up to so many bytes; whether there were enough (of a full batch, maybe)."""
    limit = BATCH + len(chosen)
    while True:
        old = reader.oldest(before=before, limit=limit, camera=camera)
        free = [file for file in old if file.path not in chosen and not _pinned(pins, file)]
        if free or len(old) < limit:
            break
        limit *= 4  # a long pinned range stands before what may go
    for file in free:
        if wanted is not None:
            if wanted <= 0:
                break
            wanted -= file.size
        chosen[file.path] = file
    return wanted is None or wanted <= 0 or len(old) >= limit


def _pinned(pins: PinBook, file: OldFile) -> bool:
    return pins.protects(file.camera_id, file.first_utc, file.end_utc)


def delete(files: Iterable[OldFile], remove: Callable[[list[str]], None]) -> None:
    """Hand files over for deletion."""
    paths = [file.path for file in files]
    if paths:
        log.info("recordings_expired", files=len(paths), first=paths[0])
        remove(paths)
