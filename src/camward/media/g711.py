"""G.711 (ITU-T G.711): A-law and mu-law bytes to 16-bit PCM, by table."""

from __future__ import annotations

from array import array


def _a_law(code: int) -> int:
    code ^= 0x55
    exponent, mantissa = code >> 4 & 7, code & 15
    value = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)
    return value if code & 0x80 else -value


def _mu_law(code: int) -> int:
    code ^= 0xFF
    value = (((code & 15) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -value if code & 0x80 else value


A_LAW = tuple(_a_law(code) for code in range(256))
"""16-bit sample of each A-law code."""
MU_LAW = tuple(_mu_law(code) for code in range(256))
"""16-bit sample of each mu-law code."""


def expand_a_law(data: bytes) -> bytes:
    """PCM, 16-bit signed in the machine's byte order, one sample per byte of A-law."""
    return array("h", map(A_LAW.__getitem__, data)).tobytes()


def expand_mu_law(data: bytes) -> bytes:
    """PCM, 16-bit signed in the machine's byte order, one sample per byte of mu-law."""
    return array("h", map(MU_LAW.__getitem__, data)).tobytes()
