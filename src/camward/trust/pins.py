"""Knowing one device again: a pin matches that device alone, whatever other certificates are valid."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509

from camward.base.clock import NS, Utc
from camward.trust.binding import BindingError, Bound, read_binding
from camward.trust.certificates import UNREADABLE, device_serial, fingerprint
from camward.trust.chain import ChainResult, Purpose, verify_chain


class PinResult(StrEnum):
    """Outcome of a pin check."""

    MATCH = "match"
    OTHER_DEVICE = "other_device"
    NO_BINDING = "no_binding"
    BAD_BINDING = "bad_binding"
    EXPIRED = "expired"
    UNTRUSTED = "untrusted"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class PinVerdict:
    """The outcome, and one sentence."""

    result: PinResult
    reason: str


@dataclass(frozen=True, slots=True)
class Pin:
    """What a client remembers of a device. Made by `of_certificate` or `of_device`.

    Args:
        sha256: fingerprint of the device's identity certificate, or of the very certificate that it serves (a foreign
            camera's self-signed one); 32 bytes. Empty in a pin by root and serial number.
        root: DER of the factory root; empty in a pin by fingerprint.
        serial: the device's serial number, as the root issued it.
    """

    sha256: bytes = b""
    root: bytes = b""
    serial: str = ""

    @classmethod
    def of_certificate(cls, sha256: bytes) -> Pin:
        """By the fingerprint: for devices without a factory certificate too.

        Raises:
            ValueError: not 32 bytes.
        """
        if len(sha256) != 32:
            raise ValueError("a fingerprint has 32 bytes")
        return cls(sha256=sha256)

    @classmethod
    def of_device(cls, root: bytes, serial: str) -> Pin:
        """By factory root (DER) and serial number: also known again after its identity was issued anew.

        Raises:
            ValueError: not a certificate, or no serial number.
        """
        x509.load_der_x509_certificate(root)
        if not serial:
            raise ValueError("a device's pin needs its serial number")
        return cls(root=root, serial=serial)

    def check(self, certificate: bytes, *, at: Utc) -> PinVerdict:
        """Is the peer that proved to hold this TLS certificate's key (DER) the pinned device?"""
        try:
            leaf = x509.load_der_x509_certificate(certificate)
            if self.sha256 and hmac.compare_digest(fingerprint(leaf), self.sha256):
                return PinVerdict(PinResult.MATCH, "the pinned certificate itself")
            bound = read_binding(leaf)
            return self._check_bound(bound, at=at)
        except BindingError as error:
            return PinVerdict(PinResult.BAD_BINDING, error.diagnostics())
        except UNREADABLE as error:
            return PinVerdict(PinResult.MALFORMED, f"the certificate can't be read: {error}")

    def _check_bound(self, bound: Bound | None, *, at: Utc) -> PinVerdict:
        if bound is None:
            result = PinResult.OTHER_DEVICE if self.sha256 else PinResult.NO_BINDING
            return PinVerdict(result, "another certificate, and no device identity vouches for it")
        if at > bound.until * NS:
            return PinVerdict(
                PinResult.EXPIRED, "the identity's word for this TLS key has run out; is the clock right?"
            )
        return self._check_identity(bound, at=at)

    def _check_identity(self, bound: Bound, *, at: Utc) -> PinVerdict:
        serial = device_serial(bound.identity)
        if self.sha256:
            if hmac.compare_digest(fingerprint(bound.identity), self.sha256):
                return PinVerdict(PinResult.MATCH, f"the pinned identity {serial} vouches for it")
            return PinVerdict(PinResult.OTHER_DEVICE, f"it is another device: {serial or 'without a serial number'}")
        root = x509.load_der_x509_certificate(self.root)
        verdict = verify_chain(bound.identity, (), (root,), purpose=Purpose.DEVICE_IDENTITY, at=at)
        if verdict.result is not ChainResult.TRUSTED:
            return PinVerdict(PinResult.UNTRUSTED, verdict.reason)
        if serial != self.serial:
            return PinVerdict(PinResult.OTHER_DEVICE, f"it is another device: {serial}, not {self.serial}")
        return PinVerdict(PinResult.MATCH, f"the identity of {serial} vouches for it")
