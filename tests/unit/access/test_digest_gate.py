"""The server's side of Digest: RFC 7616 with SHA-256 and MD5, replays refused, floods cost no memory."""

import asyncio
import contextlib
import re
import time

import pytest

from camward.access import AccessLimits, DigestConnection, NonceCounter, Scope, answer_challenge
from camward.access.clients import ClientLimits
from camward.access.digest_hash import response, secret_hash
from camward.access.errors import AccountError, DigestRefusedError
from camward.access.settings import AccessSettings
from camward.base.secret import Secret

AT = "192.0.2.5"
URI = "/api/v1/status"


@pytest.fixture
async def player(claimed) -> tuple[str, Secret[str]]:
    return "player", await claimed.clients.add("player", Scope.STREAMS, by="root")


def answer(challenges, player, *, counter=None, method="GET", uri=URI, body=b"") -> str:
    return answer_challenge(
        challenges,
        method=method,
        uri=uri,
        username=player[0],
        password=player[1],
        body=body,
        counter=counter or NonceCounter(),
    )


def check(access, authorization, *, method="GET", uri=URI, **rest):
    return access.digest.check(method=method, uri=uri, authorization=authorization, address=AT, **rest)


def refused(access, authorization, **rest) -> DigestRefusedError:
    with pytest.raises(DigestRefusedError) as caught:
        check(access, authorization, **rest)
    return caught.value


def nonce_of(challenge: str) -> str:
    return re.search(r'nonce="([^"]+)"', challenge)[1]


def legacy(access, player, nonce: str, *, method="DESCRIBE", uri="rtsp://camera/stream1") -> str:
    """RFC 2069, as GStreamer writes it."""
    secret = secret_hash("MD5", player[0], "Camward", player[1].reveal())
    proof = response("MD5", secret, method=method, uri=uri, nonce=nonce)
    return f'Digest username="{player[0]}", realm="Camward", nonce="{nonce}", uri="{uri}", response="{proof}"'


async def test_challenges_are_sha256_then_md5(claimed, settings_in_use):
    sha, md5 = claimed.digest.challenges()
    assert "algorithm=SHA-256" in sha and "algorithm=MD5" in md5
    for challenge in (sha, md5):
        assert challenge.startswith('Digest realm="Camward", nonce="') and 'qop="auth,auth-int"' in challenge
        assert "stale" not in challenge
    assert all("stale=true" in challenge for challenge in claimed.digest.challenges(stale=True))
    settings_in_use["now"] = AccessSettings(digest_md5=False)
    assert ["algorithm=SHA-256" in challenge for challenge in claimed.digest.challenges()] == [True]


