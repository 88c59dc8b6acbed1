"""Units that a reader could not be sent yet: bounded in bytes; on overflow all are lost up to the next key picture."""

from __future__ import annotations

from collections import deque

from camward.rtsp.core.packetizer import PacketizedUnit


class Backlog:
    """A queue of shared units; it holds references, the bytes exist once for all readers.

    Args:
        limit: bytes held at most.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._extra = 0
        self._units: deque[PacketizedUnit] = deque()
        self._bytes = 0
        self._video = True
        self.waiting = True
        self.lost = 0

    def start(self, *, video: bool, continuing: bool, group: int) -> None:
        """A client plays (again).

        Args:
            video: whether it gets the pictures; else any unit is one to start at.
            continuing: the next unit follows the last one it has had.
            group: bytes of the open group, which a new reader may be given beyond the limit.
        """
        self.clear()
        self._video, self._extra = video, group
        self.waiting = video and not continuing

    def take(self, unit: PacketizedUnit) -> bool:
        """Queue a unit, or lose it: False."""
        if self.waiting:
            if not unit.key:
                self.lost += 1
                return False
            self.waiting = False
        if self._bytes + unit.size > self._limit + self._extra and self._units:
            self.lost += len(self._units)
            self.clear()
            if self._video and not unit.key:
                self.waiting = True
                self.lost += 1
                return False
        self._units.append(unit)
        self._bytes += unit.size
        return True

    def pop(self) -> PacketizedUnit:
        """The oldest unit."""
        unit = self._units.popleft()
        self._bytes -= unit.size
        self._extra = max(0, self._extra - unit.size)
        return unit

    def clear(self) -> None:
        """Drop all."""
        self._units.clear()
        self._bytes = self._extra = 0

    @property
    def oldest(self) -> int | None:
        """Number of the oldest unit held."""
        return self._units[0].number if self._units else None

    def __len__(self) -> int:
        return len(self._units)
