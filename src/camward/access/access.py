"""All of a device's access in one: accounts, clients, sessions, claim, login, Digest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from camward.access.accounts import AccountLimits, Accounts
from camward.access.claim import Claim, PairedClient
from camward.access.claim_code import make_claim_code
from camward.access.clients import ClientLimits, Clients
from camward.access.digest_gate import DigestGate, DigestHolder, DigestLimits, userhash_of
from camward.access.digest_hash import HASHES
from camward.access.errors import LoginRefusedError
from camward.access.lockout import Lockout, LockoutLimits
from camward.access.passwords import BusyError, HashCost, Passwords
from camward.access.principal import NOBODY, Device, Kind, Principal
from camward.access.records import Account, Client, Records
from camward.access.sessions import Session, SessionLimits, Sessions
from camward.access.settings import AccessSettings
from camward.access.store import Note, RecordStore
from camward.base.clock import Clock
from camward.base.events import Event, EventBus, EventKind
from camward.base.secret import Secret
from camward.journal import Journal, JournalError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AccessLimits:
    """All limits of the room.

    Args:
        hashes: passwords that may wait to be hashed.
        login: of the login page.
        claim: of claim codes and pairing proofs.
    """

    hashes: int = 16
    accounts: AccountLimits = field(default_factory=AccountLimits)
    clients: ClientLimits = field(default_factory=ClientLimits)
    sessions: SessionLimits = field(default_factory=SessionLimits)
    digest: DigestLimits = field(default_factory=DigestLimits)
    login: LockoutLimits = field(default_factory=LockoutLimits)
    claim: LockoutLimits = field(default_factory=LockoutLimits)


class Access:
    """The access of one device. On its first start the claim code is made.

    Args:
        state: of the device; records are in `secrets/access.json`.
        device: which roles there are.
        settings: read at each use.
        fingerprint: SHA-256 of the device's identity certificate, for pairing.
        events: told of addresses that have to wait.
        cost: of one password hash.

    Raises:
        ConfigurationError: the file of accounts can't be used.
    """

    REALM = "Camward"
    """Of Digest. The hashes of client secrets hold for this name only."""

    def __init__(
        self,
        state: Path,
        *,
        device: Device,
        clock: Clock,
        journal: Journal,
        settings: Callable[[], AccessSettings],
        fingerprint: bytes,
        events: EventBus | None = None,
        cost: HashCost = HashCost(),
        limits: AccessLimits = AccessLimits(),
    ) -> None:
        self._clock, self._events = clock, events
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="access")
        self._store = RecordStore(state, device=device, journal=journal, thread=self._thread, first=_first_records)
        self._passwords = Passwords(cost, self._thread, pending=limits.hashes)
        self._lockout = Lockout(limits.login)
        self.sessions = Sessions(clock=clock, settings=settings, principal=self._user_principal, limits=limits.sessions)
        self.accounts = Accounts(
            self._store,
            self._passwords,
            self.sessions,
            device=device,
            clock=clock,
            settings=settings,
            limits=limits.accounts,
        )
        self.clients = Clients(self._store, realm=self.REALM, clock=clock, limits=limits.clients)
        self.claim = Claim(
            self._store,
            self.accounts,
            self.clients,
            clock=clock,
            fingerprint=fingerprint,
            limits=limits.claim,
            refused=self._alarm,
        )
        self.digest = DigestGate(
            _Directory(self),
            realm=self.REALM,
            clock=clock,
            md5=lambda: settings().digest_md5,
            limits=limits.digest,
        )

    @property
    def claimed(self) -> bool:
        """Whether the administrator has been made; until then nobody can log in."""
        return self.claim.claimed

    async def login(self, name: str, password: Secret[str], *, address: str) -> Session:
        """Log a person in.

        Raises:
            LoginRefusedError: for whatever reason; says the same for each.
        """
        account = await self.check_password(name, password, address=address)
        verifier = await self._renewed(account, password)
        now = self._clock.utc()

        def make(records: Records) -> Records:
            present = records.account(name)
            if present is None or present.verifier != account.verifier:
                raise LoginRefusedError  # removed, or another password, within this very moment
            return records.with_account(replace(present, verifier=verifier, last_login=now))

        try:
            await self._store.change(make, Note("login", account.name, address, f"{account.name} has logged in"))
        except (JournalError, OSError) as error:
            # Whoever comes to mend a full or broken disk must get in.
            log.exception("login_not_journalled", name=account.name, address=address, error=str(error))
        session = self.sessions.begin(account.name, address=address)
        if session is None:
            raise LoginRefusedError
        return session

    async def check_password(self, name: str, password: Secret[str], *, address: str) -> Account:
        """Whose password this is; for login, and before somebody changes their own password.

        Raises:
            LoginRefusedError: see `login`.
        """
        now = self._clock.monotonic()
        if wait := self._lockout.attempt(address, now):
            raise LoginRefusedError(wait)
        account = self.accounts.get(name)
        try:
            right = await self._passwords.check(account.verifier.reveal() if account else None, password)
        except BusyError:
            self._lockout.succeeded(address, now)
            raise LoginRefusedError(2.0) from None
        if account is not None and right:
            self._lockout.succeeded(address, now)
            return account
        wait = self._lockout.waiting(address, self._clock.monotonic())
        # Not the name as typed: people type passwords there.
        who = account.name if account else "unknown"
        self.note_refusal(who, address, wait)
        raise LoginRefusedError(wait)

    async def pair(
        self, proof: bytes, owner_key: bytes, recorder_certificate: bytes, *, name: str, address: str
    ) -> PairedClient:
        """Let a recorder in that brings a proof of the claim code; see `Claim.pair`."""
        return await self.claim.pair(proof, owner_key, recorder_certificate, name=name, address=address)

    def current(self, principal: Principal) -> Principal:
        """The same one with the rights of this moment; `NOBODY` if the account is removed or the secret revoked.

        For streams, which outlive the request that began them: ask again every few seconds.
        """
        if principal.kind is Kind.USER:
            return self._user_principal(principal.name) or NOBODY
        if principal.kind is Kind.CLIENT and (client := self.clients.get(principal.name)):
            return client.principal
        return NOBODY

    def note_refusal(self, who: str, address: str, wait: float) -> None:
        """Somebody was refused; journalled without waiting for the disk."""
        self._store.later(_refusal(who, address, wait))
        if wait:
            self._alarm(address)

    def close(self) -> None:
        """Finish what is being written, and end the thread."""
        self._thread.shutdown(wait=True)

    async def _renewed(self, account: Account, password: Secret[str]) -> Secret[str]:
        """The account's verifier, made anew if hashing costs something else now."""
        if self._passwords.outdated(account.verifier.reveal()):
            with contextlib.suppress(BusyError):  # then at the next login
                return Secret(await self._passwords.make(password))
        return account.verifier

    def _user_principal(self, name: str) -> Principal | None:
        account = self.accounts.get(name)
        return account.principal if account else None

    def _alarm(self, address: str) -> None:
        if self._events is not None:
            text = f"{address} has to wait after too many wrong passwords or codes"
            self._events.publish(Event(EventKind.LOGIN_FAILED, self._clock.utc(), text, alarm=True, subject=address))


