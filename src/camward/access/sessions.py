"""Sessions of people at a browser: unguessable tokens, in memory only, ending when idle, when old, or when told to.

A restart logs everybody out; so there is nothing on the disk to steal or to forget to delete. Tokens are held as
hashes: neither a memory dump nor the time that a look-up takes helps to find one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from camward.access.principal import Principal
from camward.access.settings import AccessSettings
from camward.base.clock import Clock, Utc
from camward.base.secret import Secret

TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How many sessions are held; the one that was idle longest ends when there would be more."""

    per_account: int = 16
    all: int = 1024


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session in a list.

    Args:
        id: names it; good for nothing but ending it.
        name: whose.
        created: at login.
        seen: at the newest request.
        address: of the newest request.
    """

    id: str
    name: str
    created: Utc
    seen: Utc
    address: str


@dataclass(frozen=True, slots=True)
class Session(SessionInfo):
    """A session as its holder has it.

    Args:
        token: the cookie's value.
        principal: who it is, with the rights of this moment.
        csrf: goes into each page and comes back with each change.
    """

    token: Secret[str]
    principal: Principal
    csrf: str

    def csrf_matches(self, given: str) -> bool:
        """Whether a request came from our own page; takes the same time for any wrong text."""
        return hmac.compare_digest(self.csrf.encode(), given.encode("utf-8", "replace"))


@dataclass(slots=True)
class _Held:
    id: str
    name: str
    csrf: str
    created: Utc
    seen: Utc
    address: str
    began: float
    used: float


class Sessions:
    """All sessions of a device.

    Args:
        settings: read at each use, so that shorter times hold at once.
        principal: who an account is now; None once it is gone.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        settings: Callable[[], AccessSettings],
        principal: Callable[[str], Principal | None],
        limits: SessionLimits = SessionLimits(),
    ) -> None:
        self._clock, self._settings, self._principal, self._limits = clock, settings, principal, limits
        self._held: dict[bytes, _Held] = {}

    def begin(self, name: str, *, address: str) -> Session | None:
        """A session for an account whose owner has just proved who he is; None if the account is gone."""
        self._drop_ended()
        self._make_room(name)
        token, now, utc = secrets.token_urlsafe(TOKEN_BYTES), self._clock.monotonic(), self._clock.utc()
        key = _key(token)
        self._held[key] = _Held(
            secrets.token_hex(8), name, secrets.token_urlsafe(TOKEN_BYTES), utc, utc, address, now, now
        )
        return self.get(token, address=address)

    def get(self, token: str, *, address: str = "") -> Session | None:
        """The session of a cookie, marked as used; None if it has ended or never was."""
        key = _key(token)
        held = self._held.get(key)
        if held is None:
            return None
        principal = self._principal(held.name)
        if principal is None or self._ended(held):
            del self._held[key]
            return None
        held.used, held.seen, held.address = self._clock.monotonic(), self._clock.utc(), address or held.address
        return Session(held.id, held.name, held.created, held.seen, held.address, Secret(token), principal, held.csrf)

    def alive(self, session_id: str) -> bool:
        """Whether a session goes on; does not count as use. For WebSockets, every few seconds."""
        return any(held.id == session_id and not self._ended(held) for held in self._held.values())

    def list(self, name: str = "") -> Sequence[SessionInfo]:
        """The sessions of an account, or all; the newest first."""
        self._drop_ended()
        found = [held for held in self._held.values() if not name or held.name.lower() == name.lower()]
        found.sort(key=lambda held: held.used, reverse=True)
        return [SessionInfo(held.id, held.name, held.created, held.seen, held.address) for held in found]

    def end(self, token: str) -> None:
        """Log out; an unknown token is ignored."""
        self._held.pop(_key(token), None)

    def end_id(self, session_id: str) -> bool:
        """End a session of the list. Returns whether there was one."""
        before = len(self._held)
        self._held = {key: held for key, held in self._held.items() if held.id != session_id}
        return len(self._held) < before

    def end_all(self, name: str, *, but: str = "") -> int:
        """End all sessions of an account, but the one with the id `but`. Returns how many."""
        before = len(self._held)
        lower = name.lower()
        self._held = {
            key: held for key, held in self._held.items() if held.name.lower() != lower or (but and held.id == but)
        }
        return before - len(self._held)

    def _ended(self, held: _Held) -> bool:
        now, settings = self._clock.monotonic(), self._settings()
        idle = now - held.used >= settings.session_idle_minutes * 60
        return idle or now - held.began >= settings.session_hours * 3600

    def _drop_ended(self) -> None:
        self._held = {key: held for key, held in self._held.items() if not self._ended(held)}

    def _make_room(self, name: str) -> None:
        own = [key for key, held in self._held.items() if held.name.lower() == name.lower()]
        if len(own) >= self._limits.per_account:
            del self._held[min(own, key=lambda key: self._held[key].used)]
        elif len(self._held) >= self._limits.all:
            del self._held[min(self._held, key=lambda key: self._held[key].used)]


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
