"""The server's side of Digest: challenges, and who a request is from (RFC 7616).

Made for the clients that exist: FFmpeg and GStreamer know MD5 only; GStreamer sends no `qop`, so its answers to a
repeated request are all the same; live555 sends the stream's URI for each of its tracks. A use of a nonce is good
once; but what was proved on a connection goes on holding for that nonce on that connection, since who can write into
a connection needs no replay.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from camward.access.digest_hash import HASHES, digest, response
from camward.access.digest_header import DigestAnswer, DigestHeaderLimits, parse_answer
from camward.access.errors import DigestError, DigestRefusedError
from camward.access.lockout import Lockout, LockoutLimits
from camward.access.nonces import NonceLimits, Nonces
from camward.access.principal import Principal
from camward.base.clock import Clock
from camward.base.secret import Secret


class DigestHolder(Protocol):
    """Whoever can log in by Digest."""

    @property
    def name(self) -> str:
        """The user name."""
        ...

    @property
    def hashes(self) -> Mapping[str, Secret[str]]:
        """H(A1) by algorithm."""
        ...

    @property
    def principal(self) -> Principal:
        """As one who asks."""
        ...


class DigestDirectory(Protocol):
    """Where the gate looks holders up."""

    def find(self, username: str, *, userhash: bool) -> DigestHolder | None:
        """The holder of a name, or of H(name:realm)."""
        ...

    def used(self, holder: DigestHolder, *, address: str) -> None:
        """A holder has proved itself."""
        ...

    def refused(self, holder: DigestHolder | None, *, address: str, wait: float) -> None:
        """A wrong response came; `wait` if the address has to wait from now on."""
        ...


@dataclass(frozen=True, slots=True)
class DigestLimits:
    """All limits of the gate."""

    header: DigestHeaderLimits = field(default_factory=DigestHeaderLimits)
    nonces: NonceLimits = field(default_factory=NonceLimits)
    lockout: LockoutLimits = field(default_factory=LockoutLimits)


@dataclass(slots=True)
class DigestConnection:
    """What one connection (RTSP) has proved; its server holds one and passes it to `DigestGate.check`."""

    proved: tuple[str, str] = field(default=("", ""), repr=False)


class DigestGate:
    """Asks for credentials and checks them. No I/O; what is checked is decided when `check` returns.

    Args:
        md5: whether MD5 is offered and accepted; read at each use.
    """

    def __init__(
        self,
        directory: DigestDirectory,
        *,
        realm: str,
        clock: Clock,
        md5: Callable[[], bool],
        limits: DigestLimits = DigestLimits(),
    ) -> None:
        self._directory, self._realm, self._clock, self._md5, self._limits = directory, realm, clock, md5, limits
        self._nonces = Nonces(limits.nonces)
        self._lockout = Lockout(limits.lockout)
        # Nobody's hashes: an unknown name costs what a known one does.
        self._nobody = {algorithm: Secret(secrets.token_hex(32)) for algorithm in HASHES}

    def challenges(self, *, stale: bool = False) -> list[str]:
        """The values of the `WWW-Authenticate` fields of a refusal, to be sent in this order.

        The strongest comes first, MD5 last: clients that know one only take the last one they see, or skip others.
        """
        nonce = self._nonces.make(self._clock.monotonic())
        rest = f'qop="auth,auth-int", charset=UTF-8, userhash=true{", stale=true" if stale else ""}'
        return [
            f'Digest realm="{self._realm}", nonce="{nonce}", algorithm={algorithm}, {rest}'
            for algorithm in self._algorithms()
        ]

    def check(
        self,
        *,
        method: str,
        uri: str,
        authorization: str | None,
        address: str,
        body: bytes = b"",
        connection: DigestConnection | None = None,
    ) -> Principal:
        """Who sent this request.

        Args:
            method: as in the request line.
            uri: as in the request line.
            authorization: value of the `Authorization` field; None if there is none.
            address: the peer's.
            body: the request's body, for `auth-int`.
            connection: for RTSP; without it every request stands alone.

        Raises:
            DigestRefusedError: with the challenges to send.
        """
        if authorization is None:
            raise self._refusal()
        now = self._clock.monotonic()
        if wait := self._lockout.waiting(address, now):
            raise self._refusal(wait=wait, status=429)
        answer = self._parse(authorization)
        holder = self._directory.find(answer.username, userhash=answer.userhash)
        right = self._proved(answer, holder, method=method, body=body)
        if holder is None or not right or not _covers(answer.uri, uri, below=connection is not None):
            raise self._failure(holder, address, now)
        if not self._fresh(answer, holder, connection, now):
            raise self._refusal(stale=True)
        self._directory.used(holder, address=address)
        return holder.principal

    def _parse(self, authorization: str) -> DigestAnswer:
        if authorization[:7].lower() != "digest ":
            raise self._refusal()  # Basic and the like: nothing of it was looked at
        try:
            answer = parse_answer(authorization, self._limits.header)
        except DigestError:
            raise self._refusal(status=400) from None
        if answer.algorithm not in self._algorithms() or answer.realm != self._realm:
            raise self._refusal()
        return answer

    def _proved(self, answer: DigestAnswer, holder: DigestHolder | None, *, method: str, body: bytes) -> bool:
        hashes = holder.hashes if holder is not None else self._nobody
        expected = response(
            answer.algorithm,
            hashes[answer.algorithm].reveal(),
            method=method,
            uri=answer.uri,
            nonce=answer.nonce,
            qop=answer.qop,
            count_text=answer.count_text,
            cnonce=answer.cnonce,
            body=body,
        )
        return hmac.compare_digest(expected, answer.response)

    def _fresh(
        self, answer: DigestAnswer, holder: DigestHolder, connection: DigestConnection | None, now: float
    ) -> bool:
        """Whether this use of the nonce may count."""
        if connection is not None and connection.proved == (answer.nonce, holder.name):
            return True
        if answer.qop and not answer.count:
            return False
        if not self._nonces.use(answer.nonce, answer.count, now):
            return False
        if connection is not None:
            connection.proved = (answer.nonce, holder.name)
        return True

    def _failure(self, holder: DigestHolder | None, address: str, now: float) -> DigestRefusedError:
        self._lockout.attempt(address, now)
        wait = self._lockout.waiting(address, now)
        self._directory.refused(holder, address=address, wait=wait)
        return self._refusal(wait=wait)

    def _refusal(self, *, stale: bool = False, wait: float = 0.0, status: int = 401) -> DigestRefusedError:
        return DigestRefusedError(self.challenges(stale=stale), wait=wait, status=status)

    def _algorithms(self) -> list[str]:
        return [name for name in reversed(HASHES) if name != "MD5" or self._md5()]


def userhash_of(algorithm: str, name: str, realm: str) -> str:
    """What a client may send instead of its name (RFC 7616 3.4.4)."""
    return digest(algorithm, f"{name}:{realm}")


def _covers(said: str, asked: str, *, below: bool) -> bool:
    """Whether an answer made for `said` is one for the request `asked`: the same resource, however it is written; on
    a connection also one below it (live555 sends the stream's URI for its tracks)."""
    if said == asked:
        return True
    first, second = _resource(said), _resource(asked)
    return first == second or (below and second.startswith(first.rstrip("/") + "/"))


def _resource(uri: str) -> str:
    """Path and query, without host; a slash at the end does not count."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri
    path = parts.path.rstrip("/") or "/"
    return f"{path}?{parts.query}" if parts.query else path
