"""Does a certificate lead to a trusted root, for one purpose? A verdict with the reason, never a bare yes or no.

A path check of its own (RFC 5280 6.1, cut down to what Camward issues), because the web's rules, which libraries
enforce, have no place for video signing. The rules:

- every certificate is signed by the next and valid at the time asked about; the root is trusted as given;
- every issuer is a CA with keyCertSign, within its path length;
- the leaf is not a CA and has exactly the purpose's extended key usage;
- TLS: a CA below the root that has extended key usages must have serverAuth among them;
- device identity and video signing: a CA below the root must have that very usage. So nothing under a site CA, which
  has serverAuth alone, is ever a device or a signer;
- a critical extension that is not understood refuses the path.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from camward.base.clock import Utc
from camward.trust.certificates import UNREADABLE, to_datetime
from camward.trust.oids import DEVICE_IDENTITY, VIDEO_SIGNING

E = TypeVar("E", bound=x509.ExtensionType)

DEPTH_LIMIT = 4
"""Certificates in a path, leaf and root included."""
CANDIDATE_LIMIT = 16
"""Intermediates looked at; a peer may send what it likes."""


class Purpose(StrEnum):
    """What a certificate is asked to be good for."""

    TLS_SERVER = "tls_server"
    DEVICE_IDENTITY = "device_identity"
    VIDEO_SIGNING = "video_signing"

    @property
    def usage(self) -> ObjectIdentifier:
        """The extended key usage."""
        return _USAGE[self]


_USAGE = {
    Purpose.TLS_SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
    Purpose.DEVICE_IDENTITY: DEVICE_IDENTITY,
    Purpose.VIDEO_SIGNING: VIDEO_SIGNING,
}


class ChainResult(StrEnum):
    """Outcome of a path check."""

    TRUSTED = "trusted"
    NO_ROOT = "no_root"
    UNTRUSTED = "untrusted"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    REVOKED = "revoked"
    WRONG_PURPOSE = "wrong_purpose"
    NOT_A_CA = "not_a_ca"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """The outcome.

    Args:
        result: see `ChainResult`.
        reason: one sentence.
        path: leaf first, root last; as far as it was found.
    """

    result: ChainResult
    reason: str
    path: tuple[x509.Certificate, ...] = ()


class _Refused(Exception):  # noqa: N818 (control flow inside this file, not an error that anyone sees)
    def __init__(self, result: ChainResult, reason: str) -> None:
        super().__init__(reason)
        self.result, self.reason = result, reason


_UNDERSTOOD = {
    x509.BasicConstraints.oid,
    x509.KeyUsage.oid,
    x509.ExtendedKeyUsage.oid,
    x509.SubjectAlternativeName.oid,
    x509.SubjectKeyIdentifier.oid,
    x509.AuthorityKeyIdentifier.oid,
}


def verify_chain(
    leaf: x509.Certificate,
    intermediates: Iterable[x509.Certificate],
    roots: Sequence[x509.Certificate],
    *,
    purpose: Purpose,
    at: Utc,
    revocations: Iterable[x509.CertificateRevocationList] = (),
) -> ChainVerdict:
    """Find a path from the leaf to one of the roots and check it.

    Args:
        leaf: the certificate in question.
        intermediates: what came along with it, in any order.
        roots: trusted as they are, apart from their validity in time.
        purpose: see `Purpose`.
        at: the time for which to judge.
        revocations: lists; those not signed by an issuer on the path are ignored.
    """
    if not roots:
        return ChainVerdict(ChainResult.NO_ROOT, "no trusted root was given")
    path: tuple[x509.Certificate, ...] = (leaf,)
    try:
        _check_leaf(leaf, purpose)
        path = _find_path(leaf, list(intermediates)[:CANDIDATE_LIMIT], roots)
        moment = to_datetime(at)
        for depth, certificate in enumerate(path):
            _check_time(certificate, moment)
            _check_extensions(certificate)
            if depth:
                _check_issuer(certificate, below=depth - 1, purpose=purpose, is_root=certificate is path[-1])
        _check_revocation(path, list(revocations))
    except _Refused as refused:
        return ChainVerdict(refused.result, refused.reason, path)
    except UNREADABLE as error:
        return ChainVerdict(ChainResult.MALFORMED, f"a certificate can't be read: {error}", path)
    return ChainVerdict(ChainResult.TRUSTED, f"leads to the root {_title(path[-1])}", path)


def _check_leaf(leaf: x509.Certificate, purpose: Purpose) -> None:
    basic = _value(leaf, x509.BasicConstraints)
    if basic is not None and basic.ca:
        raise _Refused(ChainResult.WRONG_PURPOSE, "the certificate is a CA's")
    usages = _value(leaf, x509.ExtendedKeyUsage)
    if usages is None or purpose.usage not in usages:
        raise _Refused(ChainResult.WRONG_PURPOSE, f"the certificate is not for {_words(purpose)}")
    if purpose is not Purpose.TLS_SERVER and len(list(usages)) != 1:
        raise _Refused(ChainResult.WRONG_PURPOSE, f"the certificate is not for {_words(purpose)} alone")
    usage = _value(leaf, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        raise _Refused(ChainResult.WRONG_PURPOSE, "the certificate's key may not sign")


def _find_path(
    leaf: x509.Certificate, candidates: list[x509.Certificate], roots: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    paths: list[tuple[x509.Certificate, ...]] = [(leaf,)]
    while paths:
        path = paths.pop()
        for root in roots:
            if _issued(path[-1], by=root):
                return (*path, root)
        if len(path) < DEPTH_LIMIT - 1:
            paths.extend((*path, other) for other in candidates if other not in path and _issued(path[-1], by=other))
    raise _Refused(ChainResult.UNTRUSTED, f"{_title(leaf)} does not lead to a trusted root")


def _issued(certificate: x509.Certificate, *, by: x509.Certificate) -> bool:
    try:
        if certificate.issuer != by.subject:
            return False
        certificate.verify_directly_issued_by(by)
    except (*UNREADABLE, InvalidSignature):
        return False
    return True


def _check_time(certificate: x509.Certificate, moment: datetime) -> None:
    if moment < certificate.not_valid_before_utc:
        raise _Refused(ChainResult.NOT_YET_VALID, f"{_title(certificate)} is not valid yet; is the clock right?")
    if moment > certificate.not_valid_after_utc:
        raise _Refused(
            ChainResult.EXPIRED, f"{_title(certificate)} ended on {certificate.not_valid_after_utc:%Y-%m-%d}"
        )


def _check_extensions(certificate: x509.Certificate) -> None:
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            text = (
                f"{_title(certificate)} has a critical extension that is not understood: {extension.oid.dotted_string}"
            )
            raise _Refused(ChainResult.MALFORMED, text)


def _check_issuer(certificate: x509.Certificate, *, below: int, purpose: Purpose, is_root: bool) -> None:
    basic, usage = _value(certificate, x509.BasicConstraints), _value(certificate, x509.KeyUsage)
    if basic is None or not basic.ca or usage is None or not usage.key_cert_sign:
        raise _Refused(ChainResult.NOT_A_CA, f"{_title(certificate)} may not issue certificates")
    if basic.path_length is not None and below > basic.path_length:
        raise _Refused(ChainResult.NOT_A_CA, f"{_title(certificate)} may not have a CA below it")
    usages = _value(certificate, x509.ExtendedKeyUsage)
    if usages is None:
        allowed = is_root or purpose is Purpose.TLS_SERVER
    else:
        allowed = purpose.usage in usages
    if not allowed:
        text = f"{_title(certificate)} may not issue certificates for {_words(purpose)}"
        raise _Refused(ChainResult.WRONG_PURPOSE, text)


def _check_revocation(path: tuple[x509.Certificate, ...], lists: list[x509.CertificateRevocationList]) -> None:
    for certificate, issuer in pairwise(path):
        key = issuer.public_key()
        for known in lists:
            if known.issuer != issuer.subject or not known.is_signature_valid(key):  # type: ignore[arg-type]
                continue
            if known.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
                raise _Refused(ChainResult.REVOKED, f"{_title(certificate)} was revoked by {_title(issuer)}")


def _value(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _title(certificate: x509.Certificate) -> str:
    return f'"{certificate.subject.rfc4514_string()[:120]}"'


def _words(purpose: Purpose) -> str:
    return purpose.value.replace("_", " ")
