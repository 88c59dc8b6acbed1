"""First access: only the code's holder makes the administrator or pairs a recorder, and only once."""

import asyncio
import datetime
import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from camward.access import (
    NOBODY,
    Action,
    Kind,
    NonceCounter,
    Principal,
    Scope,
    answer_challenge,
    may,
    normalise_claim_code,
    pairing_proof,
    read_claim_code,
)
from camward.access.claim_code import ALPHABET, make_claim_code
from camward.access.errors import (
    AccountError,
    AlreadyClaimedError,
    ClaimCodeError,
    ClaimRefusedError,
    DigestRefusedError,
    LoginRefusedError,
    OwnerKeyError,
    PairingError,
    PasswordRefusedError,
)
from camward.base.secret import Secret
from camward.trust.keys import spki

FINGERPRINT = bytes(range(32))
GOOD = Secret("lantern cove drizzle")
CERTIFICATE = b"\x30\x82 a recorder's certificate"
AT = "192.0.2.5"


def new_key() -> bytes:
    return spki(ec.generate_private_key(ec.SECP256R1()).public_key())


@pytest.fixture(scope="module")
def owner() -> bytes:
    return new_key()


def test_a_new_device_answers_the_claim_only(access):
    assert not access.claimed
    assert {action for action in Action if may(NOBODY, action)} == {
        Action.PUBLIC,
        Action.LOGIN,
        Action.CLAIM,
        Action.PAIR,
    }


def test_the_code_is_eighty_bits_and_stays_until_spent(access, open_access, tmp_path):
    code = access.claim.code()
    assert len(code.reveal()) == 19 and code.reveal().count("-") == 3
    assert 5 * len(normalise_claim_code(code).reveal()) == 80
    assert open_access().claim.code() == code == read_claim_code(tmp_path)
    assert code.reveal() not in repr(access.claim.code()) + repr(access.claim)


def test_codes_are_random():
    made = {make_claim_code().reveal() for _ in range(500)}
    assert len(made) == 500
    assert {c for code in made for c in code} == set(ALPHABET) | {"-"}


async def test_the_administrator_is_made_once(access, owner, tmp_path, open_access, clock, kinds):
    code = access.claim.code()
    account = await access.claim.make_administrator(code, "petra", GOOD, owner, address=AT)
    assert access.claimed and account.name == "petra" and access.claim.owner_key == owner
    assert access.claim.code() is None and read_claim_code(tmp_path) is None
    await access.login("petra", GOOD, address=AT)
    clock.advance(240)
    with pytest.raises(AlreadyClaimedError, match="4 minutes ago") as caught:
        await open_access().claim.make_administrator(code, "eve", GOOD, address=AT)
    assert "reset" in caught.value.next
    with pytest.raises(AlreadyClaimedError):
        await access.claim.check(code, address=AT)
    assert kinds() == ["administrator_made", "login"]


async def test_two_at_the_same_time(access, owner):
    code = access.claim.code()
    results = await asyncio.gather(
        *(access.claim.make_administrator(code, f"u{n}", GOOD, address=AT) for n in range(4)), return_exceptions=True
    )
    assert sum(isinstance(result, AlreadyClaimedError) for result in results) == 3
    assert len(access.accounts.list()) == 1


async def test_what_is_wrong_beside_the_code_does_not_spend_it(access, owner):
    code = access.claim.code()
    with pytest.raises(PasswordRefusedError):
        await access.claim.make_administrator(code, "petra", Secret("harbour2026"), owner, address=AT)
    with pytest.raises(AccountError):
        await access.claim.make_administrator(code, "a:b", GOOD, owner, address=AT)
    with pytest.raises(OwnerKeyError):
        await access.claim.make_administrator(code, "petra", GOOD, b"no key", address=AT)
    await access.claim.check(code, address=AT)
    assert access.claim.owner_key is None and access.claim.tries == 0


async def test_wrong_codes_are_counted_and_slowed_down(access, clock, events, kinds):
    wrong = Secret("0000-0000-0000-0000")
    for number in range(1, 9):
        with pytest.raises(ClaimRefusedError) as caught:
            await access.claim.make_administrator(wrong, "eve", GOOD, address=AT)
        assert caught.value.tries == number == access.claim.tries
    assert caught.value.wait == 30 and len(events.items) == 1
    with pytest.raises(ClaimRefusedError, match="Too many"):
        await access.claim.check(access.claim.code(), address=AT)
    assert kinds() == ["claim_refused"] * 8
    await access.claim.check(access.claim.code(), address="192.0.2.6")
    clock.advance(30)
    await access.claim.check(access.claim.code(), address=AT)


async def test_typing_errors_are_no_tries(access):
    for typed in ("", "U" * 16, "1234", "é" * 16, "0" * 65, "0" * 17):
        with pytest.raises(ClaimCodeError):
            await access.claim.check(Secret(typed), address=AT)
    assert access.claim.tries == 0


def not_keys() -> dict[str, bytes]:
    good = new_key()
    p384 = spki(ec.generate_private_key(ec.SECP384R1()).public_key())
    return {
        "empty": b"",
        "short": good[:-1],
        "long": good + b"\x00",
        "another curve": p384,
        "off the curve": good[:-1] + bytes([good[-1] ^ 1]),
        "noise": bytes(91),
        "compressed": good[:26] + b"\x02" + good[27:],
    }


@pytest.mark.parametrize(("name", "key"), not_keys().items(), ids=not_keys())
async def test_what_is_no_owner_key(access, name, key):
    with pytest.raises(OwnerKeyError):
        await access.claim.make_administrator(access.claim.code(), "petra", GOOD, key, address=AT)
    with pytest.raises(OwnerKeyError):
        await access.pair(bytes(32), key, CERTIFICATE, name="recorder-1", address=AT)


