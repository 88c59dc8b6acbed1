"""Login: one sentence for every failure, no names found out, an address that guesses waits."""

import asyncio
import os
import time

import pytest

from camward.access import Access, AccessLimits, Device, HashCost, Role
from camward.access.errors import LoginRefusedError
from camward.access.settings import AccessSettings
from camward.base.clock import SystemClock
from camward.base.events import EventKind
from camward.base.secret import Secret
from camward.journal import Journal

RIGHT = Secret("four plain words here")
WRONG = Secret("four other words here")


async def refusal(access: Access, name: str, password: Secret[str], address: str = "192.0.2.5") -> LoginRefusedError:
    with pytest.raises(LoginRefusedError) as caught:
        await access.login(name, password, address=address)
    return caught.value


async def test_the_right_password(claimed, kinds):
    session = await claimed.login("Root", RIGHT, address="192.0.2.5")
    assert (session.principal.name, session.principal.role) == ("root", Role.ADMINISTRATOR)
    assert claimed.sessions.get(session.token.reveal()).id == session.id
    assert claimed.accounts.get("root").last_login == session.created
    assert kinds()[-1] == "login"


async def test_every_failure_says_the_same(claimed, access):
    cases = [
        ("root", WRONG),
        ("nobody", RIGHT),
        ("", Secret("")),
        ("root", Secret("x" * 100_000)),
        ("\x00", Secret("\x00")),
    ]
    answers = {(await refusal(claimed, name, password)).diagnostics() for name, password in cases}
    assert len(answers) == 1


async def test_nobody_can_log_in_before_the_claim(access):
    await refusal(access, "root", RIGHT)


async def test_a_typed_name_is_not_journalled(claimed, entries):
    await refusal(claimed, "my secret password", WRONG)
    await refusal(claimed, "root", WRONG)
    written = entries()[-2:]
    assert [(entry.kind, entry.who, entry.where) for entry in written] == [
        ("login_refused", "unknown", "192.0.2.5"),
        ("login_refused", "root", "192.0.2.5"),
    ]
    assert "secret" not in str(written)


async def test_guessing_makes_the_address_wait_and_nobody_else(claimed, clock, events, entries):
    for _ in range(7):
        assert (await refusal(claimed, "root", WRONG)).wait == 0
    assert (await refusal(claimed, "root", WRONG)).wait == 30
    written = len(entries())
    waiting = await refusal(claimed, "root", RIGHT)  # even the right one: it must not be told from a wrong one
    assert waiting.wait == 30 and "30 seconds" in waiting.next
    assert len(entries()) == written  # who waits can't fill the journal
    assert [(event.kind, event.subject, event.alarm) for event in events.items] == [
        (EventKind.LOGIN_FAILED, "192.0.2.5", True)
    ]
    await claimed.login("root", RIGHT, address="192.0.2.6")
    clock.advance(30)
    await claimed.login("root", RIGHT, address="192.0.2.5")


async def test_guesses_sent_at_once_are_not_more(claimed, kinds):
    results = await asyncio.gather(
        *(claimed.login("root", WRONG, address="192.0.2.5") for _ in range(60)), return_exceptions=True
    )
    assert all(isinstance(result, LoginRefusedError) for result in results)
    assert kinds().count("login_refused") == 8


async def test_more_than_can_be_hashed_is_refused_and_not_counted(open_access, claim_it):
    access = await claim_it(open_access(limits=AccessLimits(hashes=1)))
    results = await asyncio.gather(
        *(access.login("root", RIGHT, address=f"192.0.2.{n}") for n in range(20)), return_exceptions=True
    )
    good = [result for result in results if not isinstance(result, Exception)]
    busy = [result for result in results if isinstance(result, LoginRefusedError)]
    assert good and busy and len(good) + len(busy) == 20
    await access.login("root", RIGHT, address="192.0.2.19")


async def test_the_same_password_from_any_keyboard(claimed):
    await claimed.accounts.add("ann", Secret("zażółć-gęślą-jaźń"), Role.LIVE_ONLY, by="root")
    decomposed = "zaz\u0307o\u0301łc\u0301-ge\u0328s\u0301la\u0328-jaz\u0301n\u0301"
    await claimed.login("ann", Secret(decomposed), address="a")


async def test_a_verifier_is_renewed_when_the_cost_changes(claimed, tmp_path, clock, journal, open_access):
    before = claimed.accounts.get("root").verifier.reveal()
    stronger = Access(
        tmp_path,
        device=Device.CAMERA,
        clock=clock,
        journal=journal,
        settings=AccessSettings,
        fingerprint=bytes(32),
        cost=HashCost(memory=128, passes=2),
    )
    try:
        await stronger.login("root", RIGHT, address="a")
        after = stronger.accounts.get("root").verifier.reveal()
        assert "m=64,t=1" in before and "m=128,t=2" in after
        await stronger.login("root", RIGHT, address="a")
        assert stronger.accounts.get("root").verifier.reveal() == after
    finally:
        stronger.close()


async def test_a_password_changed_meanwhile(claimed):
    """The old password was right when it was checked, and is not any more when the session would begin."""
    results = await asyncio.gather(
        claimed.accounts.set_password("root", Secret("granite tulip harness"), by="root"),
        claimed.login("root", RIGHT, address="a"),
        return_exceptions=True,
    )
    sessions = claimed.sessions.list("root")
    assert isinstance(results[1], LoginRefusedError) or not sessions
    assert not sessions


@pytest.mark.parametrize("broken", ["disk", "journal"])
async def test_whoever_comes_to_mend_a_full_disk_gets_in(claimed, journal, monkeypatch, broken):
    if broken == "journal":
        journal.close()
    else:
        monkeypatch.setattr(os, "fsync", _full)
    session = await claimed.login("root", RIGHT, address="192.0.2.5")
    assert claimed.sessions.get(session.token.reveal())
    await refusal(claimed, "root", WRONG)


def _full(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


async def test_the_real_cost_is_deliberate_and_bearable(tmp_path):
    clock = SystemClock()
    journal = Journal(tmp_path / "journal", clock)
    access = Access(
        tmp_path, device=Device.CAMERA, clock=clock, journal=journal, settings=AccessSettings, fingerprint=bytes(32)
    )
    try:
        code = access.claim.code()
        await access.claim.make_administrator(code, "root", RIGHT, address="a")
        spent = []
        for name, password in [("root", RIGHT), ("root", WRONG), ("nobody", RIGHT)]:
            started = time.process_time()
            try:
                await access.login(name, password, address="a")
            except LoginRefusedError:
                assert (name, password) != ("root", RIGHT)
            spent.append(time.process_time() - started)
        assert min(spent) > 0.02, "a guess must cost something"
        assert max(spent) < 4 * min(spent), f"an unknown name must cost what a known one does: {spent}"
    finally:
        access.close()
        journal.close()
