"""Accounts of people: made, changed and removed by an administrator; the last administrator always stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from camward.access.errors import AccountError, PasswordRefusedError
from camward.access.password_policy import judge_password
from camward.access.passwords import Passwords
from camward.access.principal import ROLES, Device, Role
from camward.access.records import Account, Records
from camward.access.sessions import Sessions
from camward.access.settings import AccessSettings
from camward.access.store import Note, RecordStore
from camward.base.clock import Clock
from camward.base.secret import Secret

NAME_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,31}")
"""No colon (Digest and Basic join with it), no look-alike letters of other scripts, nothing that needs escaping."""


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """How much there may be: white paper 3.2.

    Args:
        accounts: on one device.
        cameras: that one account can be restricted to.
    """

    accounts: int = 100
    cameras: int = 1000


class Accounts:
    """The accounts of a device."""

    def __init__(
        self,
        store: RecordStore,
        passwords: Passwords,
        sessions: Sessions,
        *,
        device: Device,
        clock: Clock,
        settings: Callable[[], AccessSettings],
        limits: AccountLimits = AccountLimits(),
    ) -> None:
        self._store, self._passwords, self._sessions = store, passwords, sessions
        self._device, self._clock, self._settings, self._limits = device, clock, settings, limits

    def list(self) -> Sequence[Account]:
        """All accounts, by name."""
        return sorted(self._store.records.accounts.values(), key=lambda account: account.name.lower())

    def get(self, name: str) -> Account | None:
        """One account; letter case does not count."""
        return self._store.records.account(name)

    async def add(
        self,
        name: str,
        password: Secret[str],
        role: Role,
        cameras: Iterable[str] | None = None,
        *,
        by: str,
        address: str = "",
    ) -> Account:
        """Make an account.

        Args:
            cameras: ids of the only cameras that it reaches (recorder only); None: all.
            by: who does this, for the journal.

        Raises:
            PasswordRefusedError: with the verdict.
            AccountError: the name, the role or the number of accounts.
            BusyError: too many passwords wait to be hashed.
        """
        reach = self._reach(role, cameras)
        check_name_free(self._store.records, name)
        account = await self.prepare(name, password, role, cameras=reach)
        note = Note("account_added", by, address, f"{name} may log in as {_word(role)}", _details(account))
        await self._store.change(lambda records: self.with_new(records, account), note)
        return account

    async def prepare(
        self, name: str, password: Secret[str], role: Role, *, cameras: frozenset[str] | None = None
    ) -> Account:
        """An account with its password judged and hashed, not kept yet.

        Raises:
            PasswordRefusedError, AccountError, BusyError: as in `add`.
        """
        check_name(name)
        verifier = await self._new_verifier(name, password)
        now = self._clock.utc()
        return Account(name, role, cameras, verifier, created=now, changed=now)

    def with_new(self, records: Records, account: Account) -> Records:
        """Records with one more account.

        Raises:
            AccountError: the name is taken meanwhile, or there are too many.
        """
        check_name_free(records, account.name)
        if len(records.accounts) >= self._limits.accounts:
            raise AccountError(
                f"There are {self._limits.accounts} accounts, and no more are possible", next="remove one first"
            )
        return records.with_account(account)

    async def set_password(
        self, name: str, password: Secret[str], *, by: str, address: str = "", keep_session: str = ""
    ) -> None:
        """Choose another password; the account's sessions end, but the one with the id `keep_session`.

        Who changes their own password proves the old one first: `Access.check_password`.

        Raises:
            PasswordRefusedError, AccountError, BusyError: nothing changed.
        """
        present = _existing(self._store.records, name)
        verifier = await self._new_verifier(present.name, password)
        now = self._clock.utc()

        def make(records: Records) -> Records:
            account = replace(_existing(records, name), verifier=verifier, changed=now)
            return records.with_account(account)

        await self._store.change(make, Note("password_changed", by, address, f"{present.name} has another password"))
        self._sessions.end_all(name, but=keep_session)

    async def change(
        self, name: str, role: Role, cameras: Iterable[str] | None = None, *, by: str, address: str = ""
    ) -> Account:
        """Give an account another role and reach; holds at once, also for sessions under way.

        Raises:
            AccountError: it is the last administrator, or not as asked; nothing changed.
        """
        reach = self._reach(role, cameras)

        def make(records: Records) -> Records:
            account = replace(_existing(records, name), role=role, cameras=reach)
            return _with_administrator(records.with_account(account))

        present = _existing(self._store.records, name)
        after = replace(present, role=role, cameras=reach)
        note = Note("account_changed", by, address, f"{present.name} is {_word(role)} now", _details(after))
        await self._store.change(make, note)
        return after

    async def remove(self, name: str, *, by: str, address: str = "") -> None:
        """Remove an account and end its sessions.

        Raises:
            AccountError: there is none, or it is the last administrator; nothing changed.
        """
        present = _existing(self._store.records, name)

        def make(records: Records) -> Records:
            _existing(records, name)
            return _with_administrator(records.without_account(name))

        note = Note("account_removed", by, address, f"{present.name} may not log in any more", _details(present))
        await self._store.change(make, note)
        self._sessions.end_all(name)

    async def _new_verifier(self, name: str, password: Secret[str]) -> Secret[str]:
        verdict = judge_password(password, name, minimum=self._settings().password_length)
        if not verdict.ok:
            raise PasswordRefusedError(verdict)
        return Secret(await self._passwords.make(password))

    def _reach(self, role: Role, cameras: Iterable[str] | None) -> frozenset[str] | None:
        if role not in ROLES[self._device]:
            raise AccountError(
                f"A {self._device} has no {_word(role)}", next=f"one of {', '.join(ROLES[self._device])}"
            )
        if cameras is None:
            return None
        reach = frozenset(cameras)
        if self._device is not Device.RECORDER or role is Role.ADMINISTRATOR:
            raise AccountError(f"{_word(role).capitalize()} of a {self._device} can't be restricted to some cameras")
        if len(reach) > self._limits.cameras:
            raise AccountError(f"An account can be restricted to {self._limits.cameras} cameras at most")
        return reach


def check_name(name: str) -> None:
    """Whether this can be the name of an account or a client.

    Raises:
        AccountError: it can't.
    """
    if not NAME_FORM.fullmatch(name):
        raise AccountError(
            "This can't be a user name",
            why="a name has 1 to 32 letters (a to z), digits, and . _ - @, and begins with a letter or digit",
            next="choose another name",
        )


def check_name_free(records: Records, name: str) -> None:
    """Whether no account and no client has this name, in whatever case.

    Raises:
        AccountError: one has.
    """
    lower = name.lower()
    if lower in records.accounts or any(client.lower() == lower for client in records.clients):
        raise AccountError("This name is taken", next="choose another name")


def _existing(records: Records, name: str) -> Account:
    account = records.account(name)
    if account is None:
        raise AccountError("There is no such account", next="look at the list of users; it may have been removed")
    return account


def _with_administrator(records: Records) -> Records:
    if not records.administrators:
        raise AccountError(
            "This is the last administrator, and has to stay one",
            why="without an administrator nobody could change this device any more",
            next="make another administrator first",
        )
    return records


def _word(role: Role) -> str:
    return role.value.replace("_", " ")


def _details(account: Account) -> dict[str, object]:
    cameras = "all" if account.cameras is None else sorted(account.cameras)
    return {"name": account.name, "role": account.role.value, "cameras": cameras}