def proof_of(access, owner: bytes, certificate: bytes = CERTIFICATE, fingerprint: bytes = FINGERPRINT) -> bytes:
    code = access.claim.code()
    return pairing_proof(code, fingerprint=fingerprint, owner_key=owner, recorder_certificate=certificate)


def test_the_proof_is_the_hmac_that_was_agreed(owner):
    """The page computes it in JavaScript; this is the agreement."""
    proof = pairing_proof(
        Secret("oill-0123 4567abcd"), fingerprint=FINGERPRINT, owner_key=owner, recorder_certificate=CERTIFICATE
    )
    message = FINGERPRINT + owner + CERTIFICATE
    assert proof == hmac.new(b"011101234567ABCD", message, hashlib.sha256).digest()
    with pytest.raises(ValueError, match="32 bytes"):
        pairing_proof(Secret("0" * 16), fingerprint=FINGERPRINT[1:], owner_key=owner, recorder_certificate=CERTIFICATE)


async def test_pairing_then_claiming(access, owner, open_access, kinds):
    paired = await access.pair(proof_of(access, owner), owner, CERTIFICATE, name="recorder-1", address=AT)
    assert not access.claimed and access.claim.owner_key == owner
    client = access.clients.get("recorder-1")
    assert (client.scope, client.recorder) == (Scope.SEALED_ONLY, hashlib.sha256(CERTIFICATE).hexdigest())
    assert (client.principal.kind, may(client.principal, Action.LIVE)) == (Kind.CLIENT, True)
    assert not may(client.principal, Action.SNAPSHOT) and not may(client.principal, Action.SETTINGS_READ)
    assert paired.secret.reveal() not in repr(paired)
    with pytest.raises(OwnerKeyError, match="another owner"):
        await access.claim.make_administrator(access.claim.code(), "petra", GOOD, new_key(), address=AT)
    await access.claim.make_administrator(access.claim.code(), "petra", GOOD, None, address=AT)
    assert access.claim.owner_key == owner == open_access().claim.owner_key
    assert access.clients.get("recorder-1") == client
    assert kinds() == ["recorder_paired", "administrator_made"]


async def test_an_unclaimed_camera_serves_its_paired_recorder_and_nobody_else(access, owner):
    paired = await access.pair(proof_of(access, owner), owner, CERTIFICATE, name="recorder-1", address=AT)

    def principal(name: str, secret: Secret[str]) -> Principal:
        rtsp = {"method": "DESCRIBE", "uri": "rtsps://camera/stream1"}
        challenges = access.digest.challenges()
        header = answer_challenge(challenges, username=name, password=secret, counter=NonceCounter(), **rtsp)
        return access.digest.check(authorization=header, address=AT, **rtsp)

    assert may(principal(paired.name, paired.secret), Action.LIVE, "stream1")
    with pytest.raises(DigestRefusedError):
        principal("recorder-2", paired.secret)
    with pytest.raises(LoginRefusedError):
        await access.login("recorder-1", paired.secret, address=AT)


async def test_a_recorder_pairs_again_and_its_old_secret_is_worthless(access, owner):
    first = await access.pair(proof_of(access, owner), owner, CERTIFICATE, name="recorder-1", address=AT)
    before = access.clients.get("recorder-1").hashes
    second = await access.pair(proof_of(access, owner), owner, CERTIFICATE, name="recorder-1", address=AT)
    assert first.secret != second.secret and access.clients.get("recorder-1").hashes != before
    assert len(access.clients.list()) == 1
    other = b"\x30 another recorder"
    with pytest.raises(AccountError, match="taken"):
        await access.pair(proof_of(access, owner, other), owner, other, name="recorder-1", address=AT)


async def test_a_proof_for_anything_else_is_refused(access, owner):
    good = proof_of(access, owner)
    wrong = {
        "empty": (b"", owner, CERTIFICATE),
        "cut": (good[:-1], owner, CERTIFICATE),
        "another owner": (good, new_key(), CERTIFICATE),
        "another recorder": (good, owner, CERTIFICATE + b"x"),
        "another camera": (proof_of(access, owner, fingerprint=bytes(32)), owner, CERTIFICATE),
    }
    for proof, key, certificate in wrong.values():
        with pytest.raises(ClaimRefusedError):
            await access.pair(proof, key, certificate, name="recorder-1", address=AT)
    for certificate in (b"", bytes(8193)):
        with pytest.raises(PairingError):
            await access.pair(good, owner, certificate, name="recorder-1", address=AT)
    with pytest.raises(AccountError):
        await access.pair(good, owner, CERTIFICATE, name="a recorder", address=AT)
    assert access.claim.tries == 5 and access.claim.owner_key is None and not access.clients.list()


async def test_no_pairing_once_claimed(access, owner):
    proof = proof_of(access, owner)
    await access.claim.make_administrator(access.claim.code(), "petra", GOOD, owner, address=AT)
    with pytest.raises(AlreadyClaimedError):
        await access.pair(proof, owner, CERTIFICATE, name="recorder-1", address=AT)


async def test_a_clock_that_went_back_gives_no_nonsense(access, clock):
    await access.claim.make_administrator(access.claim.code(), "petra", GOOD, address=AT)
    clock.set_utc(int(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC).timestamp()) * 10**9)
    with pytest.raises(AlreadyClaimedError) as caught:
        await access.claim.check(Secret("0" * 16), address=AT)
    assert caught.value.ago is None and "ago" not in caught.value.what
