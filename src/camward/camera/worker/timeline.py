"""The streams' time: it counts on over loops, gaps, other sources and workers, and never jumps with the wall clock."""

from __future__ import annotations

from fractions import Fraction

from camward.base.clock import NS, Clock, Utc

_UTC_STEP = 2_000_000
"""Nanoseconds by which the wall clock may be off before we follow it: below, time stamps stay free of jitter."""
_AFTER = Fraction(1, 50)


class Timeline:
    """Hands out runs, one for each uninterrupted stretch of a source.

    Args:
        clock: the machine's.
        epoch: monotonic time at which ticks are zero.
        floor: seconds after the epoch that were used by workers before us.
    """

    def __init__(self, clock: Clock, *, epoch: float, floor: float) -> None:
        self._clock, self._epoch = clock, epoch
        self._utc_zero = self._measure()
        self.used = Fraction(floor)

    def _measure(self) -> int:
        return self._clock.utc() - round((self._clock.monotonic() - self._epoch) * NS)

    def start(self) -> Run:
        """A run that begins now, or just after what is used up."""
        return Run(self, max(self.now(), self.used + _AFTER))

    def now(self) -> Fraction:
        """Seconds since the epoch."""
        return self.at(self._clock.monotonic())

    def utc(self, seconds: Fraction) -> Utc:
        """The wall clock's time at that many seconds after the epoch."""
        zero = self._measure()
        if abs(zero - self._utc_zero) > _UTC_STEP:
            self._utc_zero = zero
        return Utc(self._utc_zero + int(seconds * NS))

    def monotonic(self, seconds: Fraction) -> float:
        """The monotonic clock's time then."""
        return self._epoch + float(seconds)

    def at(self, monotonic: float) -> Fraction:
        """Seconds after the epoch at that monotonic time."""
        return Fraction(monotonic - self._epoch).limit_denominator(1_000_000)


class Run:
    """One stretch: times of the source, in seconds since the stretch began, become ticks and UTC."""

    def __init__(self, timeline: Timeline, begin: Fraction) -> None:
        self._timeline, self.begin = timeline, begin

    def stamp(self, offset: Fraction, rate: int) -> tuple[int, Utc]:
        """Ticks at `rate` and UTC; an exact offset keeps exact distances."""
        self._timeline.used = max(self._timeline.used, self.begin + offset)
        return round(self.begin * rate) + round(offset * rate), self._timeline.utc(self.begin + offset)

    def due(self, offset: Fraction) -> float:
        """When that moment is, on the monotonic clock."""
        return self._timeline.monotonic(self.begin + offset)
