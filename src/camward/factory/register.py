"""The register of a CA: what it issued and revoked, one JSON line each, only ever added to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from camward.base.clock import NS, Utc
from camward.base.errors import ConfigurationError
from camward.base.files import flush_folder, write_atomic
from camward.factory.authority import Authority
from camward.trust.certificates import digest_for, fingerprint, to_datetime

REGISTER_FILE = "register.jsonl"
LIST_FILE = "revoked.crl.pem"
LIST_LIFETIME = timedelta(days=365)
"""The root is offline; its list is made anew with each revocation, at least yearly."""


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate in the register.

    Args:
        utc: when it was issued, seconds.
        purpose: "identity", "signing", "site" or "tls".
        serial: the device's serial number; for a site CA its name.
        name: the holder's name.
        number: the certificate's serial number, hex.
        sha256: its fingerprint, hex.
        revoked: when it was revoked, seconds; None if it was not.
    """

    utc: int
    purpose: str
    serial: str
    name: str
    number: str
    sha256: str
    revoked: int | None = None


def add_issued(authority: Authority, certificate: x509.Certificate, *, purpose: str, serial: str, now: Utc) -> None:
    """Register a certificate; call this before it is handed out, so that none is out that can't be revoked."""
    entry = Issued(
        utc=now // NS,
        purpose=purpose,
        serial=serial,
        name=certificate.subject.rfc4514_string(),
        number=f"{certificate.serial_number:x}",
        sha256=fingerprint(certificate).hex(),
    )
    _append(authority.folder, {"event": "issued", **asdict(entry)})


def list_issued(folder: Path) -> list[Issued]:
    """All certificates that a CA issued, oldest first.

    Raises:
        ConfigurationError: a line of the register is damaged. A line torn at the end by a power cut is not: what it
            would have registered was never handed out.
    """
    found: dict[str, Issued] = {}
    for line in _lines(folder):
        try:
            event = line.pop("event")
            if event == "issued":
                entry = Issued(**line)
                found[entry.number] = entry
            elif event == "revoked":
                old = found[line["number"]]
                found[old.number] = Issued(**{**asdict(old), "revoked": int(line["utc"])})
        except (KeyError, TypeError, ValueError):
            raise ConfigurationError(f"{folder / REGISTER_FILE} is damaged", next="restore it from its copy") from None
    return list(found.values())


def revoke(authority: Authority, serial: str, *, now: Utc) -> list[Issued]:
    """Revoke all certificates of a device (or site), and write the revocation list anew. Returns those revoked now.

    Raises:
        ConfigurationError: nothing was issued for it.
    """
    entries = [entry for entry in list_issued(authority.folder) if entry.serial == serial]
    if not entries:
        raise ConfigurationError(f"nothing was issued for {serial}", next="see: camward factory list")
    fresh = [entry for entry in entries if entry.revoked is None]
    for entry in fresh:
        _append(authority.folder, {"event": "revoked", "number": entry.number, "utc": now // NS})
    write_revocation_list(authority, now=now)
    return fresh


def write_revocation_list(authority: Authority, *, now: Utc) -> bytes:
    """The CA's revocation list (RFC 5280 5), PEM; also kept in its folder."""
    start = to_datetime(now)
    builder = x509.CertificateRevocationListBuilder(authority.certificate.subject, start, start + LIST_LIFETIME)
    for entry in list_issued(authority.folder):
        if entry.revoked is not None:
            when = datetime.fromtimestamp(entry.revoked, tz=start.tzinfo)
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder(int(entry.number, 16), when).build()
            )
    number = x509.CRLNumber(now // NS)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(number, critical=False).add_extension(identifier, critical=False)
    pem = builder.sign(authority.key, digest_for(authority.key)).public_bytes(serialization.Encoding.PEM)
    write_atomic(authority.folder / LIST_FILE, pem)
    return pem


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    try:
        data = (folder / REGISTER_FILE).read_bytes()
    except FileNotFoundError:
        return
    for line in data.split(b"\n")[:-1]:
        try:
            value = json.loads(line)
        except ValueError:
            value = {}
        yield value if isinstance(value, dict) else {}


def _append(folder: Path, line: dict[str, object]) -> None:
    path = folder / REGISTER_FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        tail = os.pread(descriptor, size, 0).rpartition(b"\n")[2]
        if tail:
            os.ftruncate(descriptor, size - len(tail))
        os.write(descriptor, json.dumps(line, sort_keys=True).encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    flush_folder(folder)
