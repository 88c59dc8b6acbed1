"""TLS contexts: one for our servers, and for our clients one that holds the peer to a pin within the handshake."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from camward.base.clock import Clock
from camward.trust.pins import Pin, PinResult

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""TLS 1.2: forward secrecy and AEAD only. TLS 1.3 has nothing else."""


def server_context(chain: Path, key: Path) -> ssl.SSLContext:
    """For a listener: TLS 1.2 or later, AEAD suites, HTTP/1.1.

    Args:
        chain: PEM, end certificate first.
        key: its private key, PEM.

    Raises:
        OSError: a file can't be read, or the key is not the certificate's (ssl.SSLError).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    reload_certificate(context, chain, key)
    return context


def reload_certificate(context: ssl.SSLContext, chain: Path, key: Path) -> None:
    """Serve another certificate from the next handshake on; open connections stay.

    Raises:
        OSError: as for `server_context`; the context keeps the old one.
    """
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key)  # a mismatch must not reach the live context
    context.load_cert_chain(chain, key)


def client_context(pin: Pin, clock: Clock) -> ssl.SSLContext:
    """For a client that knows its device: the handshake fails unless the pin matches.

    It raises `ssl.SSLCertVerificationError` with the reason, before a byte of ours was sent. Host names and the
    machine's root certificates play no part. Works with asyncio, uvloop, aiohttp and plain sockets.
    """
    context = _PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    _harden(context)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the pin is the check: `_enforce`, in each handshake
    context.pin, context.clock = pin, clock
    context.sslobject_class = _PinnedObject
    context.sslsocket_class = _PinnedSocket
    return context


def ca_client_context(roots: Path | None = None) -> ssl.SSLContext:
    """For a client that trusts a CA (the machine's, if none is given) and checks the host name.

    Raises:
        OSError: the file can't be read or holds no certificates.
    """
    context = ssl.create_default_context(cafile=roots)
    _harden(context)
    return context


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)


class _PinnedContext(ssl.SSLContext):
    """A context that carries the pin to the connections made from it."""

    pin: Pin
    clock: Clock


class _PinnedObject(ssl.SSLObject):
    """What asyncio handshakes with."""

    def do_handshake(self) -> None:
        super().do_handshake()
        _enforce(self.context, self.getpeercert(binary_form=True))


class _PinnedSocket(ssl.SSLSocket):
    """What blocking clients handshake with."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 (the standard library's signature)
        super().do_handshake(block)
        _enforce(self.context, self.getpeercert(binary_form=True))


def _enforce(context: Any, certificate: bytes | None) -> None:
    assert isinstance(context, _PinnedContext)
    verdict = context.pin.check(certificate or b"", at=context.clock.utc())
    if verdict.result is not PinResult.MATCH:
        error = ssl.SSLCertVerificationError(f"not the pinned device: {verdict.reason}")
        error.verify_message = verdict.reason
        raise error
