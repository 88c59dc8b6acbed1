"""Packets that UDP brings out of order, put in order again within a small window."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReorderLimits:
    """How long a gap is waited for.

    Args:
        packets: held at most.
        seconds: that the oldest one is held at most.
        restart: a sequence number this far off is a new start, not a late packet.
    """

    packets: int = 128
    seconds: float = 0.15
    restart: int = 3000


REORDER_LIMITS = ReorderLimits()


class ReorderBuffer:
    """Takes packets as they come, gives them in the order of their sequence numbers, each once."""

    def __init__(self, limits: ReorderLimits = REORDER_LIMITS) -> None:
        self._limits = limits
        self._next: int | None = None
        self._held: dict[int, tuple[memoryview, float]] = {}
        self.late = 0

    def push(self, sequence: int, packet: memoryview, now: float) -> list[memoryview]:
        """Take one; those that are in order now."""
        if self._next is None:
            self._next = sequence
        ahead = (sequence - self._next + 0x8000 & 0xFFFF) - 0x8000
        if abs(ahead) >= self._limits.restart:
            ready = self._release_all()
            self._next = sequence + 1 & 0xFFFF
            return [*ready, packet]
        if ahead == 0 and not self._held:
            self._next = sequence + 1 & 0xFFFF
            return [packet]
        if ahead < 0 or sequence in self._held:
            self.late += 1
            return []
        self._held[sequence] = (packet, now)
        return self._ready(now)

    def _ready(self, now: float) -> list[memoryview]:
        assert self._next is not None
        ready: list[memoryview] = []
        while self._held:
            if self._next in self._held:
                ready.append(self._held.pop(self._next)[0])
                self._next = self._next + 1 & 0xFFFF
            elif len(self._held) > self._limits.packets or self._oldest() + self._limits.seconds <= now:
                self._next = min(self._held, key=self._distance)
            else:
                break
        return ready

    def expire(self, now: float) -> list[memoryview]:
        """Those that needn't wait any longer."""
        return self._ready(now) if self._held else []

    def _oldest(self) -> float:
        return min(since for _, since in self._held.values())

    def _distance(self, sequence: int) -> int:
        assert self._next is not None
        return sequence - self._next & 0xFFFF

    def _release_all(self) -> list[memoryview]:
        ready = [self._held[sequence][0] for sequence in sorted(self._held, key=self._distance)]
        self._held.clear()
        return ready
