"""The factory's root: a private CA for 20 years, to be kept offline."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from camward.base.clock import Utc
from camward.base.errors import ConfigurationError
from camward.base.secret import Secret
from camward.factory.authority import (
    ROOT_FILE,
    Authority,
    check_passphrase,
    create_authority,
    read_authority,
    refuse_existing,
)
from camward.trust.certificates import BACKDATED, build_certificate, key_usage, subject, to_datetime, write_chain

LIFETIME = timedelta(days=20 * 365 + 5)
NAME_LIMIT = 64
"""Characters of a CN (RFC 5280 upper bound)."""


def init_root(folder: Path, *, passphrase: Secret[str] | None, name: str, now: Utc) -> Authority:
    """Make a root: P-384, one level of site CAs below it and no more.

    Args:
        folder: new or empty of CAs; entered by its owner only.
        passphrase: for the key; None leaves it in the clear (the demo).
        name: of the factory, for people.
        now: start of its life.

    Raises:
        ConfigurationError: there is a root already, or the name does not do.
        OSError: the folder can't be written.
    """
    check_name(name)
    check_passphrase(passphrase)
    refuse_existing(folder)
    key = ec.generate_private_key(ec.SECP384R1())
    title = subject(name)
    start = to_datetime(now) - BACKDATED
    certificate = build_certificate(
        key.public_key(),
        title,
        issuer=title,
        issuer_key=key,
        start=start,
        end=start + LIFETIME,
        extensions=[
            (x509.BasicConstraints(ca=True, path_length=1), True),
            (key_usage(ca=True), True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        ],
    )
    return create_authority(folder, ROOT_FILE, chain=(certificate,), key=key, passphrase=passphrase)


def root_certificate(folder: Path) -> bytes:
    """The root certificate, PEM: what browsers and verifiers are told to trust.

    Raises:
        ConfigurationError: the folder holds no root.
    """
    return write_chain(read_authority(folder, ROOT_FILE)[:1])


def check_name(name: str) -> None:
    """A name fit for a certificate.

    Raises:
        ConfigurationError: empty, too long, or with control characters.
    """
    if not name.strip() or len(name) > NAME_LIMIT or not name.isprintable():
        raise ConfigurationError(
            f"{name[:80]!r} can't be a certificate's name", next="use 1 to 64 printable characters"
        )
