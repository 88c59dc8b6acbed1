"""Makes small certificate trees with any property one likes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from camward.trust.certificates import build_certificate, key_usage, subject

START = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass
class Made:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make(
    name: str,
    *,
    by: Made | None = None,
    ca: bool = False,
    path_length: int | None = None,
    usages: list | None = None,
    days: int = 3650,
    start: datetime = START,
    extra: list | None = None,
    signs: bool = True,
) -> Made:
    key = ec.generate_private_key(ec.SECP256R1())
    extensions = [
        (x509.BasicConstraints(ca=ca, path_length=path_length), True),
        (key_usage(ca=ca and signs, digital_signature=not ca and signs), True),
    ]
    if usages is not None:
        extensions.append((x509.ExtendedKeyUsage(usages), False))
    certificate = build_certificate(
        key.public_key(),
        subject(name),
        issuer=by.certificate.subject if by else subject(name),
        issuer_key=by.key if by else key,
        start=start,
        end=start + timedelta(days=days),
        extensions=[*extensions, *(extra or [])],
    )
    return Made(certificate, key)


@pytest.fixture
def issue() -> Callable[..., Made]:
    return make
