"""Waking up for a good run of bytes instead of each packet: `SO_RCVLOWAT`, held to a bound of delay.

A camera sends a few hundred packets a second. Waking for each costs more than all the rest of receiving, so the
kernel is asked to wait until 64 KiB are there: 130 ms at 4 Mbit/s. For slower streams the mark follows the rate.
"""

from __future__ import annotations

import socket
from typing import Protocol

MOST = 65_536
DELAY = 0.15
"""Seconds that a byte waits at most, more or less, as long as the rate doesn't fall."""


class Options(Protocol):
    """What a transport's `get_extra_info("socket")` gives: asyncio's and uvloop's differ."""

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
        """See `socket.setsockopt`."""
        ...


class LowWater:
    """The mark of one connection.

    Args:
        sock: its socket.
        low_delay: whether each byte is wanted at once.
    """

    def __init__(self, sock: Options, *, low_delay: bool) -> None:
        self._sock = sock
        self._low_delay = low_delay
        self._mark = 1
        self._bytes = 0
        self._since: float | None = None

    def set_low_delay(self, *, on: bool) -> None:
        """Wake for each packet from now on, or for runs again after the next `tick`."""
        self._low_delay = on
        if on:
            self._set(1)

    def tick(self, received: int, now: float) -> None:
        """Look at the rate; `received` counts all bytes since the start."""
        if self._since is not None and now > self._since and not self._low_delay:
            rate = (received - self._bytes) / (now - self._since)
            wanted = max(1, min(MOST, int(rate * DELAY)))
            # Only real changes are worth a call; falling ones are made at once, or the delay would grow.
            if wanted < self._mark * 0.8 or wanted > self._mark * 1.5:
                self._set(wanted)
        self._bytes, self._since = received, now

    def _set(self, mark: int) -> None:
        if mark != self._mark:
            self._mark = mark
            try:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, mark)
            except OSError:
                pass  # the connection is going down
