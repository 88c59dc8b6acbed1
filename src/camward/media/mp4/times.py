"""Decode times of one fragment's samples: always rising, also where B pictures are shown in another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from camward.media.mp4.boxes import Mp4Error

_LONGEST = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of one track's samples in one fragment, in the track's ticks on the file's timeline.

    Args:
        first: decode time of the first sample.
        durations: from each decode time to the next.
        offsets: presentation minus decode time of each sample; None when all are 0.
        last: decode time of the last sample.
    """

    first: int
    durations: list[int]
    offsets: list[int] | None
    last: int

    @property
    def end(self) -> int:
        """Where the last sample's duration ends."""
        return self.last + self.durations[-1]


def arrange(presented: Sequence[int], *, after: int, following: int | None, usual: int) -> Timing:
    """Lay out samples that come in decoding order.

    The decode times are the presentation times in rising order, so that a run without B pictures has no offsets at
    all; one that would not lie behind `after` (a fragment was cut between a P and its B pictures) moves up to it.

    Args:
        presented: presentation times on the file's timeline, in decoding order.
        after: the last decode time so far; -1 at the start of a file.
        following: presentation time of the next sample after these, if known.
        usual: the last sample's duration when `following` doesn't tell.

    Raises:
        Mp4Error: the times are too far apart for the format.
    """
    decoded = sorted(presented)
    previous = after
    if decoded[0] <= previous or len(set(decoded)) < len(decoded):
        for index, time in enumerate(decoded):
            previous = decoded[index] = max(time, previous + 1)
    durations = [later - earlier for earlier, later in pairwise(decoded)]
    last = decoded[-1]
    if following is not None and following > last:
        durations.append(following - last)
    else:
        durations.append(durations[-1] if durations else usual)
    offsets = [shown - time for shown, time in zip(presented, decoded, strict=True)]
    if max(durations) > _LONGEST or max(map(abs, offsets)) > _LONGEST >> 1:
        raise Mp4Error("The times of one fragment's pictures are too far apart")
    return Timing(decoded[0], durations, offsets if any(offsets) else None, last)
