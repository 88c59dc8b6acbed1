"""Device serial numbers: CW-XXXX-XXXX in Crockford's base 32 (no I, L, O, U: nothing to misread on a label)."""

from __future__ import annotations

import re

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SERIAL_FORM = re.compile(rf"CW-[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}")
URN = "urn:camward:device:"


def serial_of(random: bytes) -> str:
    """A serial number from 5 random bytes or more."""
    bits = int.from_bytes(random[:5])
    letters = "".join(ALPHABET[bits >> shift & 31] for shift in range(35, -1, -5))
    return f"CW-{letters[:4]}-{letters[4:]}"


def device_urn(serial: str) -> str:
    """How a TLS certificate names the device, as a URI in its subjectAltName."""
    return URN + serial
