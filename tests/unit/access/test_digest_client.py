"""The client's side of Digest: the RFC's examples, odd servers, and what is never given away."""

import pytest

from camward.access import NonceCounter, answer_challenge
from camward.access.digest_hash import response, secret_hash
from camward.access.digest_header import parse_answer, parse_challenges
from camward.access.errors import DigestError
from camward.base.secret import Secret

SHA = 'Digest realm="r", nonce="n1", qop="auth", algorithm=SHA-256'
MD5 = 'Digest realm="r", nonce="n2", qop="auth", algorithm=MD5'
BASIC = 'Basic realm="r"'


def answer(*challenges: str, username: str = "Mufasa", **rest) -> str:
    rest = {"method": "GET", "uri": "/dir/index.html", "counter": NonceCounter(), **rest}
    return answer_challenge(challenges, username=username, password=Secret("Circle of Life"), **rest)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm, expected):
    secret = secret_hash(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life")
    assert expected == response(
        algorithm,
        secret,
        method="GET",
        uri="/dir/index.html",
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        qop="auth",
        count_text="00000001",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )


def test_the_example_of_rfc_2069_with_its_erratum():
    secret = secret_hash("MD5", "Mufasa", "testrealm@host.com", "CircleOfLife")
    uri, nonce = "/dir/index.html", "dcd98b7102dd2f0e8b11d0f600bfb0c093"
    assert response("MD5", secret, method="GET", uri=uri, nonce=nonce) == "1949323746fe6a43ef61f9606e7febea"


@pytest.mark.parametrize("challenges", [(SHA, MD5), (MD5, SHA), (BASIC, MD5, SHA), (f"{BASIC}, {MD5}, {SHA}",)])
def test_the_strongest_is_answered(challenges):
    assert parse_answer(answer(*challenges)).algorithm == "SHA-256"


def test_counts_follow_the_nonce():
    counter = NonceCounter()
    assert [parse_answer(answer(SHA, counter=counter)).count for _ in range(3)] == [1, 2, 3]
    assert parse_answer(answer(SHA.replace("n1", "n9"), counter=counter)).count == 1


def test_basic_only_if_allowed_and_only_without_digest():
    with pytest.raises(DigestError) as caught:
        answer(BASIC)
    assert "Basic" in caught.value.what and "Circle" not in caught.value.diagnostics()
    assert answer(BASIC, allow_basic=True) == "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl"
    assert answer(BASIC, MD5, allow_basic=True).startswith("Digest ")
    with pytest.raises(DigestError):
        answer(BASIC, allow_basic=True, username="a:b")


@pytest.mark.parametrize(
    "challenges",
    [
        (),
        ("Negotiate",),
        ("Bearer abcdef==",),
        ('Digest realm="r"',),
        ('Digest nonce="n"',),
        ('Digest realm="r", nonce="n", algorithm=SHA-512-256',),
        ('Digest realm="r", nonce="n", qop="token"',),
    ],
)
def test_what_can_not_be_answered(challenges):
    with pytest.raises(DigestError):
        answer(*challenges)


def test_without_qop_as_in_rfc_2069():
    header = answer('Digest realm="r", nonce="n"')
    assert "qop" not in header and "nc=" not in header and "algorithm" not in header
    parsed = parse_answer(header)
    secret = secret_hash("MD5", "Mufasa", "r", "Circle of Life")
    assert parsed.response == response("MD5", secret, method="GET", uri="/dir/index.html", nonce="n")


@pytest.mark.parametrize(
    "odd",
    [
        'digest realm="r",nonce="n",qop="auth,auth-int"',
        'DIGEST  realm = "r" , nonce= "n",, qop=auth',
        'Digest realm=r, nonce=n, algorithm="MD5", stale=FALSE, qop="auth",',
        'Digest\trealm="r",\tnonce="n",\topaque=""',
        'Digest qop="auth-int,auth", nonce="n", realm="r", domain="/ /x", x-vendor=""',
    ],
)
def test_odd_cameras(odd):
    parsed = parse_answer(answer(odd))
    assert (parsed.realm, parsed.nonce) == ("r", "n")
    assert parsed.qop in ("auth", "")


def test_auth_int_where_nothing_else_is_offered():
    parsed = parse_answer(answer('Digest realm="r", nonce="n", qop="auth-int"', body=b"x"))
    assert parsed.qop == "auth-int"


def test_sessions_of_the_rfc():
    header = answer('Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess')
    parsed = parse_answer(header)
    assert parsed.algorithm == "MD5-SESS" and "algorithm=MD5-sess" in header
    from camward.access.digest_hash import digest

    secret = digest("MD5", secret_hash("MD5", "Mufasa", "r", "Circle of Life") + f":n:{parsed.cnonce}")
    assert parsed.response == response(
        "MD5", secret, method="GET", uri="/dir/index.html", nonce="n", qop="auth", count_text="00000001",
        cnonce=parsed.cnonce,
    )  # fmt: skip


def test_names_and_realms_that_need_care():
    parsed = parse_answer(answer('Digest realm="a \\"b\\" \\\\c", nonce="n"', username='d"e\\f'))
    assert (parsed.realm, parsed.username) == ('a "b" \\c', 'd"e\\f')
    assert parse_answer(answer(MD5, username="Jäsøn Doe")).username == "Jäsøn Doe"
    hashed = parse_answer(answer(SHA + ", userhash=true", username="Jäsøn Doe"))
    assert hashed.userhash and len(hashed.username) == 64


def test_nothing_can_be_smuggled_into_the_field():
    with pytest.raises(DigestError):
        answer(SHA, uri="/x\r\nEvil: 1")
    with pytest.raises(DigestError):
        answer(SHA, username="x\r\nEvil: 1")
    with pytest.raises(DigestError):
        answer('Digest realm="a\r\nEvil: 1", nonce="n"')


def test_limits():
    for field in ("Digest " + "a=b," * 2000, "Digest " + "x" * 5000, ",".join(["A b=c"] * 9)):
        with pytest.raises(DigestError):
            parse_challenges(field)
    for field in (
        'Digest a="' + "x" * 1025 + '"',
        "Digest " + ",".join(f"a{n}=b" for n in range(25)),
        "Digest a=1, A=2",
    ):
        with pytest.raises(DigestError):
            parse_challenges(field)


def test_challenges_are_told_apart():
    found = parse_challenges(
        'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple", Negotiate, X abc=='
    )
    assert [(c.scheme, dict(c.parameters)) for c in found] == [
        ("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}),
        ("basic", {"realm": "simple"}),
        ("negotiate", {}),
        ("x", {}),
    ]  # RFC 9110 11.6.1


@pytest.mark.parametrize(
    "bad",
    [
        'Digest username="a", username*=UTF-8\'\'a, realm="r", nonce="n", uri="/", response="{}"',
        'Digest realm="r", nonce="n", uri="/", response="{}"',
        'Digest username*=latin-1\'\'a, realm="r", nonce="n", uri="/", response="{}"',
        'Digest username*=UTF-8\'\'%ff, realm="r", nonce="n", uri="/", response="{}"',
        'Digest username*=a, realm="r", nonce="n", uri="/", response="{}"',
        'Digest username="a", realm="r", nonce="n", uri="/", response="{}", qop=auth',
        'Digest username="a", realm="r", nonce="n", uri="/", response="{}", qop=auth, cnonce="c", nc=1',
        'Digest username="a", realm="r", nonce="n", uri="/", response="{}", qop=other, cnonce="c", nc=00000001',
        'Digest username="a", realm="r", nonce="n", uri="/", response="xyz"',
        'Digest username="a", realm="r", nonce="n", uri="/", response="{}" garbage',
        "Basic abc=",
    ],
)
def test_answers_that_are_wrong(bad):
    with pytest.raises(DigestError):
        parse_answer(bad.replace("{}", "0" * 32))
