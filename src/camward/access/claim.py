"""First access: whoever has the claim code makes the administrator, or pairs a recorder; nobody else does anything."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from camward.access.accounts import Accounts, check_name
from camward.access.claim_code import check_owner_key, normalise_claim_code, pairing_proof
from camward.access.clients import PAIRING, Clients
from camward.access.errors import AlreadyClaimedError, ClaimRefusedError, OwnerKeyError, PairingError
from camward.access.lockout import Lockout, LockoutLimits
from camward.access.principal import Role, Scope
from camward.access.records import Account, Records, read_records
from camward.access.store import Note, RecordStore, records_path
from camward.base.clock import NS, Clock
from camward.base.secret import Secret

CERTIFICATE_LIMIT = 8 * 1024
"""Bytes of a recorder's certificate."""


@dataclass(frozen=True, slots=True)
class PairedClient:
    """What a recorder gets: the name and the secret to connect with."""

    name: str
    secret: Secret[str]


def read_claim_code(state: Path) -> Secret[str] | None:
    """The claim code of a device's state folder, for its console; None once the device has an administrator.

    Raises:
        FileNotFoundError: the device has never been started.
        ConfigurationError: its file of accounts can't be used.
    """
    return read_records(records_path(state).read_bytes()).claim_code


class Claim:
    """The claim of one device.

    Args:
        fingerprint: SHA-256 of the device's identity certificate.
    """

    def __init__(
        self,
        store: RecordStore,
        accounts: Accounts,
        clients: Clients,
        *,
        clock: Clock,
        fingerprint: bytes,
        limits: LockoutLimits = LockoutLimits(),
        refused: Callable[[str], None] = lambda address: None,
    ) -> None:
        self._store, self._accounts, self._clients = store, accounts, clients
        self._clock, self._fingerprint, self._refused = clock, fingerprint, refused
        self._lockout = Lockout(limits)
        self._tries = 0

    @property
    def claimed(self) -> bool:
        """Whether the administrator has been made."""
        return self._store.records.claim_code is None

    @property
    def owner_key(self) -> bytes | None:
        """The pinned key of the owner: P-256 SubjectPublicKeyInfo, DER."""
        return self._store.records.owner_key

    @property
    def tries(self) -> int:
        """Wrong codes and proofs since the device started."""
        return self._tries

    def code(self) -> Secret[str] | None:
        """The code, for the console and the label only; None once it is spent."""
        return self._store.records.claim_code

    async def check(self, code: Secret[str], *, address: str) -> None:
        """Whether this is the code: the claim page's first step. It is not spent by this.

        Raises:
            AlreadyClaimedError: there is an administrator.
            ClaimCodeError: it has not the form of a code; not counted as a try.
            ClaimRefusedError: it is wrong, or this address has to wait.
        """
        expected = self._expected()
        given = normalise_claim_code(code)
        right = given == normalise_claim_code(expected)
        self._count(address, "a wrong claim code", right=right)

    async def make_administrator(
        self,
        code: Secret[str],
        name: str,
        password: Secret[str],
        owner_key: bytes | None = None,
        *,
        address: str,
    ) -> Account:
        """Make the first account and spend the code.

        Args:
            owner_key: pinned for ever, if no pairing has pinned one already. P-256 SubjectPublicKeyInfo, DER.

        Raises:
            AlreadyClaimedError, ClaimCodeError, ClaimRefusedError: see `check`.
            PasswordRefusedError, AccountError: the password or the name; the code stays good.
            OwnerKeyError: not a key, or another one is pinned; the code stays good.
            BusyError: too many passwords wait to be hashed.
        """
        await self.check(code, address=address)
        key = self._pinned(self._store.records, owner_key)
        account = await self._accounts.prepare(name, password, Role.ADMINISTRATOR)

        def make(records: Records) -> Records:
            if records.claim_code is None:
                raise self._already(records)
            pinned = self._pinned(records, key)
            with_account = self._accounts.with_new(records, account)
            return replace(with_account, claim_code=None, claimed=account.created, owner_key=pinned)

        details = {"owner_key": "" if key is None else hashlib.sha256(key).hexdigest()}
        note = Note("administrator_made", name, address, f"{name} has claimed this device", details)
        await self._store.change(make, note)
        return account

    async def pair(
        self, proof: bytes, owner_key: bytes, recorder_certificate: bytes, *, name: str, address: str
    ) -> PairedClient:
        """Let a recorder in whose owner has proved to know the code: pins the owner's key, makes a sealed-only client.

        Possible while the device has no administrator. A recorder that pairs again gets a new secret.

        Args:
            proof: see `pairing_proof`.
            recorder_certificate: the recorder's identity certificate, DER.

        Raises:
            AlreadyClaimedError: there is an administrator, who can make a client secret.
            OwnerKeyError: not a key, or another one is pinned.
            PairingError: the certificate can't be one.
            AccountError: the name.
            ClaimRefusedError: the proof is wrong, or this address has to wait.
        """
        expected = self._expected()
        check_name(name)
        if not 0 < len(recorder_certificate) <= CERTIFICATE_LIMIT:
            raise PairingError(f"a recorder's certificate has 1 to {CERTIFICATE_LIMIT} bytes")
        right = pairing_proof(
            expected, fingerprint=self._fingerprint, owner_key=owner_key, recorder_certificate=recorder_certificate
        )
        self._count(address, "a wrong pairing proof", right=hmac.compare_digest(right, proof))
        recorder = hashlib.sha256(recorder_certificate).hexdigest()
        secret, client = self._clients.prepare(name, Scope.SEALED_ONLY, by=PAIRING, recorder=recorder)

        def make(records: Records) -> Records:
            if records.claim_code is None:
                raise self._already(records)
            return replace(self._clients.with_new(records, client), owner_key=self._pinned(records, owner_key))

        details = {"recorder": recorder, "owner_key": hashlib.sha256(owner_key).hexdigest()}
        await self._store.change(make, Note("recorder_paired", name, address, f"{name} is paired", details))
        return PairedClient(name, secret)

    def _expected(self) -> Secret[str]:
        records = self._store.records
        if records.claim_code is None:
            raise self._already(records)
        return records.claim_code

    def _count(self, address: str, what: str, *, right: bool) -> None:
        now = self._clock.monotonic()
        if wait := self._lockout.attempt(address, now):
            raise ClaimRefusedError(wait=wait, tries=self._tries)
        if right:
            self._lockout.succeeded(address, now)
            return
        self._tries += 1
        wait = self._lockout.waiting(address, now)
        self._store.later(Note("claim_refused", "nobody", address, f"Refused: {what}", {"wait": round(wait)}))
        if wait:
            self._refused(address)
        raise ClaimRefusedError(wait=wait, tries=self._tries)

    def _pinned(self, records: Records, key: bytes | None) -> bytes | None:
        if key is None:
            return records.owner_key
        check_owner_key(key)
        if records.owner_key is not None and records.owner_key != key:
            raise OwnerKeyError(
                "this device is pinned to another owner's key",
                why="it was paired or claimed with that one",
                next="use that key, or reset the device to factory state at its console",
            )
        return key

    def _already(self, records: Records) -> AlreadyClaimedError:
        ago = None if records.claimed is None else (self._clock.utc() - records.claimed) / NS
        return AlreadyClaimedError(ago if ago is not None and ago >= 0 else None)
