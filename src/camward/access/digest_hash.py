"""The arithmetic of Digest (RFC 7616 3.4): what client and server both compute."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

HASHES: dict[str, Callable[[bytes], hashlib._Hash]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False),
    "SHA-256": hashlib.sha256,
}
"""By the name in the `algorithm` parameter, the weakest first."""


def digest(algorithm: str, text: str) -> str:
    """H(text), hexadecimal.

    Raises:
        KeyError: an algorithm that is not in `HASHES`.
    """
    return HASHES[algorithm](text.encode("utf-8", "surrogateescape")).hexdigest()


def secret_hash(algorithm: str, username: str, realm: str, password: str) -> str:
    """H(A1) without a session: all that a server must keep of a secret."""
    return digest(algorithm, f"{username}:{realm}:{password}")


def response(
    algorithm: str,
    secret: str,
    *,
    method: str,
    uri: str,
    nonce: str,
    qop: str = "",
    count_text: str = "",
    cnonce: str = "",
    body: bytes = b"",
) -> str:
    """The response to a challenge.

    Args:
        secret: H(A1).
        qop: "auth", "auth-int" (then `body` counts), or empty (RFC 2069).
    """
    asked = f"{method}:{uri}"
    if qop == "auth-int":
        asked += ":" + HASHES[algorithm](body).hexdigest()
    second = digest(algorithm, asked)
    if not qop:
        return digest(algorithm, f"{secret}:{nonce}:{second}")
    return digest(algorithm, f"{secret}:{nonce}:{count_text}:{cnonce}:{qop}:{second}")
