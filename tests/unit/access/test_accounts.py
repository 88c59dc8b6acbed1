"""Accounts: rules of names, roles and reach; the last administrator stays; each change is kept and journalled."""

import asyncio
import os

import pytest

from camward.access import AccessLimits, Device, Role
from camward.access.accounts import AccountLimits
from camward.access.errors import AccountError, LoginRefusedError, PasswordRefusedError
from camward.base.errors import ConfigurationError
from camward.base.secret import Secret

GOOD = Secret("lantern cove drizzle")
OTHER = Secret("granite tulip harness")


async def test_made_kept_and_journalled(claimed, open_access, kinds, tmp_path):
    await claimed.accounts.add("ann", GOOD, Role.LIVE_ONLY, by="root", address="192.0.2.1")
    again = open_access()
    assert [(a.name, a.role) for a in again.accounts.list()] == [("ann", Role.LIVE_ONLY), ("root", Role.ADMINISTRATOR)]
    assert kinds() == ["administrator_made", "account_added"]
    path = tmp_path / "secrets" / "access.json"
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert b"lantern" not in path.read_bytes()
    assert "$argon2id$" in path.read_text() and "argon2" not in repr(again.accounts.list())


@pytest.mark.parametrize("name", ["", "a:b", "a b", ".a", "a" * 33, "é", "a\n", "a\x00", "ａ", "a/b", 'a"b'])
async def test_names_that_can_not_be(claimed, name):
    with pytest.raises(AccountError):
        await claimed.accounts.add(name, GOOD, Role.LIVE_ONLY, by="root")


async def test_a_name_is_taken_in_any_case_and_by_clients_too(claimed):
    from camward.access import Scope

    await claimed.clients.add("Nvr", Scope.STREAMS, by="root")
    for name in ("ROOT", "nvr"):
        with pytest.raises(AccountError, match="taken"):
            await claimed.accounts.add(name, GOOD, Role.LIVE_ONLY, by="root")
    with pytest.raises(AccountError, match="taken"):
        await claimed.clients.add("Root", Scope.STREAMS, by="root")


