"""Nonces of Digest: they prove by themselves that we made them and when, so that handing them out costs no memory.

    nonce = base64url(time | random | HMAC-SHA256(key of this start, time | random))

Only a nonce that came back with a *right* response takes room, in a bounded table. When it is full the oldest part is
forgotten, and with it everything issued up to then is stale: forgetting never lets a replay in.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass

TIME, RANDOM, TAG = 8, 9, 16
"""Bytes; 33 of them fill 44 characters, so that a nonce has one spelling only."""


@dataclass(frozen=True, slots=True)
class NonceLimits:
    """How long and how many.

    Args:
        lifetime: seconds; then stale, and the client goes on with the next nonce.
        window: counts may come out of order by so many (parallel connections).
        table: nonces remembered.
    """

    lifetime: float = 600.0
    window: int = 64
    table: int = 4096


@dataclass(slots=True)
class _Use:
    issued: int
    highest: int
    seen: int  # bit n: the count `highest - n` was used


class Nonces:
    """Makes nonces and accepts each use of one once."""

    def __init__(self, limits: NonceLimits = NonceLimits(), *, key: bytes | None = None) -> None:
        self._limits = limits
        self._key = key or secrets.token_bytes(32)
        self._uses: dict[str, _Use] = {}
        self._floor = -1

    def make(self, now: float) -> str:
        """A new nonce."""
        body = _micros(now).to_bytes(TIME, "big") + secrets.token_bytes(RANDOM)
        return base64.urlsafe_b64encode(body + self._tag(body)).decode()

    def use(self, nonce: str, count: int, now: float) -> bool:
        """Take one use of a nonce. False: not ours, too old, or this use was seen before; nothing is remembered then.

        To be called for right responses only.

        Args:
            count: the nonce count; 0 for a client that sends none: such a nonce is good once.
        """
        issued = self._issued(nonce)
        if issued is None or issued <= self._floor or not 0 <= _micros(now) - issued < self._lifetime:
            return False
        use = self._uses.get(nonce)
        if use is None:
            self._make_room(now)
            if issued <= self._floor:
                return False
            # Without counts there is nothing more to come: all of them count as seen.
            self._uses[nonce] = _Use(issued, count, 1) if count else _Use(issued, 1 << 32, -1)
            return True
        return count > 0 and self._take(use, count)

    def __len__(self) -> int:
        return len(self._uses)

    @property
    def _lifetime(self) -> int:
        return _micros(self._limits.lifetime)

    def _take(self, use: _Use, count: int) -> bool:
        behind = use.highest - count
        if behind < 0:
            use.seen = ((use.seen << min(-behind, self._limits.window)) | 1) & ((1 << self._limits.window) - 1)
            use.highest = count
            return True
        if behind >= self._limits.window or use.seen >> behind & 1:
            return False
        use.seen |= 1 << behind
        return True

    def _issued(self, nonce: str) -> int | None:
        try:
            raw = base64.b64decode(nonce, altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            return None
        body, tag = raw[: TIME + RANDOM], raw[TIME + RANDOM :]
        if not hmac.compare_digest(tag, self._tag(body)):
            return None
        return int.from_bytes(body[:TIME], "big")

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:TAG]

    def _make_room(self, now: float) -> None:
        if len(self._uses) < self._limits.table:
            return
        oldest = _micros(now) - self._lifetime
        self._uses = {nonce: use for nonce, use in self._uses.items() if use.issued > oldest}
        if len(self._uses) >= self._limits.table:
            times = sorted(use.issued for use in self._uses.values())
            self._floor = times[len(times) // 4]
            self._uses = {nonce: use for nonce, use in self._uses.items() if use.issued > self._floor}


def _micros(seconds: float) -> int:
    return int(seconds * 1_000_000)
