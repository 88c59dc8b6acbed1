"""One run of the media worker's process, seen from the front: started, spoken to, listened to, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from camward.base.clock import Clock
from camward.base.errors import CamwardError
from camward.camera.orders import Order, encode_order
from camward.camera.wire import FrameSplitter, Report, WireError, decode_report

COMMAND = (sys.executable, "-I", "-m", "camward.camera.worker")


class WorkerEndedError(CamwardError):
    """The worker died, went silent or broke its protocol; it is started again."""

    code = "WORKER-ENDED"


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """How long the worker may take.

    Args:
        silence: seconds without a sign of life (one comes each second) before it is killed.
        queued_orders: bytes of orders that it has not read yet.
    """

    silence: float = 8.0
    queued_orders: int = 1024 * 1024


class _Protocol(asyncio.Protocol):
    def __init__(self, on_report: Callable[[Report], None], clock: Clock) -> None:
        self._splitter = FrameSplitter()
        self._on_report, self._clock = on_report, clock
        self.ended = asyncio.Event()
        self.reason = ""
        self.heard = clock.monotonic()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        if self.ended.is_set():
            return
        self.heard = self._clock.monotonic()
        try:
            for frame in self._splitter.receive(data):
                self._on_report(decode_report(frame))
        except WireError as error:
            self.reason = error.what
            self.ended.set()
            if self.transport is not None:
                self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set()


class WorkerProcess:
    """A started worker. Use `WorkerProcess.start`, then `watch`, then always `end`."""

    def __init__(
        self, process: asyncio.subprocess.Process, protocol: _Protocol, *, clock: Clock, limits: WorkerLimits
    ) -> None:
        self._process, self._protocol, self._clock, self._limits = process, protocol, clock, limits

    @classmethod
    async def start(
        cls,
        *,
        on_report: Callable[[Report], None],
        clock: Clock,
        command: Sequence[str] = COMMAND,
        limits: WorkerLimits = WorkerLimits(),
    ) -> WorkerProcess:
        """Start the process; it waits for its configuration. It is told its socket's and our own number."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            ours.setblocking(False)  # noqa: FBT003 (the standard library has it so)
            process = await asyncio.create_subprocess_exec(
                *command,
                str(theirs.fileno()),
                str(os.getpid()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                cwd="/",
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        protocol = _Protocol(on_report, clock)
        await asyncio.get_running_loop().create_connection(lambda: protocol, sock=ours)
        return cls(process, protocol, clock=clock, limits=limits)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def order(self, order: Order) -> None:
        """Send an order; one that hangs is noticed by `watch`, so nothing waits here."""
        transport = self._protocol.transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() < self._limits.queued_orders:
            transport.write(encode_order(order))

    async def watch(self) -> None:
        """Wait until the worker is of no use any more.

        Raises:
            WorkerEndedError: always; it says why.
        """
        protocol = self._protocol
        while not protocol.ended.is_set():
            quiet = self._clock.monotonic() - protocol.heard
            if quiet > self._limits.silence:
                raise WorkerEndedError("The media worker was ended", why=f"it was silent for {quiet:.0f} s")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await protocol.ended.wait()
        code = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                code = await self._process.wait()
        why = protocol.reason or ("it closed its socket" if code is None else f"it ended with code {code}")
        raise WorkerEndedError("The media worker ended", why=why)

    async def end(self) -> None:
        """Kill it and wait until it is gone."""
        if self._protocol.transport is not None:
            self._protocol.transport.abort()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._protocol.ended.wait()