async def test_two_of_one_name_at_the_same_time(claimed):
    results = await asyncio.gather(
        *(claimed.accounts.add("ann", GOOD, Role.LIVE_ONLY, by="root") for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(result, AccountError) for result in results) == 4


async def test_weak_passwords_are_refused_with_the_reason(claimed):
    with pytest.raises(PasswordRefusedError) as caught:
        await claimed.accounts.add("ann", Secret("harbour2026"), Role.LIVE_ONLY, by="root")
    assert "short of 12" in caught.value.diagnostics() and "harbour" not in caught.value.diagnostics()
    with pytest.raises(PasswordRefusedError):
        await claimed.accounts.set_password("root", Secret("short"), by="root")


async def test_roles_of_the_other_device_are_refused(claimed):
    with pytest.raises(AccountError):
        await claimed.accounts.add("ann", GOOD, Role.MANAGER, by="root")
    with pytest.raises(AccountError):
        await claimed.accounts.add("ann", GOOD, Role.LIVE_ONLY, ["a"], by="root")


async def test_reach_of_a_recorders_people(recorder):
    await recorder.accounts.add("ann", GOOD, Role.VIEWER, ["a", "b"], by="root")
    session = await recorder.login("ann", GOOD, address="192.0.2.7")
    assert session.principal.cameras == {"a", "b"}
    await recorder.accounts.change("ann", Role.OPERATOR, by="root")
    after = recorder.sessions.get(session.token.reveal())
    assert (after.principal.role, after.principal.cameras) == (Role.OPERATOR, None)
    with pytest.raises(AccountError):
        await recorder.accounts.change("ann", Role.ADMINISTRATOR, ["a"], by="root")


async def test_the_last_administrator_stays(claimed):
    for attempt in (
        claimed.accounts.remove("root", by="root"),
        claimed.accounts.change("root", Role.LIVE_ONLY, by="root"),
    ):
        with pytest.raises(AccountError, match="last administrator"):
            await attempt
    await claimed.accounts.add("ann", GOOD, Role.ADMINISTRATOR, by="root")
    results = await asyncio.gather(
        claimed.accounts.remove("root", by="ann"), claimed.accounts.remove("ann", by="root"), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["AccountError", "NoneType"]
    assert len(claimed.accounts.list()) == 1


async def test_removed_means_out_at_once(claimed, kinds):
    await claimed.accounts.add("ann", GOOD, Role.LIVE_ONLY, by="root")
    session = await claimed.login("ANN", GOOD, address="192.0.2.7")
    assert claimed.current(session.principal) == session.principal
    await claimed.accounts.remove("Ann", by="root")
    assert claimed.sessions.get(session.token.reveal()) is None
    assert not may_anything(claimed.current(session.principal))
    with pytest.raises(LoginRefusedError):
        await claimed.login("ann", GOOD, address="192.0.2.7")
    assert kinds()[-3:] == ["login", "account_removed", "login_refused"]


def may_anything(principal) -> bool:
    from camward.access import Action, may

    return may(principal, Action.LIVE)


async def test_another_password_ends_the_other_sessions(claimed):
    first, second = [await claimed.login("root", Secret("four plain words here"), address="a") for _ in range(2)]
    await claimed.accounts.set_password("root", OTHER, by="root", keep_session=second.id)
    assert claimed.sessions.get(first.token.reveal()) is None
    assert claimed.sessions.get(second.token.reveal())
    with pytest.raises(LoginRefusedError):
        await claimed.login("root", Secret("four plain words here"), address="a")
    await claimed.login("root", OTHER, address="a")


@pytest.mark.parametrize("method", ["change", "remove", "set_password"])
async def test_an_account_that_is_not_there(claimed, method):
    call = getattr(claimed.accounts, method)
    arguments = {"change": (Role.LIVE_ONLY,), "remove": (), "set_password": (GOOD,)}[method]
    with pytest.raises(AccountError, match="no such account"):
        await call("ann", *arguments, by="root")


async def test_only_so_many(open_access, claim_it):
    access = await claim_it(open_access(limits=AccessLimits(accounts=AccountLimits(accounts=3))))
    for number in range(2):
        await access.accounts.add(f"u{number}", GOOD, Role.LIVE_ONLY, by="root")
    with pytest.raises(AccountError, match="no more"):
        await access.accounts.add("u2", GOOD, Role.LIVE_ONLY, by="root")
    assert AccountLimits().accounts == 100


async def test_a_disk_that_refuses_changes_nothing(claimed, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="No space"):
        await claimed.accounts.add("ann", GOOD, Role.LIVE_ONLY, by="root")
    assert claimed.accounts.get("ann") is None
    monkeypatch.undo()
    await claimed.accounts.add("ann", GOOD, Role.LIVE_ONLY, by="root")


async def test_a_journal_that_refuses_changes_nothing(claimed, open_access, journal):
    journal.close()
    from camward.journal import JournalError

    with pytest.raises(JournalError):
        await claimed.accounts.add("ann", GOOD, Role.LIVE_ONLY, by="root")
    assert claimed.accounts.get("ann") is None
    assert open_access().accounts.get("ann") is None


def _full(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", "null", '{"version": 2}', "\xff", '{"version": 1, "device": "camera"}',
        '{"version": 1, "device": "toaster", "accounts": []}', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_broken_file_never_opens_the_claim_page_again(tmp_path, open_access, text):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "access.json").write_text(text, encoding="latin-1")
    with pytest.raises(ConfigurationError, match="file of accounts"):
        open_access()


def test_a_file_of_another_kind_of_device(open_access):
    open_access(Device.CAMERA)
    with pytest.raises(ConfigurationError):
        open_access(Device.RECORDER)
