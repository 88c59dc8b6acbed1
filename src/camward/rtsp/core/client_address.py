"""A camera's URL: where to connect, what to ask for, and credentials that someone wrote into it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from camward.base.errors import ConfigurationError
from camward.base.secret import Secret

PORTS = {"rtsp": 554, "rtsps": 322}


@dataclass(frozen=True, slots=True)
class Credentials:
    """How we sign in at a camera."""

    name: str
    password: Secret[str]


@dataclass(frozen=True, slots=True)
class Address:
    """A camera's URL taken apart.

    Args:
        host: name or IP address.
        port: TCP port.
        tls: whether the scheme is rtsps.
        url: what is asked for: without credentials and fragment.
        credentials: from the URL, if it had any.
    """

    host: str
    port: int
    tls: bool
    url: str
    credentials: Credentials | None = None


def parse_address(url: str) -> Address:
    """Take a URL apart.

    Raises:
        ConfigurationError: it is no rtsp or rtsps URL; the message doesn't repeat it, since it may hold a password.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise _wrong("Its host or port is malformed") from error
    scheme = parts.scheme.lower()
    if scheme not in PORTS or not parts.hostname:
        raise _wrong("It has to start with rtsp:// or rtsps:// and a host")
    if any(ord(character) <= 32 or ord(character) == 127 for character in url.strip()):
        raise _wrong("There is a space or a control character in it")
    credentials = None
    if parts.username is not None:
        credentials = Credentials(unquote(parts.username), Secret(unquote(parts.password or "")))
    netloc = parts.netloc.rpartition("@")[2]
    asked = f"{scheme}://{netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")
    return Address(parts.hostname, port or PORTS[scheme], scheme == "rtsps", asked, credentials)


def _wrong(why: str) -> ConfigurationError:
    return ConfigurationError("The camera's address can't be used", why=why, next="Write it as rtsp://HOST:PORT/PATH")
