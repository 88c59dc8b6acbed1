"""Private keys that are born in a device's state and never leave it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from camward.base.errors import ConfigurationError
from camward.base.files import write_atomic


class SigningKey(Protocol):
    """A P-256 key that signs; where it lives (file, PKCS#11, TPM) is its own business."""

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        ...

    async def sign(self, digest: bytes) -> bytes:
        """ECDSA signature (DER, RFC 3279 2.2.3) over a SHA-256 digest of 32 bytes."""
        ...


class FileKey:
    """A `SigningKey` in a file of the device's secrets, readable by its owner only.

    Args:
        private: the key.
        path: where it lives; TLS needs the file itself.
    """

    def __init__(self, private: ec.EllipticCurvePrivateKey, path: Path) -> None:
        self.private, self.path = private, path

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """See `SigningKey.public_key`."""
        return self.private.public_key()

    async def sign(self, digest: bytes) -> bytes:
        """See `SigningKey.sign`. Takes some 50 µs, so it stays on the caller's thread."""
        return self.private.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))


def load_or_create_key(path: Path) -> FileKey:
    """The P-256 key in a PEM file; made on the first call.

    Raises:
        ConfigurationError: there is a file, and it is not such a key. It is never replaced: a new key would be
            another device.
        OSError: it can't be read or written.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        private = ec.generate_private_key(ec.SECP256R1())
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        write_atomic(path, private.private_bytes(*form), mode=0o600)
        return FileKey(private, path)
    try:
        loaded = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(path, str(error)) from None
    if not isinstance(loaded, ec.EllipticCurvePrivateKey) or not isinstance(loaded.curve, ec.SECP256R1):
        raise _unusable(path, "not a P-256 key")
    return FileKey(loaded, path)


def spki(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as DER SubjectPublicKeyInfo (RFC 5480)."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _unusable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the key {path.name} can't be used", why=why, next="restore the device's secrets, or reset it to factory state"
    )
