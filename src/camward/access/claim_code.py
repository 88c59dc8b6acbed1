"""The claim code: 80 random bits that people can read, type and dictate; and the proof of it for pairing."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from camward.access.errors import ClaimCodeError, OwnerKeyError
from camward.base.secret import Secret
from camward.trust.keys import spki

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no I, L, O (read as 1, 1, 0) and no U."""
LENGTH = 16
"""Characters of 5 bits."""
GROUP = 4
LONGEST = 64
"""Characters that somebody may type, dashes and spaces included."""
_FOLD = str.maketrans("ILO", "110", " -\t\u2010\u2011\u2012\u2013\u2014")
_SPKI_LENGTH = 91
"""Bytes of a P-256 SubjectPublicKeyInfo with an uncompressed point (RFC 5480)."""


def make_claim_code() -> Secret[str]:
    """A new code, grouped with dashes."""
    return Secret(group_claim_code("".join(secrets.choice(ALPHABET) for _ in range(LENGTH))))


def group_claim_code(code: str) -> str:
    """A normalised code as it is printed: XXXX-XXXX-XXXX-XXXX."""
    return "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


def normalise_claim_code(typed: Secret[str]) -> Secret[str]:
    """The one form of a code as somebody typed it: upper case, without dashes and spaces, I and L as 1, O as 0.

    Raises:
        ClaimCodeError: that can't be a claim code; says why, and not what was typed.
    """
    text = typed.reveal()
    if len(text) > LONGEST:
        raise ClaimCodeError(f"a claim code has {LENGTH} characters; this is far longer")
    folded = text.strip().upper().translate(_FOLD)
    if wrong := [character for character in folded if character not in ALPHABET]:
        raise ClaimCodeError(f"{wrong[0]!r} is in no claim code", next="letters and digits only, and never a U")
    if len(folded) != LENGTH:
        raise ClaimCodeError(f"a claim code has {LENGTH} characters; this one has {len(folded)}")
    return Secret(folded)


def pairing_proof(code: Secret[str], *, fingerprint: bytes, owner_key: bytes, recorder_certificate: bytes) -> bytes:
    """What shows a camera that its code's holder wants this owner and this recorder, without showing the code.

    HMAC-SHA256, keyed with the normalised code, over fingerprint | owner's key | recorder's certificate. The first
    two have fixed lengths, so the three can't be shifted into each other.

    Args:
        fingerprint: SHA-256 of the camera's identity certificate.
        owner_key: P-256 SubjectPublicKeyInfo, DER.
        recorder_certificate: the recorder's identity certificate, DER.

    Raises:
        ClaimCodeError: not a claim code.
        OwnerKeyError: not an owner's key.
        ValueError: not a fingerprint.
    """
    if len(fingerprint) != 32:
        raise ValueError("a fingerprint has 32 bytes")
    key = normalise_claim_code(code).reveal().encode()
    message = fingerprint + check_owner_key(owner_key) + recorder_certificate
    return hmac.digest(key, message, hashlib.sha256)


def check_owner_key(der: bytes) -> bytes:
    """The key as it came, if it is a P-256 public key in its one form (DER, uncompressed point).

    Raises:
        OwnerKeyError: it is not.
    """
    if len(der) != _SPKI_LENGTH:
        raise OwnerKeyError(f"an owner's key has {_SPKI_LENGTH} bytes; this one has {len(der)}")
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise OwnerKeyError("the owner's key is not a public key") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1) or spki(key) != der:
        raise OwnerKeyError("the owner's key is not a P-256 key")
    return der
