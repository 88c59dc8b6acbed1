"""Adding a camera, step by step: its address, its certificate, signing in, a picture. Nothing is saved here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography import x509

from camward.base.clock import Clock
from camward.base.errors import CamwardError, NotPermittedError, NotReachableError
from camward.media.unit import AccessUnit, Flags, StreamFormat, Track
from camward.recorder.errors import ProbeError, ProbeStep
from camward.recorder.ingest import ClientFactory, Source
from camward.trust.binding import BindingError, read_binding
from camward.trust.certificates import UNREADABLE, device_serial, fingerprint
from camward.trust.words import fingerprint_words

PORTS = {"rtsp": 554, "rtsps": 554, "https": 443}
"""Usual ports by scheme; Camward and many others serve TLS on the port of plain RTSP."""


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Who answers at an address. Nothing of it is verified: a person compares the words with the camera's label.

    Args:
        url: as asked for.
        tls: whether the connection is encrypted.
        fingerprint: SHA-256 of the device identity that vouches for its TLS key, or of the certificate itself if none
            does; None without TLS. This is what to pin.
        words: the fingerprint to read aloud; empty without TLS.
        subject: whom the certificate names.
        serial: serial number of a Camward device, else empty.
        camward: whether a Camward identity vouches for the certificate.
        claimed: whether the device has an administrator already; None: it doesn't say.
    """

    url: str
    tls: bool
    fingerprint: bytes | None
    words: str
    subject: str
    serial: str
    camward: bool
    claimed: bool | None = None


@dataclass(frozen=True, slots=True)
class FoundStream:
    """A stream that works.

    Args:
        format: of the stream.
        picture: its first key picture.
    """

    format: StreamFormat
    picture: AccessUnit


async def look_at(url: str, *, timeout: float) -> PeerAddress:  # noqa: ASYNC109 (a person waits for the answer)
    """See `Recorder.probe_address`.

    Raises:
        ProbeError: step `address` or `certificate`.
    """
    scheme, host, port = _split(url)
    context = None if scheme == "rtsp" else _curious_context()
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port, ssl=context, limit=4096)
    except TimeoutError:
        raise ProbeError(
            ProbeStep.ADDRESS,
            f"{host}:{port} did not answer within {timeout:.0f} s",
            why="the camera is off, or a firewall is between",
            next="check the address and the cable",
        ) from None
    except ssl.SSLError as error:
        raise ProbeError(
            ProbeStep.CERTIFICATE,
            f"{host}:{port} answers, but not with TLS",
            why=error.reason or str(error),
            next="if the camera has no TLS, use an rtsp:// address",
        ) from None
    except OSError as error:
        raise ProbeError(
            ProbeStep.ADDRESS,
            f"{host}:{port} can't be reached",
            why=os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error),
            next="check address and port",
        ) from None
    try:
        return _describe(url, writer.get_extra_info("ssl_object"))
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(2):
                await writer.wait_closed()


async def find_stream(
    source: Source,
    *,
    clock: Clock,
    client_factory: ClientFactory,
    timeout: float,  # noqa: ASYNC109 (likewise)
) -> FoundStream:
    """Sign in and wait for a key picture.

    Raises:
        ProbeError: step `address`, `certificate`, `sign_in` or `stream`.
    """
    first = _FirstPicture()
    try:
        tls = source.tls(clock)
        client = client_factory(
            source.url,
            first,
            credentials=source.credentials,
            tls=tls,
            clock=clock,
            transport=source.transport,
            basic_allowed=not source.plain,
        )
        async with asyncio.timeout(timeout):
            await _until_picture(client.run(), first)
    except TimeoutError:
        pass
    except NotPermittedError as error:
        step = ProbeStep.CERTIFICATE if _is_certificate(error) else ProbeStep.SIGN_IN
        raise ProbeError(step, error.what, why=error.why, next=error.next) from error
    except NotReachableError as error:
        step = ProbeStep.CERTIFICATE if _is_certificate(error) else ProbeStep.ADDRESS
        raise ProbeError(step, error.what, why=error.why, next=error.next) from error
    except CamwardError as error:
        raise ProbeError(ProbeStep.STREAM, error.what, why=error.why, next=error.next) from error
    except OSError as error:
        raise ProbeError(ProbeStep.ADDRESS, "The camera can't be reached", why=str(error)) from error
    if first.format is None or first.picture is None:
        raise ProbeError(
            ProbeStep.STREAM,
            "The camera is connected, but no picture came",
            why=first.lost or f"nothing that a decoder can start with came within {timeout:.0f} s",
            next="look at the camera's own page, and check the path of the stream",
        )
    return FoundStream(first.format, first.picture)


class _FirstPicture:
    """Waits for one key picture."""

    def __init__(self) -> None:
        self.format: StreamFormat | None = None
        self.picture: AccessUnit | None = None
        self.lost = ""
        self.done = asyncio.Event()

    def on_format(self, form: StreamFormat) -> None:
        self.format = form

    def on_unit(self, unit: AccessUnit) -> None:
        if self.picture is None and unit.track is Track.VIDEO and unit.flags & Flags.KEY:
            self.picture = unit
            self.done.set()

    def on_lost(self, reason: str) -> None:
        self.lost = reason


async def _until_picture(connection: object, first: _FirstPicture) -> None:
    """Run a connection until a picture came, or it ended."""
    running = asyncio.ensure_future(connection)  # type: ignore[call-overload]
    waiting = asyncio.ensure_future(first.done.wait())
    try:
        await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
        if running.done() and first.picture is None:
            running.result()
    finally:
        for task in (running, waiting):
            task.cancel()
        await asyncio.gather(running, waiting, return_exceptions=True)


def _is_certificate(error: BaseException) -> bool:
    """Whether the pin, or a CA, refused the peer."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _split(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in PORTS or not host:
        raise ProbeError(
            ProbeStep.ADDRESS,
            f'"{url[:80]}" is not a camera\'s address',
            next="write it like rtsps://192.0.2.7/stream1 or https://192.0.2.7",
        )
    return parts.scheme, host, port or PORTS[parts.scheme]


def _curious_context() -> ssl.SSLContext:
    """Takes any certificate: it is only looked at, and nothing is said over the connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _describe(url: str, tls: ssl.SSLObject | None) -> PeerAddress:
    if tls is None:
        return PeerAddress(url, tls=False, fingerprint=None, words="", subject="", serial="", camward=False)
    try:
        leaf = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
        bound = read_binding(leaf)
        shown = bound.identity if bound else leaf
        subject, serial, digest = shown.subject.rfc4514_string(), device_serial(shown), fingerprint(shown)
    except BindingError as error:
        raise ProbeError(ProbeStep.CERTIFICATE, error.what, why=error.why, next="don't trust this device") from error
    except UNREADABLE as error:
        raise ProbeError(ProbeStep.CERTIFICATE, "The camera's certificate can't be read", why=str(error)) from error
    return PeerAddress(
        url,
        tls=True,
        fingerprint=digest,
        words=fingerprint_words(digest),
        subject=subject,
        serial=serial if bound else "",
        camward=bound is not None,
    )
