"""One RTSP session of a server: what is set up, what state it is in, what may be asked of it when.

    state    SETUP        PLAY         PAUSE       TEARDOWN
    ready    ready        playing      ready       gone
    playing  refused 455  playing      ready       gone

A session lives on the connection that made it and ends with it: nothing is sent to a client that has hung up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from camward.media.unit import Track
from camward.rtsp.core.errors import RefusedError
from camward.rtsp.core.transport import Transport

_RANGE = re.compile(r"npt\s*=\s*(now|[\d.:]*)\s*-\s*[\d.:]*(;.*)?", re.ASCII | re.IGNORECASE)


@dataclass(slots=True)
class ServerSession:
    """State of a session.

    Args:
        id: unguessable.
        stream: its name.
        principal: who made it.
        timeout: seconds of silence until it ends.
        heard: when the client was last heard of, monotonic.
    """

    id: str
    stream: str
    principal: str
    timeout: int
    heard: float
    playing: bool = False

    def may_set_up(self, stream: str) -> None:
        """Check a SETUP within this session.

        Raises:
            RefusedError: it is playing, or of another stream.
        """
        if stream != self.stream:
            raise RefusedError(459, "A session holds tracks of one stream")
        if self.playing:
            raise RefusedError(455, "A session that plays can't be set up")

    def expired(self, now: float) -> bool:
        """Whether the client has been silent for too long."""
        return now - self.heard > self.timeout


def choose_transport(offers: Iterable[Transport], *, udp: bool, taken: Iterable[int]) -> Transport:
    """The first offer that we serve, its channels filled in.

    Args:
        udp: whether UDP is served on this connection.
        taken: interleaved channels that this connection has given away.

    Raises:
        RefusedError: 461 when none is.
    """
    for offer in offers:
        if offer.multicast or not offer.play or offer.profile != "RTP/AVP":
            continue
        if offer.lower == "tcp":
            return replace(offer, interleaved=_channels(offer.interleaved, set(taken)))
        if udp and offer.client_port is not None and min(offer.client_port) > 0:
            return offer
    raise RefusedError(461, "None of the transports offered is served here")


def _channels(wanted: tuple[int, int] | None, taken: set[int]) -> tuple[int, int]:
    if wanted is not None and wanted[0] != wanted[1] and not taken & set(wanted):
        return wanted
    for channel in range(0, 256, 2):
        if not taken & {channel, channel + 1}:
            return channel, channel + 1
    raise RefusedError(461, "No interleaved channel is left")


def track_to_set_up(asked: Track | None, tracks: tuple[Track, ...]) -> Track:
    """The track of a SETUP: the one named, or the only one.

    Raises:
        RefusedError: the stream has no such track, or several and none is named.
    """
    if asked is None:
        if len(tracks) == 1:
            return tracks[0]
        raise RefusedError(459, "SETUP needs the URL of one track")
    if asked not in tracks:
        raise RefusedError(404, "The stream has no such track")
    return asked


def check_range(value: str) -> None:
    """A live stream plays from now on; any `npt` start is taken as that.

    Raises:
        RefusedError: 457 for times on other clocks: they ask for recordings.
    """
    if value and not _RANGE.fullmatch(value.strip()):
        raise RefusedError(457, "A live stream can't be played from a time")
