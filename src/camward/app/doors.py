"""A listener whose place follows the settings: it moves without a restart, and stays where it was if it can't."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from camward.base.errors import CamwardError
from camward.door.acceptor import Door, HostFilter, Listener, PortError

log = structlog.get_logger(__name__)


class LiveDoor:
    """One listener of a device.

    Args:
        listener: makes the listener as the settings have it now.
        allowed: the host filter.
    """

    def __init__(self, listener: Callable[[], Listener], *, allowed: HostFilter = lambda _: True) -> None:
        self._make, self._allowed = listener, allowed
        self._listener = listener()
        self._door: Door | None = None
        self._moved = asyncio.Event()
        self.problem = ""

    @property
    def port(self) -> int:
        """The port that is open; as the settings have it while none is."""
        return self._door.addresses[0][2] if self._door and self._door.addresses else self._listener.port

    def open(self) -> None:
        """Bind.

        Raises:
            PortError: the port is in use or not ours to open.
        """
        self._door = self._opened(self._listener)

    def follow(self) -> None:
        """The settings changed: move if the listener's place did."""
        wanted = self._make()
        if (wanted.host, wanted.port) != (self._listener.host, self._listener.port):
            self._moved.set()

    def close(self) -> None:
        """Stop listening, also if `run` never did."""
        if self._door is not None:
            self._door.close()

    async def run(self) -> None:
        """Serve until cancelled, wherever the settings say. Open connections outlive a move."""
        while True:
            door = self._door = self._door or self._opened(self._listener)
            following: Door | None = None
            try:
                async with asyncio.TaskGroup() as group:
                    serving = group.create_task(door.serve())
                    following = await self._next_place()
                    serving.cancel()
            finally:
                door.close()
                self._door = following
            if following is None:
                self._reopen()

    async def _next_place(self) -> Door | None:
        """Wait until the settings want another place; its door, or None where the old one must close first."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            wanted = self._make()
            if wanted.port == self._listener.port:
                return None
            try:
                door = self._opened(wanted)
            except PortError as error:
                self._complain(error)
                continue
            self._listener, self.problem = wanted, ""
            log.info("listener_moved", listener=wanted.name, port=wanted.port)
            return door

    def _reopen(self) -> None:
        """The same port at another address: the old place again if the new one can't be had."""
        wanted = self._make()
        try:
            self._door = self._opened(wanted)
        except PortError as error:
            self._complain(error)
        else:
            self._listener, self.problem = wanted, ""
            log.info("listener_moved", listener=wanted.name, address=wanted.host, port=wanted.port)

    def _opened(self, listener: Listener) -> Door:
        door = Door([listener], allowed=self._allowed)
        door.open()
        return door

    def _complain(self, error: CamwardError) -> None:
        self.problem = error.diagnostics()
        log.error("listener_not_moved", listener=self._listener.name, error=self.problem)
