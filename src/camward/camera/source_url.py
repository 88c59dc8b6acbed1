"""Reading the address of a source as people type it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from camward.base.errors import ConfigurationError
from camward.base.secret import Secret
from camward.camera.orders import SourceOrder

FORMS = "file:PATH, v4l2:/dev/videoN, rtsp://HOST/PATH, rtsps://HOST/PATH or test:"


def read_source(text: str) -> SourceOrder:
    """The source, its password apart.

    Raises:
        ConfigurationError: no source is written so.
    """
    scheme, colon, rest = text.partition(":")
    match scheme.lower() if colon else "":
        case "test":
            return SourceOrder("test:")
        case "file" if rest:
            return SourceOrder(f"file:{Path(rest.removeprefix('//')).expanduser().absolute()}")
        case "v4l2" if rest.startswith("/dev/") and ".." not in rest:
            return SourceOrder(f"v4l2:{rest}")
        case "rtsp" | "rtsps":
            return _upstream(text)
    raise ConfigurationError("The source can't be read", why="it has an unknown form", next=f"write {FORMS}")


def _upstream(text: str) -> SourceOrder:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or any(letter.isspace() for letter in text):
        raise ConfigurationError("The source can't be read", why="its host or port is malformed", next=f"write {FORMS}")
    place = parts.netloc.rpartition("@")[2]
    url = parts._replace(scheme=parts.scheme.lower(), netloc=place, fragment="").geturl()
    return SourceOrder(url, unquote(parts.username or ""), Secret(unquote(parts.password or "")))
