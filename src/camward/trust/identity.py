"""Who a device is: three P-256 keys of its own (identity, signing, TLS) and the certificates for them.

STATE/secrets/identity-key.pem  identity.pem    permanent; the factory issues the certificate, else self-signed
STATE/secrets/signing-key.pem   signing.pem     video signing; from the factory only
STATE/secrets/tls-key.pem       tls.pem         short-lived, for the present addresses; from the site's CA, else
                                                self-signed, with the identity's binding in any case
STATE/secrets/factory-root.pem                  the root that issued the first two
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from camward.base.clock import Utc
from camward.base.errors import ConfigurationError
from camward.base.files import private_folder, write_atomic
from camward.trust.binding import BindingError, build_binding, read_binding
from camward.trust.certificates import (
    BACKDATED,
    FOREVER,
    addresses_of,
    alternative_names,
    build_certificate,
    build_request,
    common_name,
    device_serial,
    fingerprint,
    is_self_signed,
    leaf_extensions,
    read_chain,
    subject,
    to_datetime,
    write_chain,
)
from camward.trust.keys import FileKey, load_or_create_key, spki
from camward.trust.oids import DEVICE_IDENTITY
from camward.trust.serial import serial_of
from camward.trust.words import fingerprint_hex, fingerprint_words

log = structlog.get_logger(__name__)

TLS_LIFETIME = timedelta(days=90)
BINDING_LIFETIME = timedelta(days=120)
"""Longer than a TLS certificate's, so that a certificate never outlives its binding."""


@dataclass(frozen=True, slots=True)
class TlsState:
    """The TLS certificate in use, and whether a new one is due.

    Args:
        addresses: DNS names and IP addresses in it.
        end: when it ends.
        self_signed: no browser accepts it without a question.
        due: a third of its life is left, or it does not cover the addresses asked about, or lacks the identity's word.
    """

    addresses: frozenset[str]
    end: datetime
    self_signed: bool
    due: bool


