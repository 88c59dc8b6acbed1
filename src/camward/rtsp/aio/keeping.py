"""A camera kept connected for ever, with growing waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from camward.base.errors import CamwardError, NotPermittedError
from camward.base.supervision import Backoff
from camward.rtsp.aio.client import RtspClient
from camward.rtsp.core.client_errors import EndedError


class Link(StrEnum):
    """How a camera that is kept connected is doing."""

    CONNECTING = "connecting"
    PLAYING = "playing"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Connected:
    """A change of state.

    Args:
        link: the new state.
        reason: WAITING: why the connection ended.
        retry: WAITING: seconds until the next try.
    """

    link: Link
    reason: CamwardError | None = None
    retry: float = 0.0


async def keep_connected(
    client_factory: Callable[[], RtspClient],
    *,
    on_state: Callable[[Connected], None],
    backoff: Backoff | None = None,
    refused: Backoff | None = None,
) -> None:
    """Play for ever: connect, and when it ends or can't be, again after a growing wait. Cancel to stop.

    A camera that refuses us is asked less often, or it would lock this address out.

    Args:
        client_factory: a client for each try, with the settings and credentials of that moment.
        on_state: told of each change.
        backoff: waits after failures.
        refused: waits after refusals.
    """
    backoff = backoff or Backoff()
    refused = refused or Backoff(first=10.0, most=120.0)

    def playing() -> None:
        backoff.reset()
        refused.reset()
        on_state(Connected(Link.PLAYING))

    while True:
        on_state(Connected(Link.CONNECTING))
        try:
            client = client_factory()
            client.on_playing = playing
            await client.run()
            reason: CamwardError = EndedError("The camera ended the stream")
        except CamwardError as error:
            reason = error
        wait = (refused if isinstance(reason, NotPermittedError) else backoff).delay()
        on_state(Connected(Link.WAITING, reason, wait))
        await asyncio.sleep(wait)