@pytest.mark.parametrize("which", [0, 1], ids=["SHA-256", "MD5"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
async def test_right_answers(claimed, player, which, qop):
    challenge = claimed.digest.challenges()[which].replace("auth,auth-int", qop)
    header = answer([challenge], player, method="POST", body=b"a body")
    assert f"qop={qop}," in header and "userhash=true" in header and "player" not in header
    principal = check(claimed, header, method="POST", body=b"a body")
    assert (principal.name, principal.scope) == ("player", Scope.STREAMS)


async def test_a_plain_name_does_as_well(claimed, player):
    challenges = [c.replace(", userhash=true", "") for c in claimed.digest.challenges()]
    header = answer(challenges, player)
    assert 'username="player"' in header and "SHA-256" in header
    assert check(claimed, header).name == "player"


async def test_nothing_or_another_scheme_is_asked_for_digest(claimed, player):
    for authorization in (None, "", "Basic cGxheWVyOng=", "Bearer x", "digest"):
        error = refused(claimed, authorization)
        assert (error.status, error.wait, len(error.challenges)) == (401, 0, 2)


async def test_malformed_is_a_bad_request(claimed):
    for authorization in ("Digest ", "Digest x", 'Digest username="a"', "Digest " + "a=b," * 2000):
        assert refused(claimed, authorization).status == 400


async def test_what_was_changed_on_the_way_is_refused(claimed, player):
    header = answer(claimed.digest.challenges(), player, method="PUT", body=b"a")
    assert refused(claimed, header, method="DELETE").status == 401
    assert refused(claimed, header, method="PUT", uri="/api/v1/other").status == 401
    integrity = [c.replace("auth,auth-int", "auth-int") for c in claimed.digest.challenges()]
    header = answer(integrity, player, method="PUT", body=b"a")
    assert refused(claimed, header, method="PUT", body=b"b").status == 401
    assert check(claimed, header, method="PUT", body=b"a")


async def test_a_query_belongs_to_the_uri(claimed, player):
    header = answer(claimed.digest.challenges(), player, uri="/snapshot?stream=2")
    refused(claimed, header, uri="/snapshot?stream=1")
    assert check(claimed, header, uri="https://camera/snapshot?stream=2")


async def test_counts_go_up_and_a_replay_is_stale(claimed, player):
    counter, challenges = NonceCounter(), claimed.digest.challenges()
    headers = [answer(challenges, player, counter=counter) for _ in range(5)]
    assert [re.search("nc=(.{8})", header)[1] for header in headers] == [f"{n:08x}" for n in range(1, 6)]
    for index in (0, 2, 1, 4, 3):  # parallel connections overtake each other
        check(claimed, headers[index])
    for header in headers:
        error = refused(claimed, header)
        assert all("stale=true" in challenge for challenge in error.challenges) and error.wait == 0


async def test_many_replays_and_none_accepted(claimed, player):
    counter, challenges = NonceCounter(), claimed.digest.challenges()
    headers = [answer(challenges, player, counter=counter) for _ in range(100)]
    headers += [legacy(claimed, player, nonce_of(claimed.digest.challenges()[1]), method="GET", uri=URI)]
    for header in headers:
        check(claimed, header)
    accepted, started = 0, time.perf_counter()
    for number in range(20_000):
        connection = DigestConnection() if number % 2 else None
        try:
            check(claimed, headers[number % len(headers)], connection=connection)
            accepted += 1
        except DigestRefusedError:
            pass
    assert accepted == 0
    assert time.perf_counter() - started < 30


async def test_old_nonces_are_stale_and_the_client_goes_on(claimed, player, clock):
    counter, challenges = NonceCounter(), claimed.digest.challenges()
    check(claimed, answer(challenges, player, counter=counter))
    clock.advance(600)
    error = refused(claimed, answer(challenges, player, counter=counter))
    assert "stale=true" in error.challenges[0]
    check(claimed, answer(error.challenges, player, counter=counter))


async def test_a_nonce_of_an_earlier_start_is_stale(claimed, player, open_access):
    header = answer(claimed.digest.challenges(), player)
    assert "stale=true" in refused(open_access(), header).challenges[0]


@pytest.mark.parametrize("nonce", ["", "x", "A" * 43, "é" * 43, "=" * 43, "A" * 1000])
async def test_a_nonce_that_is_not_ours(claimed, player, nonce):
    header = answer(claimed.digest.challenges(), player)
    real = nonce_of(header)
    secret = secret_hash("MD5", player[0], "Camward", player[1].reveal())
    proof = response("MD5", secret, method="GET", uri=URI, nonce=nonce)
    forged = f'Digest username="player", realm="Camward", nonce="{nonce}", uri="{URI}", response="{proof}"'
    assert "stale=true" in refused(claimed, forged).challenges[0]
    assert real != nonce


async def test_a_flood_without_the_secret_takes_no_memory(claimed, player):
    gate = claimed.digest
    for number in range(20_000):
        header = answer(gate.challenges()[:1], ("player", Secret("wrong"))) if number % 100 == 0 else None
        address = f"198.51.{number // 256}.{number % 256}"
        with pytest.raises(DigestRefusedError):
            gate.check(method="GET", uri=URI, authorization=header, address=address)
    assert len(gate._nonces) == 0


async def test_a_wrong_secret_makes_the_address_wait(claimed, player, clock, kinds, events):
    wrong = ("player", Secret("wrong"))
    for _ in range(7):
        assert refused(claimed, answer(claimed.digest.challenges(), wrong)).wait == 0
    assert refused(claimed, answer(claimed.digest.challenges(), ("nobody", Secret("x")))).wait == 30
    waiting = refused(claimed, answer(claimed.digest.challenges(), player))
    assert (waiting.status, waiting.wait) == (429, 30)
    assert len(events.items) == 1
    await claimed.login("root", Secret("four plain words here"), address=AT)  # people don't wait for programs
    clock.advance(30)
    check(claimed, answer(claimed.digest.challenges(), player))
    claimed.close()
    assert kinds().count("login_refused") == 8 and kinds()[-1] == "client_login"


async def test_gstreamer_repeats_itself_on_its_connection(claimed, player):
    connection = DigestConnection()
    header = legacy(claimed, player, nonce_of(claimed.digest.challenges()[1]))
    rtsp = {"method": "DESCRIBE", "uri": "rtsp://camera/stream1"}
    for _ in range(5):
        assert check(claimed, header, connection=connection, **rtsp).name == "player"
    assert "stale=true" in refused(claimed, header, connection=DigestConnection(), **rtsp).challenges[0]
    assert "stale=true" in refused(claimed, header, **rtsp).challenges[0]
    check(claimed, header, connection=connection, **rtsp)


async def test_a_proved_connection_outlives_the_nonce(claimed, player, clock):
    connection = DigestConnection()
    nonce = nonce_of(claimed.digest.challenges()[1])
    uri = "rtsp://camera/stream1"
    check(claimed, legacy(claimed, player, nonce), method="DESCRIBE", uri=uri, connection=connection)
    clock.advance(86_400)
    keep = legacy(claimed, player, nonce, method="GET_PARAMETER")
    check(claimed, keep, method="GET_PARAMETER", uri=uri, connection=connection)
    await claimed.clients.revoke("player", by="root")
    refused(claimed, keep, method="GET_PARAMETER", uri=uri, connection=connection)


async def test_live555_answers_for_the_stream_when_it_asks_for_a_track(claimed, player):
    connection = DigestConnection()
    nonce = nonce_of(claimed.digest.challenges()[1])
    header = legacy(claimed, player, nonce, method="SETUP", uri="rtsp://camera/stream1/")
    check(claimed, header, method="SETUP", uri="rtsp://camera/stream1/track1", connection=connection)
    for other in ("rtsp://camera/stream2/track1", "rtsp://camera/stream10", "rtsp://camera/"):
        refused(claimed, header, method="SETUP", uri=other, connection=connection)
    fresh = legacy(claimed, player, nonce_of(claimed.digest.challenges()[1]), method="SETUP")
    refused(claimed, fresh, method="SETUP", uri="rtsp://camera/stream1/track1")  # not over HTTP


async def test_one_connection_two_clients(claimed, player):
    other = ("other", await claimed.clients.add("other", Scope.STREAMS, by="root"))
    connection = DigestConnection()
    nonce = nonce_of(claimed.digest.challenges()[1])
    rtsp = {"method": "DESCRIBE", "uri": "rtsp://camera/stream1", "connection": connection}
    check(claimed, legacy(claimed, player, nonce), **rtsp)
    assert "stale=true" in refused(claimed, legacy(claimed, other, nonce), **rtsp).challenges[0]


async def test_another_realm_or_algorithm(claimed, player, settings_in_use):
    header = legacy(claimed, player, nonce_of(claimed.digest.challenges()[0]))
    rtsp = {"method": "DESCRIBE", "uri": "rtsp://camera/stream1"}
    refused(claimed, header.replace("Camward", "Other"), **rtsp)
    for algorithm in ("MD5-sess", "SHA-512-256", "NONE"):
        refused(claimed, header + f", algorithm={algorithm}", **rtsp)
    settings_in_use["now"] = AccessSettings(digest_md5=False)
    refused(claimed, header, **rtsp)


async def test_only_hashes_of_a_secret_are_kept(claimed, player, tmp_path):
    text = (tmp_path / "secrets" / "access.json").read_text()
    assert player[1].reveal() not in text and len(player[1].reveal()) == 26
    client = claimed.clients.get("player")
    assert all(value.reveal() not in repr(client) for value in client.hashes.values())


async def test_clients_are_named_listed_and_revoked(claimed, open_access, kinds):
    for name in ("nvr", "Player"):
        await claimed.clients.add(name, Scope.STREAMS, by="root")
    for name in ("nvr", "NVR", "a:b"):
        with pytest.raises(AccountError):
            await claimed.clients.add(name, Scope.STREAMS, by="root")
    assert [client.name for client in open_access().clients.list()] == ["nvr", "Player"]
    principal = claimed.clients.get("nvr").principal
    await claimed.clients.revoke("nvr", by="root")
    assert claimed.current(principal).name == ""
    with pytest.raises(AccountError):
        await claimed.clients.revoke("nvr", by="root")
    assert kinds()[-3:] == ["client_added", "client_added", "client_revoked"]


async def test_last_use_is_kept_to_the_hour(claimed, player, clock, open_access, kinds):
    for _ in range(3):
        check(claimed, answer(claimed.digest.challenges(), player))
        clock.advance(60)
    clock.advance(3600)
    check(claimed, answer(claimed.digest.challenges(), player))
    claimed.close()
    client = open_access().clients.get("player")
    assert (client.last_used, client.last_address) == (clock.utc(), AT)
    assert kinds().count("client_login") == 2


async def test_a_client_on_the_move_is_noted_once_a_minute_at_most(claimed, player, clock, kinds):
    for number in range(10):
        header = answer(claimed.digest.challenges(), player)
        claimed.digest.check(method="GET", uri=URI, authorization=header, address=f"192.0.2.{number % 2}")
        clock.advance(30)
    assert kinds().count("client_login") == 4  # after 0, 90, 180 and 270 seconds


async def test_a_client_revoked_meanwhile_does_not_come_back(claimed, player, open_access):
    revoking = asyncio.create_task(claimed.clients.revoke("player", by="root"))
    header = answer(claimed.digest.challenges(), player)
    await asyncio.sleep(0)  # it is on its way to the disk
    with contextlib.suppress(DigestRefusedError):  # or it is there already
        check(claimed, header)
    await revoking
    claimed.close()
    assert not open_access().clients.list()


async def test_only_so_many_clients(open_access, claim_it):
    access = await claim_it(open_access(limits=AccessLimits(clients=ClientLimits(clients=2))))
    for name in ("a", "b"):
        await access.clients.add(name, Scope.STREAMS, by="root")
    with pytest.raises(AccountError, match="no more"):
        await access.clients.add("c", Scope.STREAMS, by="root")


async def test_notes_that_come_too_fast_are_counted(claimed, player, journal, kinds):
    """The disk is held up while refusals come in: the queue stays bounded, and the journal says what is missing."""
    journal._mutex.acquire()
    try:
        for number in range(300):
            header = answer(claimed.digest.challenges(), ("player", Secret("wrong")))
            with pytest.raises(DigestRefusedError):
                claimed.digest.check(method="GET", uri=URI, authorization=header, address=f"198.51.100.{number % 200}")
    finally:
        journal._mutex.release()
    kinds()  # all that waited is written now
    with pytest.raises(DigestRefusedError):
        check(claimed, answer(claimed.digest.challenges(), ("player", Secret("wrong"))))
    claimed.close()
    assert kinds().count("notes_dropped") == 1
    assert "44 entries" in next(e.what for e in journal.read(limit=400) if e.kind == "notes_dropped")


async def test_a_check_is_fast(claimed, player):
    counter, challenges = NonceCounter(), claimed.digest.challenges()[:1]
    headers = [answer(challenges, player, counter=counter) for _ in range(3000)]
    started = time.process_time()
    for header in headers:
        check(claimed, header)
    each = (time.process_time() - started) / len(headers)
    assert each < 0.001, f"{each * 1e6:.0f} µs"  # some 40 µs; the bound only catches a change of kind
