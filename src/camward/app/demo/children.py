"""Devices as child processes: started, restarted when they crash, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from camward.base.supervision import Backoff

STOP_SECONDS = 4.5
"""From asking to killing; a device's own deadline is shorter."""
LOG_KEPT = 8 * 1024 * 1024
"""Bytes of a log after which the next start begins a new one; one old one is kept."""
SETTLED = 20.0
"""Seconds after which a restart waits as shortly as the first one."""


class Child:
    """One device.

    The pipe to its standard input is what ties it to this process: when this one dies, however it dies, the pipe
    ends and the device stops. It has a session of its own, so that Ctrl-C reaches it through us alone, in order.

    Args:
        name: for people.
        command: program and arguments.
        log: file that takes what it says.
        say: told, in one sentence, when it crashed.
    """

    def __init__(self, name: str, command: Sequence[str], *, log: Path, say: Callable[[str], None]) -> None:
        self.name, self.log = name, log
        self._command, self._say = tuple(command), say
        self._process: asyncio.subprocess.Process | None = None
        self.exit_code: int | None = None
        self.restarts = 0

    async def run(self) -> None:
        """Keep it running until cancelled; then it is stopped, or killed after a while."""
        backoff, loop = Backoff(first=1.0, most=15.0), asyncio.get_running_loop()
        try:
            while True:
                started = loop.time()
                self._process = await self._start()
                self.exit_code = await self._process.wait()
                if loop.time() - started > SETTLED:
                    backoff.reset()
                wait = backoff.delay()
                self.restarts += 1
                how = f"signal {-self.exit_code}" if self.exit_code < 0 else f"exit code {self.exit_code}"
                self._say(f"{self.name} ended ({how}), starts again in {wait:.0f} s. {self.last_words()}")
                await asyncio.sleep(wait)
        finally:
            await asyncio.shield(self._stop())

    def last_words(self) -> str:
        """The last line of its log: mostly why it ended."""
        with contextlib.suppress(OSError), self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 4096))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
            return lines[-1][:500] if lines else ""
        return ""

    async def _start(self) -> asyncio.subprocess.Process:
        if self.log.exists() and self.log.stat().st_size > LOG_KEPT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            os.fchmod(log.fileno(), 0o600)
            return await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def _stop(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            self._say(f"{self.name} did not stop in {STOP_SECONDS} s and was killed.")
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # whatever of its session is left
        await process.wait()