class DeviceIdentity:
    """A device's keys and certificates. Made by `load_or_create`; changes of files are taken up by `reload`."""

    def __init__(self, folder: Path, *, name: str) -> None:
        self.folder, self.name = folder, name
        self.identity_key = load_or_create_key(folder / "identity-key.pem")
        self.signing_key = load_or_create_key(folder / "signing-key.pem")
        self.tls_key = load_or_create_key(folder / "tls-key.pem")
        self.certificate: x509.Certificate
        self.signing_chain: tuple[x509.Certificate, ...] = ()
        self.root: x509.Certificate | None = None
        self.reload()

    @classmethod
    def load_or_create(cls, state: Path, *, name: str, now: Utc, addresses: Sequence[str] = ()) -> DeviceIdentity:
        """The device of a state folder; on the first call its keys are born, and it is `provisioned` only after the
        factory has issued its certificates.

        Args:
            state: STATE of the device.
            name: for people, in certificates that the device makes itself ("Camward camera").
            now: for the TLS certificate.
            addresses: DNS names and IP addresses under which the device is reached.

        Raises:
            ConfigurationError: a key or certificate can't be used, or they don't belong together.
            OSError: the state can't be read or written.
        """
        device = cls.of_state(state, name=name)
        device.ensure_tls(addresses, now=now)
        if not device.provisioned:
            log.warning("identity_not_provisioned", serial=device.serial, next="issue one with: camward factory issue")
        return device

    @classmethod
    def of_state(cls, state: Path, *, name: str) -> DeviceIdentity:
        """The same without a TLS certificate and without the warning: for the factory's bench.

        Raises:
            ConfigurationError: as for `load_or_create`.
        """
        return cls(private_folder(state / "secrets"), name=name)

    def reload(self) -> None:
        """Read the certificates again (the factory issued some).

        Raises:
            ConfigurationError: as for `load_or_create`.
        """
        path = self.folder / "identity.pem"
        if not path.exists():
            write_atomic(path, write_chain([self._self_signed_identity()]))
        self.certificate = _chain_for(path, self.identity_key)[0]
        signing = self.folder / "signing.pem"
        self.signing_chain = _chain_for(signing, self.signing_key) if signing.exists() else ()
        root = self.folder / "factory-root.pem"
        self.root = read_chain(root.read_bytes(), source=root.name)[0] if root.exists() else None

    @property
    def provisioned(self) -> bool:
        """Whether a factory issued the identity; if not, nobody but its pin vouches for it."""
        return not is_self_signed(self.certificate)

    @property
    def serial(self) -> str:
        """CW-XXXX-XXXX; before provisioning derived from the identity's key."""
        return device_serial(self.certificate)

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the identity certificate: what a pin by fingerprint holds, and the label shows."""
        return fingerprint(self.certificate)

    @property
    def words(self) -> str:
        """The fingerprint in words."""
        return fingerprint_words(self.fingerprint)

    @property
    def tls_chain_path(self) -> Path:
        """PEM for `tls.server_context`, with `tls_key.path`."""
        return self.folder / "tls.pem"

    @property
    def tls_fingerprint(self) -> str:
        """SHA-256 of the TLS certificate as browsers show it."""
        return fingerprint_hex(fingerprint(self._tls_chain()[0]))

    def root_pem(self) -> bytes:
        """The root certificate to download and trust; empty without one."""
        return write_chain([self.root]) if self.root else b""

    def identity_request(self) -> bytes:
        """PEM request for the identity certificate."""
        return build_request(self.identity_key.private, subject(self.name, self.serial))

    def signing_request(self) -> bytes:
        """PEM request for the video-signing certificate."""
        return build_request(self.signing_key.private, subject(self.name, self.serial))

    def install_factory(
        self, identity: bytes, signing: bytes, *, root: bytes, now: Utc, addresses: Sequence[str] = ()
    ) -> None:
        """Take the certificates (PEM) that the factory issued for this device's keys; then a TLS certificate with a
        binding by the new identity.

        Raises:
            ConfigurationError: they are not for these keys; nothing changed.
        """
        _match(read_chain(identity, source="identity")[0], self.identity_key, source="identity")
        _match(read_chain(signing, source="signing")[0], self.signing_key, source="signing")
        read_chain(root, source="root")
        write_atomic(self.folder / "factory-root.pem", root)
        write_atomic(self.folder / "signing.pem", signing)
        write_atomic(self.folder / "identity.pem", identity)
        self.reload()
        present = addresses_of(self._tls_chain()[0]) if self.tls_chain_path.exists() else ()
        self._self_sign_tls(addresses or sorted(present), now)

    def tls_request(self, addresses: Sequence[str], *, now: Utc) -> bytes:
        """PEM request for a TLS certificate, for a site CA; it carries the addresses and the binding.

        Raises:
            ConfigurationError: an address is neither a DNS name nor an IP address.
        """
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (alternative_names(self.serial, addresses), False),
            (self._binding(now), False),
        ]
        return build_request(self.tls_key.private, subject(self.serial), extensions=extensions)

    def install_tls(self, chain: bytes) -> None:
        """Take a TLS certificate (PEM, end certificate first, then its issuers). Reload the contexts afterwards.

        Raises:
            ConfigurationError: it is not for this device's TLS key; nothing changed.
        """
        certificates = read_chain(chain, source="TLS certificate")
        _match(certificates[0], self.tls_key, source="TLS certificate")
        write_atomic(self.tls_chain_path, write_chain(certificates))

    def tls_state(self, addresses: Sequence[str] = (), *, now: Utc) -> TlsState:
        """The TLS certificate in use, judged for these addresses (none: as it is).

        Raises:
            ConfigurationError: the certificate can't be read.
        """
        certificate = self._tls_chain()[0]
        covered = addresses_of(certificate)
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        short = to_datetime(now) >= end - (end - start) / 3
        wanted = addresses_of_names(self.serial, addresses) if addresses else frozenset()
        due = short or not wanted <= covered or not self._vouched(certificate)
        return TlsState(covered, end, is_self_signed(certificate), due)

    def ensure_tls(self, addresses: Sequence[str], *, now: Utc) -> bool:
        """Make sure that there is a TLS certificate: a self-signed one is replaced when due, the site CA's only once
        it has ended (until then the site renews it). Returns whether it was replaced: reload the contexts then.

        Raises:
            ConfigurationError: an address is neither a DNS name nor an IP address.
        """
        try:
            state = self.tls_state(addresses, now=now)
            if not (state.due if state.self_signed else to_datetime(now) > state.end):
                return False
        except FileNotFoundError:
            pass
        except ConfigurationError as error:
            log.warning("tls_certificate_unusable", error=error.diagnostics())
        self._self_sign_tls(addresses, now)
        return True

    def _tls_chain(self) -> tuple[x509.Certificate, ...]:
        return _chain_for(self.tls_chain_path, self.tls_key)

    def _vouched(self, certificate: x509.Certificate) -> bool:
        """Whether the binding is by the present identity; not so after a power cut in `install_factory`."""
        try:
            bound = read_binding(certificate)
        except BindingError:
            return False
        return bound is not None and bound.identity == self.certificate

    def _binding(self, now: Utc) -> x509.UnrecognizedExtension:
        until = int((to_datetime(now) + BINDING_LIFETIME).timestamp())
        return build_binding(
            self.tls_key.public_key, identity_key=self.identity_key, identity=self.certificate, until=until
        )

    def _self_sign_tls(self, addresses: Sequence[str], now: Utc) -> None:
        key, start = self.tls_key, to_datetime(now) - BACKDATED
        name = subject(self.serial)
        certificate = build_certificate(
            key.public_key,
            name,
            issuer=name,
            issuer_key=key.private,
            start=start,
            end=start + TLS_LIFETIME,
            extensions=[
                *leaf_extensions(key.public_key, key.public_key, ExtendedKeyUsageOID.SERVER_AUTH),
                (alternative_names(self.serial, addresses), False),
                (self._binding(now), False),
            ],
        )
        write_atomic(self.tls_chain_path, write_chain([certificate]))

    def _self_signed_identity(self) -> x509.Certificate:
        key = self.identity_key
        digest = x509.SubjectKeyIdentifier.from_public_key(key.public_key).digest
        name = subject(self.name, serial_of(digest))
        return build_certificate(
            key.public_key,
            name,
            issuer=name,
            issuer_key=key.private,
            start=datetime(2020, 1, 1, tzinfo=FOREVER.tzinfo),  # the clock may be unset when a device is born
            end=FOREVER,
            extensions=leaf_extensions(key.public_key, key.public_key, DEVICE_IDENTITY),
        )


def addresses_of_names(serial: str, addresses: Sequence[str]) -> frozenset[str]:
    """Addresses as a certificate would name them (lower case, IP addresses in their short form).

    Raises:
        ConfigurationError: an address is neither a DNS name nor an IP address.
    """
    names = alternative_names(serial, addresses)
    texts = set(names.get_values_for_type(x509.DNSName))
    return frozenset(texts | {str(address) for address in names.get_values_for_type(x509.IPAddress)})


def _chain_for(path: Path, key: FileKey) -> tuple[x509.Certificate, ...]:
    chain = read_chain(path.read_bytes(), source=path.name)
    _match(chain[0], key, source=path.name)
    return chain


def _match(certificate: x509.Certificate, key: FileKey, *, source: str) -> None:
    public = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    if public != spki(key.public_key):
        raise ConfigurationError(
            f"{source}: the certificate is not for the key of this device",
            why=f"it names {common_name(certificate)} {device_serial(certificate)}",
            next="issue one for this device",
        )
