"""Client secrets: machine-made passwords of recorders, NVRs and players; named, revocable one by one."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from camward.access.accounts import check_name, check_name_free
from camward.access.digest_hash import HASHES, secret_hash
from camward.access.errors import AccountError
from camward.access.principal import Scope
from camward.access.records import Client, Records
from camward.access.store import Note, RecordStore
from camward.base.clock import NS, Clock
from camward.base.secret import Secret

SECRET_BYTES = 16
"""128 bits: one captured login can be tried offline for ever, and is no help."""
PAIRING = "pairing"
"""Who made the client of a paired recorder."""


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """How many there are, and how exactly their use is kept.

    Args:
        clients: on one device.
        use_seconds: the time of the last use is written when it is so much newer; each write wears the disk.
    """

    clients: int = 64
    use_seconds: int = 3600


class Clients:
    """The client secrets of a device.

    Args:
        realm: of Digest; the hashes hold for this one only.
    """

    def __init__(self, store: RecordStore, *, realm: str, clock: Clock, limits: ClientLimits = ClientLimits()) -> None:
        self._store, self._realm, self._clock, self._limits = store, realm, clock, limits
        self._noted: dict[str, tuple[int, str]] = {}

    @property
    def by_name(self) -> Mapping[str, Client]:
        """All clients; another mapping after each change."""
        return self._store.records.clients

    def list(self) -> Sequence[Client]:
        """All clients, by name."""
        return sorted(self._store.records.clients.values(), key=lambda client: client.name.lower())

    def get(self, name: str) -> Client | None:
        """One client."""
        return self._store.records.clients.get(name)

    async def add(self, name: str, scope: Scope, *, by: str, address: str = "") -> Secret[str]:
        """Make a client. The secret is shown this once: only hashes are kept.

        Raises:
            AccountError: the name, or the number of clients.
        """
        check_name(name)
        secret, client = self.prepare(name, scope, by=by)
        note = Note("client_added", by, address, f"{name} may connect as a program", _details(client))
        await self._store.change(lambda records: self.with_new(records, client), note)
        return secret

    def prepare(self, name: str, scope: Scope, *, by: str, recorder: str = "") -> tuple[Secret[str], Client]:
        """A secret and its client, not kept yet."""
        text = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=").lower()
        hashes: Mapping[str, Secret[str]] = {
            algorithm: Secret(secret_hash(algorithm, name, self._realm, text)) for algorithm in HASHES
        }
        return Secret(text), Client(name, scope, hashes, created=self._clock.utc(), by=by, recorder=recorder)

    def with_new(self, records: Records, client: Client) -> Records:
        """Records with one more client; a recorder that is paired again replaces itself.

        Raises:
            AccountError: the name is taken, or there are too many.
        """
        present = records.clients.get(client.name)
        if present is None or not present.recorder or present.recorder != client.recorder:
            check_name_free(records, client.name)
            if len(records.clients) >= self._limits.clients:
                raise AccountError(
                    f"There are {self._limits.clients} clients, and no more are possible", next="revoke one first"
                )
        return records.with_client(client)

    async def revoke(self, name: str, *, by: str, address: str = "") -> None:
        """Make a secret worthless at once.

        Raises:
            AccountError: there is no such client.
        """
        present = self.get(name)
        if present is None:
            raise AccountError("There is no such client", next="look at the list of clients; it may have been revoked")
        note = Note("client_revoked", by, address, f"{name} may not connect any more", _details(present))
        await self._store.change(lambda records: records.without_client(name), note)

    def used(self, client: Client, *, address: str) -> None:
        """A client has proved itself: the first time in an hour, or from another address, it is written down."""
        now = self._clock.utc()
        at, where = self._noted.get(client.name, (0, ""))
        if where == address and abs(now - at) < self._limits.use_seconds * NS:
            return
        # At most one note a minute for a client that comes from two addresses in turns.
        if at and abs(now - at) < 60 * NS:
            return
        self._noted[client.name] = (now, address)
        if len(self._noted) > 2 * self._limits.clients:
            self._noted = {name: seen for name, seen in self._noted.items() if name in self._store.records.clients}

        def make(records: Records) -> Records:
            present = records.clients.get(client.name)
            if present is None:
                return records
            return records.with_client(replace(present, last_used=now, last_address=address))

        self._store.later(Note("client_login", client.name, address, f"{client.name} has connected"), make)


def _details(client: Client) -> dict[str, object]:
    return {"name": client.name, "scope": client.scope.value, "recorder": client.recorder}
