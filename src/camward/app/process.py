"""One device, one process: event loop, signals, a graceful stop with a deadline."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import threading
from collections.abc import Awaitable, Callable

import structlog
import uvloop

log = structlog.get_logger(__name__)

STOP_SECONDS = 4.0
"""From the signal to the end of the process, flushes included. Whatever was acknowledged is on the disk by then."""


def run_process(serve: Callable[[asyncio.Event], Awaitable[None]], *, tied: bool = False) -> None:
    """Run until SIGTERM or SIGINT.

    Args:
        serve: the process's work; told to stop by the event.
        tied: stop also when standard input ends: whoever holds its other end has gone.
    """
    _allow_many_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_signal(serve, tied=tied))


def _allow_many_files() -> None:
    """As many as the system permits: each connection and each recording is one, and the usual limit is 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _until_signal(serve: Callable[[asyncio.Event], Awaitable[None]], *, tied: bool) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def stop_now(reason: str) -> None:
        if stop.is_set():
            return
        log.info("stopping", reason=reason)
        stop.set()
        deadline = threading.Timer(STOP_SECONDS, _give_up)
        deadline.daemon = True
        deadline.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_now, number.name)
    if tied:
        watcher = threading.Thread(target=_watch_input, args=(loop, stop_now), name="parent", daemon=True)
        watcher.start()
    await serve(stop)


def _watch_input(loop: asyncio.AbstractEventLoop, stop_now: Callable[[str], None]) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    loop.call_soon_threadsafe(stop_now, "standard input ended")


def _give_up() -> None:
    os.write(2, b"camward: stopped without waiting any longer\n")
    os._exit(1)
