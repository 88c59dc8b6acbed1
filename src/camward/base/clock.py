"""The clocks. Everything else takes time as a parameter, so that tests and replays are exact."""

from __future__ import annotations

import time
from typing import NewType, Protocol

Utc = NewType("Utc", int)
"""Nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted."""

NS = 1_000_000_000


class Clock(Protocol):
    """What a part needs to know of time."""

    def utc(self) -> Utc:
        """Wall clock, in nanoseconds; may jump when the clock is set."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never jumps. Deadlines are in this clock."""
        ...


class SystemClock:
    """The machine's clocks."""

    def utc(self) -> Utc:
        """See `Clock.utc`."""
        return Utc(time.time_ns())

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told to; for tests and replays."""

    def __init__(self, utc: int = 1_760_000_000 * NS, monotonic: float = 1000.0) -> None:
        self._utc = utc
        self._monotonic = monotonic

    def utc(self) -> Utc:
        """See `Clock.utc`."""
        return Utc(self._utc)

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass: both clocks move."""
        self._monotonic += seconds
        self._utc += round(seconds * NS)

    def set_utc(self, utc: int) -> None:
        """Set the wall clock, as an operator or NTP would; the monotonic clock goes on."""
        self._utc = utc