class _Directory:
    """Who may use Digest: the clients. (Structure of `DigestDirectory`.)"""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._indexed: Mapping[str, Client] | None = None
        self._by_hash: dict[str, str] = {}

    def find(self, username: str, *, userhash: bool) -> DigestHolder | None:
        clients = self._access.clients
        return clients.get(self._unhashed(username.lower()) if userhash else username)

    def used(self, holder: DigestHolder, *, address: str) -> None:
        if isinstance(holder, Client):
            self._access.clients.used(holder, address=address)

    def refused(self, holder: DigestHolder | None, *, address: str, wait: float) -> None:
        self._access.note_refusal(holder.name if holder else "unknown", address, wait)

    def _unhashed(self, username: str) -> str:
        present = self._access.clients.by_name
        if present is not self._indexed:
            realm = Access.REALM
            self._by_hash = {userhash_of(a, name, realm): name for name in present for a in HASHES}
            self._indexed = present
        return self._by_hash.get(username, "")


def _first_records() -> Records:
    return Records(claim_code=make_claim_code())


def _refusal(who: str, address: str, wait: float) -> Note:
    then = f"; {address} has to wait {round(wait)} seconds" if wait else ""
    return Note("login_refused", who, address, f"A login was refused{then}", {"wait": round(wait)})
