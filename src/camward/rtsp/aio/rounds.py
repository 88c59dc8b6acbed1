"""Reading all cameras in rounds, a few times a second, instead of waking up for each packet.

A camera sends hundreds of packets a second. Waking for each costs more than all the rest of receiving, and a process
that is woken for one camera at a time finds its caches cold each time. So the kernel is told to keep what comes
(`SO_RCVLOWAT`), and each round tells it for all sockets that any byte is wanted; whoever was read waits again. The
delay is one period at most, whatever the bit rate.
"""

from __future__ import annotations

import asyncio
import socket
import weakref
from typing import Protocol

PERIOD = 0.25
"""Seconds from one round to the next."""
MARK = 256 * 1024
"""With so many bytes a socket doesn't wait for the round."""


class Shown(Protocol):
    """What a transport's `get_extra_info("socket")` gives: asyncio's and uvloop's differ."""

    def dup(self) -> socket.socket:
        """See `socket.dup`."""
        ...


class Member:
    """One socket that is read in rounds, once `join` was called.

    Args:
        sock: a TCP socket. Its options are set through a descriptor of our own, closed in `leave`: what uvloop gives
            makes a socket object for each call.
        low_delay: whether each byte is wanted at once.
    """

    def __init__(self, sock: Shown, *, low_delay: bool) -> None:
        self._sock = sock.dup()
        self._low_delay = low_delay
        self._joined = False
        self._waiting = False

    def join(self) -> None:
        """Media flows: be read in rounds, unless a low delay is wanted."""
        self._joined = True
        self._settle()

    def leave(self) -> None:
        """The connection is gone."""
        self._joined = False
        self._settle()
        self._sock.close()

    def set_low_delay(self, *, on: bool) -> None:
        """Be read for each packet, or in rounds."""
        self._low_delay = on
        self._settle()

    def taken(self) -> None:
        """It was read: the next bytes wait for the next round."""
        if self._joined and not (self._waiting or self._low_delay):
            self._waiting = True
            self._set(MARK)

    def wanted(self) -> None:
        """A round: any byte is wanted."""
        if self._waiting:
            self._waiting = False
            self._set(1)

    def _settle(self) -> None:
        rounds = rounds_of_loop()
        if self._joined and not self._low_delay:
            rounds.add(self)
        else:
            rounds.remove(self)
            self.wanted()

    def _set(self, mark: int) -> None:
        try:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, mark)
        except (OSError, ValueError):
            pass  # the connection is going down; uvloop's sockets say ValueError when it is gone


class Rounds:
    """The members of one event loop, and the timer, which runs while there are any."""

    def __init__(self) -> None:
        self._members: dict[Member, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, member: Member) -> None:
        """Read it in rounds."""
        self._members[member] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PERIOD, self._round)

    def remove(self, member: Member) -> None:
        """No longer; unknown members are ignored."""
        self._members.pop(member, None)
        if not self._members and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _round(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(PERIOD, self._round)
        for member in self._members:
            member.wanted()


_rounds: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Rounds] = weakref.WeakKeyDictionary()


def rounds_of_loop() -> Rounds:
    """Those of the running loop."""
    loop = asyncio.get_running_loop()
    rounds = _rounds.get(loop)
    if rounds is None:
        rounds = _rounds[loop] = Rounds()
    return rounds
