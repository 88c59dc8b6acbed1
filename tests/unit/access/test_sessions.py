"""Sessions end when idle, when old, when told to, and with the account; nobody can guess or list their tokens."""

import pytest

from camward.access.principal import Kind, Principal, Role
from camward.access.sessions import SessionLimits, Sessions
from camward.access.settings import AccessSettings


@pytest.fixture
def people() -> dict[str, Principal]:
    names = ("ann", "bob")
    return {name: Principal(Kind.USER, name, role=Role.LIVE_ONLY) for name in names}


@pytest.fixture
def sessions(clock, people) -> Sessions:
    limits = SessionLimits(per_account=3, all=5)
    return Sessions(clock=clock, settings=AccessSettings, principal=people.get, limits=limits)


def test_a_session_is_found_by_its_token_only(sessions):
    session = sessions.begin("ann", address="192.0.2.1")
    token = session.token.reveal()
    assert len(token) >= 43 and token not in repr(session)
    found = sessions.get(token, address="192.0.2.9")
    assert (found.name, found.address, found.csrf) == ("ann", "192.0.2.9", session.csrf)
    for wrong in ("", token[:-1], token + "x", session.id, "\udcff", "é"):
        assert sessions.get(wrong) is None


def test_tokens_and_csrf_differ(sessions):
    made = [sessions.begin("ann", address="") for _ in range(20)]
    assert len({s.token.reveal() for s in made} | {s.csrf for s in made} | {s.id for s in made}) == 60


def test_csrf(sessions):
    session = sessions.begin("ann", address="")
    assert session.csrf_matches(session.csrf)
    for wrong in ("", session.csrf[:-1], "é", "\udcff"):
        assert not session.csrf_matches(wrong)


def test_idle_ends(sessions, clock):
    token = sessions.begin("ann", address="").token.reveal()
    for _ in range(4):
        clock.advance(29 * 60)
        assert sessions.get(token)
    clock.advance(30 * 60)
    assert sessions.get(token) is None


def test_old_ends_even_in_use(sessions, clock):
    session = sessions.begin("ann", address="")
    for _ in range(12 * 6 - 1):
        clock.advance(600)
        assert sessions.get(session.token.reveal())
    assert sessions.alive(session.id)
    clock.advance(600)
    assert not sessions.alive(session.id)
    assert sessions.get(session.token.reveal()) is None


def test_looking_whether_it_is_alive_is_no_use(sessions, clock):
    session = sessions.begin("ann", address="")
    for _ in range(30):
        clock.advance(60)
        sessions.alive(session.id)
    assert sessions.get(session.token.reveal()) is None


def test_a_clock_set_back_or_forth_ends_nothing(sessions, clock):
    token = sessions.begin("ann", address="").token.reveal()
    clock.set_utc(0)
    assert sessions.get(token)


def test_list_end_and_end_all(sessions, clock):
    ann = [sessions.begin("ann", address=str(n)) for n in range(2)]
    clock.advance(1)
    bob = sessions.begin("bob", address="b")
    assert next(info.address for info in sessions.list()) == "b"
    assert {info.id for info in sessions.list("ANN")} == {s.id for s in ann}
    assert sessions.end_id(ann[0].id) and not sessions.end_id(ann[0].id)
    assert sessions.get(ann[0].token.reveal()) is None
    sessions.end(bob.token.reveal())
    sessions.end("unknown")
    third = sessions.begin("ann", address="")
    assert sessions.end_all("Ann", but=third.id) == 1
    assert [info.id for info in sessions.list()] == [third.id]


def test_an_account_that_is_gone_takes_its_sessions_along(sessions, people):
    token = sessions.begin("ann", address="").token.reveal()
    del people["ann"]
    assert sessions.get(token) is None
    assert sessions.begin("ann", address="") is None


def test_rights_are_those_of_this_moment(sessions, people):
    token = sessions.begin("ann", address="").token.reveal()
    people["ann"] = Principal(Kind.USER, "ann", role=Role.ADMINISTRATOR)
    assert sessions.get(token).principal.role is Role.ADMINISTRATOR


def test_one_person_can_not_push_others_out(sessions, clock):
    bob = sessions.begin("bob", address="")
    made = []
    for _ in range(10):
        clock.advance(1)
        made.append(sessions.begin("ann", address=""))
    assert sessions.get(bob.token.reveal())
    assert [bool(sessions.get(s.token.reveal())) for s in made] == [False] * 7 + [True] * 3


def test_all_sessions_are_bounded(clock):
    sessions = Sessions(
        clock=clock,
        settings=AccessSettings,
        principal=lambda name: Principal(Kind.USER, name, role=Role.LIVE_ONLY),
        limits=SessionLimits(per_account=3, all=5),
    )
    for number in range(20):
        sessions.begin(f"u{number}", address="")
    assert len(sessions.list()) == 5
