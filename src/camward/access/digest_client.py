"""The client's side of Digest: the value of the `Authorization` field that answers a server's challenges."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from camward.access.digest_hash import HASHES, digest, response, secret_hash
from camward.access.digest_header import Challenge, parse_challenges, quoted
from camward.access.errors import DigestError
from camward.base.secret import Secret


class NonceCounter:
    """How often this client has used the server's present nonce. One for each connection or server."""

    def __init__(self) -> None:
        self._nonce = ""
        self._count = 0

    def next(self, nonce: str) -> int:
        """The count for one more request: 1 for a new nonce."""
        self._count = self._count + 1 if nonce == self._nonce else 1
        self._nonce = nonce
        return self._count


def answer_challenge(
    challenges: Sequence[str],
    *,
    method: str,
    uri: str,
    username: str,
    password: Secret[str],
    body: bytes = b"",
    counter: NonceCounter,
    allow_basic: bool = False,
) -> str:
    """The value of the `Authorization` field for a request.

    The strongest known Digest challenge is answered; Basic, which hands over the password, only if allowed and if
    there is no Digest challenge.

    Args:
        challenges: the values of all `WWW-Authenticate` fields. May be answered again, for later requests.
        uri: the request's URI exactly as it is sent.
        counter: remembers the nonce count between calls.

    Raises:
        DigestError: none of the challenges can be answered, or one is malformed.
    """
    offered = [challenge for field in challenges for challenge in parse_challenges(field)]
    usable = [(rank, c) for c in offered if (rank := _rank(c)) >= 0]
    if usable:
        best = max(usable, key=lambda pair: pair[0])[1]
        return _Answer(best, counter).text(method, uri, username=username, password=password.reveal(), body=body)
    if any(c.scheme == "basic" for c in offered):
        if allow_basic:
            return _basic(username, password.reveal())
        raise DigestError(
            "The device asks for Basic authentication, which would send the password readable",
            why="it offers no Digest",
            next="set it to Digest, or allow Basic for it",
        )
    raise DigestError(
        "The device asks for a kind of authentication that is not known here",
        why="it offers " + (", ".join(sorted({c.scheme[:20] for c in offered})) or "nothing"),
        next="set it to Digest",
    )


def _rank(challenge: Challenge) -> int:
    """The strength of a Digest challenge that we can answer; -1 for others."""
    values = challenge.parameters
    algorithm = values.get("algorithm", "MD5").upper().removesuffix("-SESS")
    if challenge.scheme != "digest" or algorithm not in HASHES or "realm" not in values or not values.get("nonce"):
        return -1
    if (offered := values.get("qop", "")) and not _qop(offered):
        return -1
    return list(HASHES).index(algorithm)


def _qop(offered: str) -> str:
    """The one to use: "auth" before "auth-int", which few servers do right; empty if neither is offered."""
    names = {name.strip().lower() for name in offered.split(",")}
    return next((name for name in ("auth", "auth-int") if name in names), "")


@dataclass(slots=True)
class _Answer:
    """Answers one Digest challenge."""

    challenge: Challenge
    counter: NonceCounter

    def text(self, method: str, uri: str, *, username: str, password: str, body: bytes) -> str:
        values = self.challenge.parameters
        named = values.get("algorithm", "MD5").upper()
        algorithm = named.removesuffix("-SESS")
        realm, nonce, qop = values["realm"], values["nonce"], _qop(values.get("qop", ""))
        cnonce = secrets.token_hex(16)
        count_text = f"{self.counter.next(nonce):08x}"
        secret = secret_hash(algorithm, username, realm, password)
        if named.endswith("-SESS"):
            secret = digest(algorithm, f"{secret}:{nonce}:{cnonce}")
        proof = response(
            algorithm,
            secret,
            method=method,
            uri=uri,
            nonce=nonce,
            qop=qop,
            count_text=count_text,
            cnonce=cnonce,
            body=body,
        )
        parts = [*self._name(algorithm, username), f"realm={quoted(realm)}", f"nonce={quoted(nonce)}"]
        parts += [f"uri={quoted(uri)}", f'response="{proof}"']
        if "algorithm" in values:
            parts.append(f"algorithm={values['algorithm']}")  # as the server wrote it; `_rank` knows the name
        if qop:
            parts += [f"qop={qop}", f"nc={count_text}"]
        if qop or named.endswith("-SESS"):
            parts.append(f'cnonce="{cnonce}"')
        if "opaque" in values:
            parts.append(f"opaque={quoted(values['opaque'])}")
        return "Digest " + ", ".join(parts)

    def _name(self, algorithm: str, username: str) -> list[str]:
        values = self.challenge.parameters
        if values.get("userhash", "").lower() == "true":
            hashed = digest(algorithm, f"{username}:{values['realm']}")
            return [f'username="{hashed}"', "userhash=true"]
        if not username.isascii():
            return [f"username*=UTF-8''{quote(username, safe='')}"]
        return [f"username={quoted(username)}"]


def _basic(username: str, password: str) -> str:
    if ":" in username:
        raise DigestError("a user name for Basic authentication can't hold a colon")
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
