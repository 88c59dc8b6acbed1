"""Where a device listens: as its settings say, or as the command line says instead."""

from __future__ import annotations

import re
from dataclasses import dataclass

from camward.base.errors import CamwardError

PLACE_FORM = re.compile(r"(?:(?P<address>\[[0-9A-Fa-f:.]+\]|[^:\[\]]*):)?(?P<port>\d{1,5})")


class PlaceError(CamwardError):
    """Not an address and a port."""

    exit_code = 2
    code = "PLACE"


@dataclass(frozen=True, slots=True)
class Place:
    """An address to listen on, empty for every one, and a TCP port; port 0 lets the kernel choose."""

    address: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Place:
        """From "127.0.0.1:8443", "[::1]:8443", ":8443" or "8443".

        Raises:
            PlaceError: none of these.
        """
        found = PLACE_FORM.fullmatch(text.strip())
        if found is None or int(found["port"]) > 65535:
            raise PlaceError(f"{text[:80]!r} is not ADDRESS:PORT", next="write it as 127.0.0.1:8443 or :8443")
        return cls((found["address"] or "").strip("[]"), int(found["port"]))


@dataclass(frozen=True, slots=True)
class Places:
    """What the command line says; None leaves it to the settings.

    Args:
        https: pages and API.
        rtsp: streams, of a camera.
        http: plain HTTP that only sends browsers to HTTPS; closed without.
    """

    https: Place | None = None
    rtsp: Place | None = None
    http: Place | None = None

    @classmethod
    def parse(cls, *, https: str = "", rtsp: str = "", http: str = "") -> Places:
        """From ADDRESS:PORT texts; an empty one is not given.

        Raises:
            PlaceError: one is not an address and a port.
        """
        https_place, rtsp_place, http_place = (Place.parse(text) if text else None for text in (https, rtsp, http))
        return cls(https_place, rtsp_place, http_place)
