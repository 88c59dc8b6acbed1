"""Password verifiers: Argon2id, hashed in one named thread so that guessing never stops the pictures."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from camward.access.password_policy import LONGEST, normalise_password
from camward.base.errors import CamwardError
from camward.base.secret import Secret

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HashCost:
    """What one hash costs (RFC 9106). The default is twice the passes of OWASP's first choice: 75-85 ms and 46 MiB.

    Args:
        memory: KiB.
        passes: over the memory.
    """

    memory: int = 47_104
    passes: int = 2


class BusyError(CamwardError):
    """More passwords wait to be hashed than is reasonable."""

    code = "ACCESS-BUSY"


class Passwords:
    """Makes and checks verifiers.

    Args:
        cost: of a new one; an old one keeps its own until its owner logs in.
        thread: one worker.
        pending: hashes that may wait at the same time.
    """

    def __init__(self, cost: HashCost, thread: ThreadPoolExecutor, *, pending: int) -> None:
        self._hasher = PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory, parallelism=1)
        self._thread = thread
        self._room = pending
        # Nobody's verifier: no password is known to match it, and checking one costs what any other does.
        salt, digest = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
        self._nobody = f"$argon2id$v=19$m={cost.memory},t={cost.passes},p=1${salt}${digest}"

    async def make(self, password: Secret[str]) -> str:
        """The verifier of a new password.

        Raises:
            BusyError: too many are waiting.
        """
        return await self._run(lambda: self._hasher.hash(normalise_password(password).reveal()))

    async def check(self, verifier: str | None, password: Secret[str]) -> bool:
        """Whether the password is the verifier's. Without a verifier the answer is no, and takes as long.

        Raises:
            BusyError: too many are waiting.
        """
        return await self._run(lambda: self._check(verifier, password))

    def outdated(self, verifier: str) -> bool:
        """Whether a verifier was made at another cost than today's."""
        return self._hasher.check_needs_rehash(verifier)

    def _check(self, verifier: str | None, password: Secret[str]) -> bool:
        text = normalise_password(Secret(password.reveal()[: LONGEST + 1])).reveal()
        try:
            return self._hasher.verify(verifier or self._nobody, text) and verifier is not None
        except (Argon2Error, InvalidHashError):
            return False

    async def _run(self, call: Callable[[], T]) -> T:
        if self._room <= 0:
            raise BusyError("Too many people are logging in", next="try again in a few seconds")
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        finally:
            self._room += 1
