"""Long-running parts: started, restarted with back-off when they fail, stopped in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from camward.base.errors import CamwardError

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Backoff:
    """Waiting times that grow: `first`, doubled up to `most` seconds, each shortened by up to a quarter at random
    so that a fleet does not come back in step."""

    first: float = 0.5
    most: float = 30.0
    _next: float = field(default=0.0, init=False)

    def reset(self) -> None:
        """It worked: the next wait is short again."""
        self._next = 0.0

    def delay(self) -> float:
        """Seconds to wait before the next try."""
        self._next = min(self.most, self._next * 2 or self.first)
        return self._next * (1 - random.random() / 4)  # noqa: S311 (jitter, not a secret)


async def keep_running(name: str, part: Callable[[], Awaitable[None]], *, backoff: Backoff | None = None) -> None:
    """Run `part` for ever; when it ends or fails, log why and start it again after a growing wait.

    Cancel to stop. A part that ran for a minute starts with a short wait again.
    """
    backoff = backoff or Backoff()
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        try:
            await part()
            log.warning("part_ended", part=name)
        except asyncio.CancelledError:
            raise
        except CamwardError as error:
            log.warning("part_failed", part=name, error=error.diagnostics())
        except Exception:
            log.exception("part_crashed", part=name)
        if loop.time() - started > 60:
            backoff.reset()
        await asyncio.sleep(backoff.delay())
