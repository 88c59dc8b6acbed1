"""The site's CA, below the root: TLS certificates for the real addresses of devices, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from camward.base.clock import Utc
from camward.base.errors import ConfigurationError
from camward.base.secret import Secret
from camward.factory.authority import (
    ROOT_FILE,
    SITE_FILE,
    Authority,
    create_authority,
    open_authority,
    refuse_existing,
)
from camward.factory.issue import read_request
from camward.factory.register import add_issued
from camward.factory.root import check_name
from camward.trust.binding import BindingError, binding_extension, read_binding
from camward.trust.certificates import (
    BACKDATED,
    alternative_names,
    build_certificate,
    device_serial,
    key_usage,
    leaf_extensions,
    subject,
    to_datetime,
    write_chain,
)
from camward.trust.chain import ChainResult, Purpose, verify_chain

SITE_LIFETIME = timedelta(days=5 * 365 + 1)
TLS_LIFETIME = timedelta(days=90)
"""From the (backdated) start to the end."""
ADDRESS_LIMIT = 32
"""Names in one certificate."""


def issue_site_ca(
    root_folder: Path,
    site_folder: Path,
    *,
    root_passphrase: Secret[str] | None,
    passphrase: Secret[str] | None,
    name: str,
    now: Utc,
) -> Authority:
    """Make a site's CA: serverAuth only (its extended key usage binds all below it), no CA below, five years.

    Raises:
        ConfigurationError: no root, wrong passphrase, or the site's folder holds a CA already.
    """
    check_name(name)
    refuse_existing(site_folder)
    root = open_authority(root_folder, ROOT_FILE, passphrase=root_passphrase)
    key = ec.generate_private_key(ec.SECP256R1())
    start = to_datetime(now) - BACKDATED
    certificate = build_certificate(
        key.public_key(),
        subject(name),
        issuer=root.certificate.subject,
        issuer_key=root.key,
        start=start,
        end=min(start + SITE_LIFETIME, root.certificate.not_valid_after_utc),
        extensions=[
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (key_usage(ca=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), False),
        ],
    )
    add_issued(root, certificate, purpose="site", serial=name, now=now)
    return create_authority(site_folder, SITE_FILE, chain=(certificate, *root.chain), key=key, passphrase=passphrase)


def issue_tls(
    site_folder: Path, request: bytes, addresses: Sequence[str], *, passphrase: Secret[str] | None, now: Utc
) -> bytes:
    """Issue a device's TLS certificate for these addresses, at most 90 days.

    The request must carry the binding of an identity that the same root issued: the site's CA gives no certificate
    to anything but a device, and the device's URN in it is the identity's serial number.

    Args:
        site_folder: the site's CA.
        request: PEM, from `DeviceIdentity.tls_request`.
        addresses: DNS names and IP addresses; whoever calls this has checked that they are the device's.
        passphrase: of the site's key.
        now: start of its life.

    Returns:
        PEM: the certificate, then the site CA's (not the root).

    Raises:
        ConfigurationError: the request or an address won't do.
    """
    if not 1 <= len(addresses) <= ADDRESS_LIMIT:
        raise ConfigurationError(f"a TLS certificate is for 1 to {ADDRESS_LIMIT} addresses, not {len(addresses)}")
    site = open_authority(site_folder, SITE_FILE, passphrase=passphrase)
    parsed = read_request(request)
    serial = _device_of(parsed, site, now=now)
    binding = binding_extension(parsed)
    key = parsed.public_key()
    assert binding is not None
    assert isinstance(key, ec.EllipticCurvePublicKey)
    start = to_datetime(now) - BACKDATED
    certificate = build_certificate(
        key,
        subject(serial),
        issuer=site.certificate.subject,
        issuer_key=site.key,
        start=start,
        end=min(start + TLS_LIFETIME, site.certificate.not_valid_after_utc),
        extensions=[
            *leaf_extensions(key, site.key.public_key(), ExtendedKeyUsageOID.SERVER_AUTH),
            (alternative_names(serial, addresses), False),
            (binding, False),
        ],
    )
    add_issued(site, certificate, purpose="tls", serial=serial, now=now)
    return write_chain([certificate, site.certificate])


def _device_of(request: x509.CertificateSigningRequest, site: Authority, *, now: Utc) -> str:
    try:
        bound = read_binding(request)
    except BindingError as error:
        raise ConfigurationError("the request's binding is false", why=error.diagnostics()) from None
    if bound is None:
        raise ConfigurationError("the request carries no device's binding")
    verdict = verify_chain(bound.identity, (), site.chain[1:], purpose=Purpose.DEVICE_IDENTITY, at=now)
    if verdict.result is not ChainResult.TRUSTED:
        raise ConfigurationError("the request is not from a device of this root", why=verdict.reason)
    return device_serial(bound.identity)
