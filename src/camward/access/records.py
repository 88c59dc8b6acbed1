"""What a device keeps of accounts, clients and the claim: values, and their one form in a file."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from camward.access.principal import Device, Kind, Principal, Role, Scope
from camward.base.clock import Utc
from camward.base.errors import ConfigurationError
from camward.base.secret import Secret

VERSION = 1


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account.

    Args:
        cameras: ids of the cameras it is restricted to; None: all.
        verifier: Argon2id, with its salt and cost.
        changed: when the password was chosen.
        last_login: None: never.
    """

    name: str
    role: Role
    cameras: frozenset[str] | None
    verifier: Secret[str]
    created: Utc
    changed: Utc
    last_login: Utc | None = None

    @property
    def principal(self) -> Principal:
        """The account as one who asks."""
        return Principal(Kind.USER, self.name, role=self.role, cameras=self.cameras)


@dataclass(frozen=True, slots=True)
class Client:
    """A program with a secret of its own.

    Args:
        hashes: H(A1) by Digest algorithm; the secret itself is nowhere.
        by: who made it; "pairing" for a paired recorder.
        recorder: SHA-256 of a paired recorder's identity certificate, hex; else empty.
        last_used: to the hour; None: never.
        last_address: where from.
    """

    name: str
    scope: Scope
    hashes: Mapping[str, Secret[str]]
    created: Utc
    by: str
    recorder: str = ""
    last_used: Utc | None = None
    last_address: str = ""

    @property
    def principal(self) -> Principal:
        """The client as one who asks."""
        return Principal(Kind.CLIENT, self.name, scope=self.scope)


@dataclass(frozen=True, slots=True)
class Records:
    """All of it, unchangeable; a change makes a new one.

    Args:
        accounts: by name in lower case.
        clients: by name.
        claim_code: as printed; None once spent.
        claimed: when the administrator was made.
        owner_key: pinned; P-256 SubjectPublicKeyInfo, DER.
    """

    accounts: Mapping[str, Account] = field(default_factory=dict)
    clients: Mapping[str, Client] = field(default_factory=dict)
    claim_code: Secret[str] | None = None
    claimed: Utc | None = None
    owner_key: bytes | None = None

    @property
    def administrators(self) -> int:
        """How many there are."""
        return sum(account.role is Role.ADMINISTRATOR for account in self.accounts.values())

    def account(self, name: str) -> Account | None:
        """The account of a name, in whatever case it is written."""
        return self.accounts.get(name.lower())

    def with_account(self, account: Account) -> Records:
        """One account added, or replaced."""
        return replace(self, accounts={**self.accounts, account.name.lower(): account})

    def without_account(self, name: str) -> Records:
        """One account less."""
        return replace(self, accounts={key: a for key, a in self.accounts.items() if key != name.lower()})

    def with_client(self, client: Client) -> Records:
        """One client added, or replaced."""
        return replace(self, clients={**self.clients, client.name: client})

    def without_client(self, name: str) -> Records:
        """One client less."""
        return replace(self, clients={key: client for key, client in self.clients.items() if key != name})


def write_records(records: Records, device: Device) -> bytes:
    """The file's content."""
    body = {
        "version": VERSION,
        "device": device.value,
        "claim_code": records.claim_code.reveal() if records.claim_code else None,
        "claimed": records.claimed,
        "owner_key": base64.b64encode(records.owner_key).decode() if records.owner_key else None,
        "accounts": [_account_body(account) for account in records.accounts.values()],
        "clients": [_client_body(client) for client in records.clients.values()],
    }
    return json.dumps(body, indent=1).encode() + b"\n"


def read_records(data: bytes, device: Device | None = None) -> Records:
    """Records from a file's content; of any kind of device if none is given.

    Raises:
        ConfigurationError: it is not whole, or of another kind of device. A device without readable accounts must
            not open its claim page again, so it does not start.
    """
    try:
        body = json.loads(data)
        if body["version"] != VERSION or Device(body["device"]) is not (device or Device(body["device"])):
            raise ValueError("it is of another version, or another kind of device")
        accounts = [_account(entry) for entry in body["accounts"]]
        clients = [_client(entry) for entry in body["clients"]]
        code, key = body["claim_code"], body["owner_key"]
        return Records(
            accounts={account.name.lower(): account for account in accounts},
            clients={client.name: client for client in clients},
            claim_code=Secret(str(code)) if code is not None else None,
            claimed=_when(body["claimed"]),
            owner_key=base64.b64decode(key, validate=True) if key is not None else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigurationError(
            "the file of accounts can't be used",
            why=str(error),
            next="restore the device's secrets, or reset it to factory state",
        ) from None


def _account_body(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "role": account.role.value,
        "cameras": None if account.cameras is None else sorted(account.cameras),
        "verifier": account.verifier.reveal(),
        "created": account.created,
        "changed": account.changed,
        "last_login": account.last_login,
    }


def _account(body: dict[str, Any]) -> Account:
    cameras = body["cameras"]
    return Account(
        name=str(body["name"]),
        role=Role(body["role"]),
        cameras=None if cameras is None else frozenset(map(str, cameras)),
        verifier=Secret(str(body["verifier"])),
        created=Utc(int(body["created"])),
        changed=Utc(int(body["changed"])),
        last_login=_when(body["last_login"]),
    )


def _client_body(client: Client) -> dict[str, object]:
    return {
        "name": client.name,
        "scope": client.scope.value,
        "hashes": {algorithm: value.reveal() for algorithm, value in client.hashes.items()},
        "created": client.created,
        "by": client.by,
        "recorder": client.recorder,
        "last_used": client.last_used,
        "last_address": client.last_address,
    }


def _client(body: dict[str, Any]) -> Client:
    return Client(
        name=str(body["name"]),
        scope=Scope(body["scope"]),
        hashes={str(algorithm): Secret(str(value)) for algorithm, value in body["hashes"].items()},
        created=Utc(int(body["created"])),
        by=str(body["by"]),
        recorder=str(body["recorder"]),
        last_used=_when(body["last_used"]),
        last_address=str(body["last_address"]),
    )


def _when(value: object) -> Utc | None:
    if value is None:
        return None
    if not isinstance(value, int):
        raise ValueError("a time is not a number")
    return Utc(value)
