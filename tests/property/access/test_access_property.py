"""Whatever is sent: headers give a result or their own error, codes fold to one form, lockouts hold."""

import string
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from camward.access import NonceCounter, answer_challenge, normalise_claim_code
from camward.access.claim_code import ALPHABET, group_claim_code
from camward.access.digest_header import DigestHeaderLimits, parse_answer, parse_challenges, quoted
from camward.access.errors import ClaimCodeError, DigestError
from camward.access.lockout import Lockout, LockoutLimits
from camward.base.secret import Secret

CORPUS = Path(__file__).parents[3] / "fuzz" / "corpus" / "digest_header"
SEEDS = [path.read_bytes().decode("utf-8", "surrogateescape") for path in sorted(CORPUS.iterdir())]

pieces = st.sampled_from(
    [
        "Digest ", "Basic ", "realm=", "nonce=", 'qop="auth"', "nc=00000001", "username=", "username*=UTF-8''", '"',
        "\\", ",", "=", " ", "\t",
        "algorithm=MD5", "algorithm=SHA-256", "uri=/", "response=" + "0" * 32, "cnonce=", "%ff",
    ]
)  # fmt: skip
fields = st.text() | st.lists(pieces | st.text(max_size=3), max_size=40).map("".join)


@settings(max_examples=500)
@given(fields)
@example("\udcff")
@example("\ud800")
def test_any_field_gives_a_result_or_the_error(field):
    for parse in (parse_answer, parse_challenges):
        try:
            parse(field)
        except DigestError as error:
            assert error.diagnostics()


@settings(max_examples=300)
@given(st.sampled_from(SEEDS), st.data())
def test_changed_real_fields_too(field, data):
    at = data.draw(st.integers(0, len(field)))
    cut = data.draw(st.integers(0, 8))
    changed = field[:at] + data.draw(st.text(max_size=4)) + field[at + cut :]
    test_any_field_gives_a_result_or_the_error.hypothesis.inner_test(changed)


text = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40)


@given(username=text, realm=text, nonce=text.filter(bool), uri=text, body=st.binary(max_size=20), data=st.data())
def test_what_the_client_writes_the_server_reads(username, realm, nonce, uri, body, data):
    qop = data.draw(st.sampled_from(["", ', qop="auth"', ", qop=auth-int"]))
    algorithm = data.draw(st.sampled_from(["", ", algorithm=MD5", ", algorithm=SHA-256"]))
    challenge = f"Digest realm={quoted(realm)}, nonce={quoted(nonce)}{qop}{algorithm}"
    field = answer_challenge(
        [challenge],
        method="GET",
        uri=uri,
        username=username,
        password=Secret("x"),
        body=body,
        counter=NonceCounter(),
    )
    limits = DigestHeaderLimits(characters=100_000, value=100_000)
    parsed = parse_answer(field, limits)
    assert (parsed.username, parsed.realm, parsed.nonce, parsed.uri) == (username, realm, nonce, uri)
    assert username.isascii() or quote(username, safe="") in field


codes = st.text(ALPHABET, min_size=16, max_size=16)


@given(code=codes, data=st.data())
def test_a_code_may_be_typed_in_many_ways(code, data):
    ways = {"0": "0Oo", "1": "1IiLl"}
    typed = ""
    for character in code:
        typed += data.draw(st.sampled_from(ways.get(character, character + character.lower())))
        typed += data.draw(st.sampled_from(["", "", "", "-", " ", "–"]))
    assert normalise_claim_code(Secret(typed)).reveal() == code
    assert normalise_claim_code(Secret(group_claim_code(code))).reveal() == code


@given(st.text(max_size=80) | st.text(string.ascii_letters + string.digits + "- ", max_size=24))
def test_any_text_is_a_code_or_the_error(typed):
    try:
        folded = normalise_claim_code(Secret(typed)).reveal()
    except ClaimCodeError:
        return
    assert len(folded) == 16 and set(folded) <= set(ALPHABET)
    assert normalise_claim_code(Secret(folded)).reveal() == folded


LIMITS = LockoutLimits(failures=3, window=10, first_wait=5, longest_wait=40, forget=100, addresses=6)
steps = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.floats(0, 30), st.booleans()), min_size=1, max_size=120)


@settings(max_examples=300)
@given(steps)
def test_no_address_fails_more_often_than_it_may(steps):
    lockout, now = Lockout(LIMITS), 0.0
    failures: dict[str, list[float]] = {}
    for address, pause, right in steps:
        now += pause
        before = lockout.waiting(address, now)
        wait = lockout.attempt(address, now)
        assert wait == before and 0 <= wait <= LIMITS.longest_wait
        assert len(lockout) <= LIMITS.addresses
        if wait:
            continue
        if right:
            lockout.succeeded(address, now)
        else:
            failures.setdefault(address, []).append(now)
    if len({address for address, _, _ in steps}) <= LIMITS.addresses:  # nobody was forgotten
        for times in failures.values():
            for first, after in zip(times, times[LIMITS.failures :], strict=False):
                assert after - first >= min(LIMITS.window, LIMITS.first_wait)


@pytest.mark.parametrize("seed", SEEDS)
def test_seeds_are_well_formed(seed):
    assert parse_challenges(seed)
    assert "response=" not in seed or parse_answer(seed)
