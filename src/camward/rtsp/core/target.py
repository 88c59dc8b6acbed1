"""What a request's URL names: a stream, and perhaps one track of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from camward.media.unit import Track

_TRACK = re.compile(r"[/?&]+trackID=(\d)/*$", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """A stream, or a track of it.

    Args:
        stream: its name, "stream1" say; empty for the server itself.
        track: None for the stream as a whole.
        base: the URL of the stream, without query, track and final slash.
    """

    stream: str
    track: Track | None = None
    base: str = ""


def parse_target(uri: str) -> Target | None:
    """Read a URL as clients really form it: final slashes, a query, the track behind either.

    None for what can't name anything of ours.
    """
    if uri == "*":
        return Target("")
    track = None
    if match := _TRACK.search(uri):
        number = int(match[1])
        if number >= len(Track):
            return None
        track, uri = Track(number), uri[: match.start()]
    try:
        parts = urlsplit(uri)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return None
    if parts.scheme.lower() not in ("rtsp", "rtsps", "rtspu") or not host:
        return None
    path = parts.path.strip("/")
    return Target(unquote(path), track, f"{parts.scheme}://{host}/{path}".rstrip("/"))
