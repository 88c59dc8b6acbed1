"""Certificates and requests of devices: building them, reading them from files, and asking what they say."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

from camward.base.clock import NS, Utc
from camward.base.errors import ConfigurationError
from camward.trust.serial import SERIAL_FORM, device_urn

CHAIN_LIMIT = 8
"""Certificates in one PEM file."""
PEM_LIMIT = 64 * 1024
DNS_FORM = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
UNREADABLE = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises, at any access, for a certificate that is not well formed: it parses as it goes."""
FOREVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 5280 4.1.2.5: no well-defined end. A device's identity is permanent."""
BACKDATED = timedelta(hours=24)
"""Devices without a battery clock start behind the times."""


def to_datetime(utc: Utc) -> datetime:
    """Nanoseconds to a datetime, whole seconds."""
    return datetime.fromtimestamp(utc // NS, tz=UTC)


def subject(name: str, serial: str = "") -> x509.Name:
    """A name with `CN` and, for devices, `serialNumber`."""
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if serial:
        parts.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial))
    return x509.Name(parts)


def device_serial(holder: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """The device's serial number in the subject; empty if there is none of the right form."""
    for attribute in holder.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER):
        if isinstance(attribute.value, str) and SERIAL_FORM.fullmatch(attribute.value):
            return attribute.value
    return ""


def common_name(holder: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """The `CN`; empty if there is none."""
    found = holder.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 over the DER certificate, 32 bytes."""
    return certificate.fingerprint(hashes.SHA256())


def leaf_extensions(
    key: ec.EllipticCurvePublicKey, issuer: ec.EllipticCurvePublicKey, usage: ObjectIdentifier
) -> list[tuple[x509.ExtensionType, bool]]:
    """Extensions of every end certificate here, each with its `critical` flag: no CA, signs only, one purpose."""
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (key_usage(digital_signature=True), True),
        (x509.ExtendedKeyUsage([usage]), True),
        (x509.SubjectKeyIdentifier.from_public_key(key), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), False),
    ]


def key_usage(*, digital_signature: bool = False, ca: bool = False) -> x509.KeyUsage:
    """Either a signer of data or a CA (which signs certificates and revocation lists)."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def build_certificate(
    key: ec.EllipticCurvePublicKey,
    name: x509.Name,
    *,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    start: datetime,
    end: datetime,
    extensions: Iterable[tuple[x509.ExtensionType, bool]],
) -> x509.Certificate:
    """Sign a certificate (v3, random serial number of 159 bits, SHA-256; SHA-384 under a P-384 key)."""
    builder = x509.CertificateBuilder(issuer, name, key, x509.random_serial_number(), start, end)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, digest_for(issuer_key))


def digest_for(key: ec.EllipticCurvePrivateKey) -> hashes.SHA256 | hashes.SHA384:
    """The digest that fits a key's strength."""
    return hashes.SHA384() if key.curve.key_size > 256 else hashes.SHA256()


def build_request(
    key: ec.EllipticCurvePrivateKey, name: x509.Name, *, extensions: Iterable[tuple[x509.ExtensionType, bool]] = ()
) -> bytes:
    """A certificate signing request (RFC 2986), PEM."""
    builder = x509.CertificateSigningRequestBuilder(name)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def alternative_names(serial: str, addresses: Sequence[str]) -> x509.SubjectAlternativeName:
    """DNS names and IP addresses, and the device's URN.

    Raises:
        ConfigurationError: neither a DNS name nor an IP address.
    """
    names: list[x509.GeneralName] = []
    for address in dict.fromkeys(addresses):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(address.partition("%")[0])))
        except ValueError:
            if not DNS_FORM.fullmatch(address.lower()) or len(address) > 253:
                raise ConfigurationError(f"{address[:80]!r} is neither a DNS name nor an IP address") from None
            names.append(x509.DNSName(address.lower()))
    return x509.SubjectAlternativeName([*names, x509.UniformResourceIdentifier(device_urn(serial))])


def addresses_of(holder: x509.Certificate | x509.CertificateSigningRequest) -> frozenset[str]:
    """The DNS names and IP addresses that a certificate is for."""
    try:
        names = holder.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    found = set(names.get_values_for_type(x509.DNSName))
    return frozenset(found | {str(address) for address in names.get_values_for_type(x509.IPAddress)})


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether a certificate is signed by its own key."""
    if certificate.issuer != certificate.subject:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except Exception:  # the library raises what the key type's backend raises; any of it means "no"
        return False
    return True


def read_chain(pem: bytes, *, source: str = "certificate") -> tuple[x509.Certificate, ...]:
    """Certificates of a PEM text, the end certificate first.

    Raises:
        ConfigurationError: none, too many, or not certificates.
    """
    if len(pem) > PEM_LIMIT:
        raise ConfigurationError(f"{source}: larger than {PEM_LIMIT} bytes")
    try:
        chain = tuple(x509.load_pem_x509_certificates(pem))
    except UNREADABLE as error:
        raise ConfigurationError(f"{source}: not a PEM certificate", why=str(error)) from None
    if len(chain) > CHAIN_LIMIT:
        raise ConfigurationError(f"{source}: more than {CHAIN_LIMIT} certificates")
    return chain


def write_chain(chain: Iterable[x509.Certificate]) -> bytes:
    """Certificates as PEM."""
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in chain)
