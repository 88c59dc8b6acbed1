"""The identity's word for a TLS key, carried inside the TLS certificate.

The identity is permanent, TLS certificates come and go. A recorder pins the identity; each TLS certificate has, as a
non-critical extension, the identity certificate and its signature over the TLS public key and an end of validity. So
the pin outlives every renewal, and the identity's key never serves TLS.

    TlsBinding ::= SEQUENCE {
        until        INTEGER,        -- seconds since 1970-01-01T00:00:00Z
        identity     OCTET STRING,   -- DER certificate of the identity
        signature    OCTET STRING }  -- ECDSA, DER, by the identity's key, with SHA-256, over
                                     -- "camward-tls-binding-1" 0x00 until (8 bytes, big-endian) SubjectPublicKeyInfo
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from camward.base.errors import ProtocolError
from camward.trust.certificates import UNREADABLE
from camward.trust.keys import FileKey, spki
from camward.trust.oids import TLS_BINDING

DOMAIN = b"camward-tls-binding-1\0"
BINDING_LIMIT = 8 * 1024
"""Bytes of the extension."""


class BindingError(ProtocolError):
    """The binding in a certificate is malformed or false."""

    code = "TLS-BINDING"


@asn1.sequence
@dataclass
class _Binding:
    until: int
    identity: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Bound:
    """Who vouches for a TLS key, and until when (seconds UTC). The signature has been checked, the identity has not."""

    identity: x509.Certificate
    until: int


def build_binding(
    tls_key: ec.EllipticCurvePublicKey, *, identity_key: FileKey, identity: x509.Certificate, until: int
) -> x509.UnrecognizedExtension:
    """The extension for a TLS certificate or its request."""
    signature = identity_key.private.sign(_message(tls_key, until), ec.ECDSA(hashes.SHA256()))
    der = identity.public_bytes(serialization.Encoding.DER)
    return x509.UnrecognizedExtension(TLS_BINDING, asn1.encode_der(_Binding(until, der, signature)))


def binding_extension(
    holder: x509.Certificate | x509.CertificateSigningRequest,
) -> x509.UnrecognizedExtension | None:
    """The extension as it stands, unchecked."""
    try:
        value = holder.extensions.get_extension_for_oid(TLS_BINDING).value
    except x509.ExtensionNotFound:
        return None
    return value if isinstance(value, x509.UnrecognizedExtension) else None


def read_binding(holder: x509.Certificate | x509.CertificateSigningRequest) -> Bound | None:
    """The binding of a certificate's key; None if it has none.

    Raises:
        BindingError: there is one, and it is malformed or not by the identity that it names.
    """
    try:
        extension = binding_extension(holder)
        key = holder.public_key()
    except UNREADABLE as error:
        raise BindingError("the certificate is malformed", why=str(error)) from None
    if extension is None:
        return None
    if len(extension.value) > BINDING_LIMIT:
        raise BindingError("the binding is too long")
    try:
        binding = asn1.decode_der(_Binding, extension.value)
        identity = x509.load_der_x509_certificate(binding.identity)
        signer = identity.public_key()
        if not isinstance(signer, ec.EllipticCurvePublicKey) or not isinstance(key, ec.EllipticCurvePublicKey):
            raise BindingError("the binding is not between elliptic-curve keys")
        signer.verify(binding.signature, _message(key, binding.until), ec.ECDSA(hashes.SHA256()))
    except UNREADABLE as error:
        raise BindingError("the binding is malformed", why=str(error)) from None
    except InvalidSignature:
        raise BindingError("the binding is not by the identity that it names") from None
    return Bound(identity, binding.until)


def _message(tls_key: ec.EllipticCurvePublicKey, until: int) -> bytes:
    return DOMAIN + until.to_bytes(8, signed=False) + spki(tls_key)
