"""Issuing a device its identity and signing certificates, for keys that were born in the device's state."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ObjectIdentifier

from camward.base.clock import Utc
from camward.base.errors import ConfigurationError
from camward.base.secret import Secret
from camward.factory.authority import ROOT_FILE, Authority, open_authority
from camward.factory.register import add_issued, list_issued
from camward.factory.root import check_name
from camward.trust.certificates import (
    BACKDATED,
    UNREADABLE,
    build_certificate,
    leaf_extensions,
    subject,
    to_datetime,
    write_chain,
)
from camward.trust.identity import DeviceIdentity
from camward.trust.oids import DEVICE_IDENTITY, VIDEO_SIGNING
from camward.trust.serial import SERIAL_FORM, serial_of


@dataclass(frozen=True, slots=True)
class IssuedPair:
    """A device's certificates, PEM.

    Args:
        serial: the device's serial number.
        identity: permanent (ends with the root).
        signing: for video signing alone.
        root: their issuer.
    """

    serial: str
    identity: bytes
    signing: bytes
    root: bytes


def issue_device(
    root_folder: Path,
    state: Path,
    *,
    passphrase: Secret[str] | None,
    name: str,
    now: Utc,
    serial: str | None = None,
    replace: bool = False,
) -> DeviceIdentity:
    """Provision the device in a state folder, on the factory's bench (the device does not run meanwhile).

    Args:
        root_folder: the root.
        state: the device's; its keys are made here if it has none.
        passphrase: of the root's key.
        name: of the model, for people.
        now: start of the certificates' lives.
        serial: CW-XXXX-XXXX; None takes a random one that was not given yet.
        replace: issue anew to a device that has certificates: its fingerprint and all pins on it change.

    Raises:
        ConfigurationError: no root, wrong passphrase, a serial number of wrong form or given already, or a device
            that has certificates.
    """
    root = open_authority(root_folder, ROOT_FILE, passphrase=passphrase)
    device = DeviceIdentity.of_state(state, name=name)
    if device.provisioned and not replace:
        raise ConfigurationError(
            f"the device is {device.serial} already", next="label it, or issue anew on purpose; its pins then change"
        )
    pair = sign_requests(root, device.identity_request(), device.signing_request(), name=name, serial=serial, now=now)
    device.install_factory(pair.identity, pair.signing, root=pair.root, now=now)
    return device


def sign_requests(
    root: Authority, identity: bytes, signing: bytes, *, name: str, now: Utc, serial: str | None = None
) -> IssuedPair:
    """Issue from two PEM requests. Only their public keys are taken over; names and usages are the factory's.

    Raises:
        ConfigurationError: a request is malformed, not signed by its key, not P-256, or both are for one key.
    """
    check_name(name)
    keys = read_request(identity).public_key(), read_request(signing).public_key()
    if keys[0] == keys[1]:
        raise ConfigurationError("identity and signing need a key each")
    chosen = _choose_serial(root, serial)
    certificates = [
        _issue(root, key, usage, name=name, serial=chosen, now=now)
        for key, usage in zip(keys, (DEVICE_IDENTITY, VIDEO_SIGNING), strict=True)
    ]
    for certificate, purpose in zip(certificates, ("identity", "signing"), strict=True):
        add_issued(root, certificate, purpose=purpose, serial=chosen, now=now)
    first, second = (write_chain([item]) for item in certificates)
    return IssuedPair(chosen, identity=first, signing=second, root=write_chain(root.chain[:1]))


def read_request(pem: bytes) -> x509.CertificateSigningRequest:
    """A P-256 request, its proof of possession checked.

    Raises:
        ConfigurationError: it is not one.
    """
    try:
        request = x509.load_pem_x509_csr(pem)
        key = request.public_key()
        valid = request.is_signature_valid
    except UNREADABLE as error:
        raise ConfigurationError("not a certificate request", why=str(error)) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigurationError("the request is not for a P-256 key")
    if not valid:
        raise ConfigurationError("the request is not signed by its own key")
    return request


def _issue(
    root: Authority, key: object, usage: ObjectIdentifier, *, name: str, serial: str, now: Utc
) -> x509.Certificate:
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return build_certificate(
        key,
        subject(name, serial),
        issuer=root.certificate.subject,
        issuer_key=root.key,
        start=to_datetime(now) - BACKDATED,
        end=root.certificate.not_valid_after_utc,
        extensions=leaf_extensions(key, root.key.public_key(), usage),
    )


def _choose_serial(root: Authority, serial: str | None) -> str:
    given = {entry.serial for entry in list_issued(root.folder)}
    if serial is None:
        fresh = serial_of(os.urandom(5))
        while fresh in given:
            fresh = serial_of(os.urandom(5))
        return fresh
    if not SERIAL_FORM.fullmatch(serial):
        raise ConfigurationError(f"{serial[:40]!r} is no serial number", next="use the form CW-XXXX-XXXX")
    if any(entry.serial == serial and entry.revoked is None for entry in list_issued(root.folder)):
        raise ConfigurationError(f"{serial} was given already", next="revoke it first, or take another")
    return serial
