"""A CA in a folder: certificate, key, the register of what it issued, and its revocation list.

root.pem | site.pem   certificate (a site's is followed by its root)
ca-key.pem            private key, under a passphrase if one was given; readable by its owner only
register.jsonl        one line per certificate issued or revoked
revoked.crl.pem       revocation list, made anew at each revocation
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from camward.base.errors import ConfigurationError
from camward.base.files import private_folder, write_atomic
from camward.base.secret import Secret
from camward.trust.certificates import read_chain, write_chain

KEY_FILE = "ca-key.pem"
ROOT_FILE = "root.pem"
SITE_FILE = "site.pem"


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA, opened for issuing.

    Args:
        folder: where it lives.
        chain: its certificate, then those above it.
        key: its private key.
    """

    folder: Path
    chain: tuple[x509.Certificate, ...]
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate(self) -> x509.Certificate:
        """The CA's own certificate."""
        return self.chain[0]


def create_authority(
    folder: Path,
    file: str,
    *,
    chain: tuple[x509.Certificate, ...],
    key: ec.EllipticCurvePrivateKey,
    passphrase: Secret[str] | None,
) -> Authority:
    """Write a new CA. The certificate is written last: a folder without one is no CA.

    Raises:
        ConfigurationError: the folder has a CA already.
        OSError: it can't be written.
    """
    refuse_existing(folder)
    private_folder(folder)
    check_passphrase(passphrase)
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        encryption = serialization.BestAvailableEncryption(passphrase.reveal().encode())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    write_atomic(folder / KEY_FILE, key.private_bytes(*form), mode=0o600)
    write_atomic(folder / file, write_chain(chain))
    return Authority(folder, chain, key)


def refuse_existing(folder: Path) -> None:
    """Never write over a CA.

    Raises:
        ConfigurationError: the folder has one.
    """
    if any((folder / name).exists() for name in (KEY_FILE, ROOT_FILE, SITE_FILE)):
        raise ConfigurationError(
            f"{folder} holds a CA already", why="a second one would orphan its devices", next="choose another folder"
        )


def check_passphrase(passphrase: Secret[str] | None) -> None:
    """An empty passphrase is an empty file, not a wish to have none.

    Raises:
        ConfigurationError: it is empty.
    """
    if passphrase is not None and not passphrase.reveal():
        raise ConfigurationError("the passphrase is empty", next="write one into its file")


def read_authority(folder: Path, file: str) -> tuple[x509.Certificate, ...]:
    """A CA's certificate and those above it.

    Raises:
        ConfigurationError: there is none.
    """
    try:
        return read_chain((folder / file).read_bytes(), source=file)
    except FileNotFoundError:
        hint = "make one with: camward factory init" if file == ROOT_FILE else "make one with: camward factory site"
        raise ConfigurationError(f"{folder} holds no CA ({file} is missing)", next=hint) from None


def open_authority(folder: Path, file: str, *, passphrase: Secret[str] | None) -> Authority:
    """A CA with its key, for issuing.

    Raises:
        ConfigurationError: there is none, or the passphrase is missing or wrong, or the key is not the CA's.
    """
    chain = read_authority(folder, file)
    check_passphrase(passphrase)
    try:
        data = (folder / KEY_FILE).read_bytes()
        secret = passphrase.reveal().encode() if passphrase is not None else None
        key = serialization.load_pem_private_key(data, password=secret)
    except FileNotFoundError:
        raise ConfigurationError(f"{folder} has no {KEY_FILE}", next="use the folder with the key") from None
    except TypeError:
        what = "needs no passphrase" if passphrase is not None else "is under a passphrase"
        raise ConfigurationError(f"the CA's key {what}", next="see --passphrase-file") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError("the CA's key can't be opened", why="wrong passphrase, or damaged") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != chain[0].public_key():
        raise ConfigurationError(f"{KEY_FILE} is not the key of {file}")
    return Authority(folder, chain, key)
