"""Adding a camera from the command line: find it, let a person confirm its certificate, pair or sign in."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.serialization import Encoding

from camward.access import pairing_proof
from camward.app.console import ask
from camward.app.provision import identity_of
from camward.base.errors import ConfigurationError
from camward.base.secret import Secret
from camward.trust.keys import load_or_create_key, spki
from camward.trust.words import fingerprint_words


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """Who answers at an address.

    Args:
        url: as it was asked for.
        fingerprint: of its identity, or of the certificate that it serves; empty for a plain connection.
        serial: a Camward device's serial number.
    """

    url: str
    fingerprint: bytes
    serial: str

    @property
    def words(self) -> str:
        """The fingerprint in words; empty without one."""
        return fingerprint_words(self.fingerprint) if self.fingerprint else ""


def find_camera(recorder: Path, url: str) -> FoundCamera:
    """Let the running recorder look at an address.

    Raises:
        NotReachableError: no recorder runs, or nobody answers at the address.
    """
    told = cast("Mapping[str, object]", ask(recorder, "probe_address", {"url": url}))
    return FoundCamera(url, bytes.fromhex(str(told["fingerprint"])), str(told.get("serial", "")))


def pair_found(recorder: Path, camera: FoundCamera, *, name: str, code: Secret[str], owner_key: Path, who: str) -> str:
    """Pair by the claim code, which the recorder never sees; returns the camera's id.

    Args:
        recorder: the running recorder's state.
        camera: found, and its fingerprint confirmed by a person.
        name: for people.
        code: the camera's.
        owner_key: PEM of the owner's key, which the camera pins; must exist.
        who: for the journal.

    Raises:
        CamwardError: the code is wrong, the camera is claimed, or the key can't be used.
    """
    if not owner_key.exists():
        raise ConfigurationError(f"there is no owner's key at {owner_key}", next="see --owner-key")
    if not camera.fingerprint:
        raise ConfigurationError(f"{camera.url} is not an https:// address", next="pair at the camera's HTTPS address")
    owner = spki(load_or_create_key(owner_key).public_key)
    certificate = identity_of(recorder).certificate.public_bytes(Encoding.DER)
    proof = pairing_proof(code, fingerprint=camera.fingerprint, owner_key=owner, recorder_certificate=certificate)
    asked = {
        "url": camera.url,
        "name": name,
        "pin": camera.fingerprint.hex(),
        "owner_key": base64.b64encode(owner).decode(),
        "proof": base64.b64encode(proof).decode(),
        "who": who,
    }
    return _id(ask(recorder, "pair_camera", asked))


def add_found(
    recorder: Path, camera: FoundCamera, *, name: str, username: str, secret: Secret[str] | None, who: str
) -> str:
    """Add a camera that is signed in to with a name and a secret; returns its id.

    Raises:
        CamwardError: it refuses them, or no picture comes; nothing is saved then.
    """
    asked = {
        "url": camera.url,
        "name": name,
        "pin": camera.fingerprint.hex(),
        "username": username,
        "secret": secret.reveal() if secret else "",
        "who": who,
    }
    return _id(ask(recorder, "add_camera", asked))


def _id(told: object) -> str:
    return str(cast("Mapping[str, object]", told)["id"])
